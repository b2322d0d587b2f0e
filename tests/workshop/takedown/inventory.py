"""What an account holds, listed without the code under test."""

from tests.workshop.attendee import Attendee
from tests.workshop.takedown.test_leftovers import pushed, uploaded


def inventory(attendee: Attendee) -> dict[str, set[str]]:
    """Everything in the account, listed independently of the commands' search."""
    lists = {
        "stacks": ("cloudformation", "list_stacks", "StackSummaries", "StackName"),
        "buckets": ("s3", "list_buckets", "Buckets", "Name"),
        "queues": ("sqs", "list_queues", "QueueUrls", None),
        "http apis": ("apigatewayv2", "get_apis", "Items", "ApiId"),
        "functions": ("lambda", "list_functions", "Functions", "FunctionName"),
        "event sources": ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
        "log groups": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "alarms": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "roles": ("iam", "list_roles", "Roles", "RoleName"),
        "policies": ("iam", "list_policies", "Policies", "PolicyName"),
        "exports": ("cloudformation", "list_exports", "Exports", "Name"),
        "collections": ("rekognition", "list_collections", "CollectionIds", None),
    }
    there = {"images": pushed(attendee), "assets": uploaded(attendee)}
    for kind, (service, call, list_name, name) in lists.items():
        extra = {"Scope": "Local"} if kind == "policies" else {}
        answer = getattr(attendee.client(service), call)(**extra)
        items = [
            item for item in answer.get(list_name, []) if kind != "stacks" or item["StackStatus"] != "DELETE_COMPLETE"
        ]
        there[kind] = {item if name is None else item[name] for item in items}
    return there
