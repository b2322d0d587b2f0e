"""CloudFormation in a member's account: create, update and delete one stack, and say why where it cannot."""

from typing import Final, Literal

from botocore.exceptions import ClientError

from infra.settings import StackKind, stack_name, workshop_tags
from workshop.aws.stacks import describe
from workshop.fleet.everyone import Turn
from workshop.terminal.errors import WorkshopError, code_of

Done = Literal["created", "updated", "unchanged"]

LOOK_EVERY: Final = 5.0
"""Seconds between two looks at a stack at work. Ten accounts then ask twice a second."""

_NEVER_COMPLETE: Final = (
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "CREATE_FAILED",
    "DELETE_FAILED",
    "REVIEW_IN_PROGRESS",
)
"""What CloudFormation can only delete: a stack that was never complete, or is half gone."""


def deploy(turn: Turn, stack: StackKind, template: str) -> Done:
    """Bring the member's stack to this template, whatever state it is in; waits until CloudFormation has finished.

    Raises WorkshopError with CloudFormation's first reason when that fails.
    """
    cloudformation, name = turn.account.client("cloudformation"), stack_name(turn.member.attendee, stack)
    status = _settled(turn, name)
    if status in _NEVER_COMPLETE:
        delete(turn, stack)
        status = None
    request = {
        "StackName": name,
        "TemplateBody": template,
        "Parameters": [{"ParameterKey": "Attendee", "ParameterValue": turn.member.attendee}],
        "Capabilities": ["CAPABILITY_IAM"],
        "Tags": [{"Key": key, "Value": value} for key, value in workshop_tags(turn.member.attendee).items()],
    }
    if status is None:
        turn.say(f"creating {stack}")
        cloudformation.create_stack(**request)
        _finish(turn, name, "CREATE_COMPLETE")
        return "created"
    turn.say(f"updating {stack}")
    try:
        cloudformation.update_stack(**request)
    except ClientError as error:
        # CloudFormation has no code of its own for this.
        if code_of(error) == "ValidationError" and "No updates are to be performed" in str(error):
            return "unchanged"
        raise
    _finish(turn, name, "UPDATE_COMPLETE")
    return "updated"


def delete(turn: Turn, stack: StackKind) -> None:
    """Delete the member's stack and wait until it is gone; nothing to do if there is none."""
    cloudformation, name = turn.account.client("cloudformation"), stack_name(turn.member.attendee, stack)
    if _settled(turn, name) is None:
        return
    turn.say(f"deleting {stack}")
    cloudformation.delete_stack(StackName=name)
    _finish(turn, name, None)


def _finish(turn: Turn, name: str, wanted: str | None) -> None:
    status = _settled(turn, name)
    if status != wanted:
        raise WorkshopError(f"{name}: {_first_reason(turn, name) or status}")


def _settled(turn: Turn, name: str) -> str | None:
    """The stack's status once CloudFormation no longer works on it; None if there is no such stack."""
    cloudformation = turn.account.client("cloudformation")
    while True:
        described = describe(cloudformation, name)
        status = described["StackStatus"] if described else None
        if status is None or not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
            return status
        turn.pause(LOOK_EVERY)


def _first_reason(turn: Turn, name: str) -> str | None:
    """Why the last operation failed: the first failure since it began; the later ones are its consequences."""
    reason = None
    for page in turn.account.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=name):
        for event in page["StackEvents"]:  # the newest first
            if event["ResourceStatus"].endswith("_FAILED"):
                reason = f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
            if event["PhysicalResourceId"] == event["StackId"] and event["ResourceStatus"] in (
                "CREATE_IN_PROGRESS",
                "UPDATE_IN_PROGRESS",
                "DELETE_IN_PROGRESS",
            ):
                return reason
    return reason
