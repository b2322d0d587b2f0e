"""The names of everything that an attendee's stacks have ever created in an account, as CloudFormation remembers them.

CloudFormation remembers a deleted stack's events and its template for 90 days (API reference, DescribeStackEvents and
GetTemplate), so the names are known after `cdk destroy` as well as before it. What cannot be known that way is found by
this attendee's tags, or by names that no other attendee's things can have.
"""

import json
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, get_args

from botocore.exceptions import ClientError

from infra.settings import DEFAULT_QUALIFIER, StackKind, stack_name, workshop_tags
from workshop.aws.account import Account
from workshop.aws.cdk import bootstrap_qualifier, qualifier_of
from workshop.terminal.errors import code_of

Kind = Literal[
    "stack", "http api", "event source mapping", "function", "bucket", "queue", "collection", "log group", "alarm",
    "role", "image", "asset",
]  # fmt: skip
"""In the order in which a person would remove them."""

KIND_OF: dict[str, Kind] = {
    "AWS::S3::Bucket": "bucket",
    "AWS::SQS::Queue": "queue",
    "Custom::RekognitionCollection": "collection",
    "AWS::ApiGatewayV2::Api": "http api",
    "AWS::Lambda::Function": "function",
    "AWS::Lambda::EventSourceMapping": "event source mapping",
    "AWS::Logs::LogGroup": "log group",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::IAM::Role": "role",
}
"""The resource types that could be left behind; their physical ids are the names."""

GOES_WITH_ANOTHER = frozenset(
    {
        "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::IAM::Policy", "Custom::S3AutoDeleteObjects",
        "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage",
        "AWS::Lambda::Permission",
    }
)  # fmt: skip
"""The types that are part of another resource and cannot outlive it. A test holds both lists against the stacks."""

_IMAGE = re.compile(r"cdk-[\w-]{1,10}?-container-assets-[^\"]*?:([0-9a-f]{64})")
_FILE = re.compile(r"\"([0-9a-f]{64}\.zip)\"")
_LARGEST_TEMPLATE = 1_000_000
"""Bytes that CloudFormation takes as a template (user guide, "CloudFormation quotas")."""


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """One thing in an account. `name` is what its own service calls it: a queue's is its URL, an asset's its key.

    `qualifier` is that of the bootstrap whose bucket or repository holds an asset or an image.
    """

    kind: Kind
    name: str
    qualifier: str = DEFAULT_QUALIFIER


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Where `cdk deploy` uploads to in an account and region. An account can have several, with a qualifier each."""

    qualifier: str
    account_id: str
    region: str

    @property
    def asset_bucket(self) -> str:
        """The bucket for templates and zipped code of every app in the account."""
        return f"cdk-{self.qualifier}-assets-{self.account_id}-{self.region}"

    @property
    def image_repository(self) -> str:
        """The repository for every app's images."""
        return f"cdk-{self.qualifier}-container-assets-{self.account_id}-{self.region}"


@dataclass(frozen=True, slots=True)
class Footprint:
    """Everything that is this attendee's, by name, whether it is still there or not.

    Of the images and assets among it, `used_by_others` are what stacks of others use, and `used_by_us`
    what this attendee's own stacks use.
    """

    account_id: str
    region: str
    things: frozenset[Thing]
    used_by_others: frozenset[Thing] = frozenset()
    used_by_us: frozenset[Thing] = frozenset()

    def bootstrap(self, qualifier: str) -> Bootstrap:
        """The bootstrap with this qualifier, whether there is one or not."""
        return Bootstrap(qualifier, self.account_id, self.region)


def footprint_of(account: Account) -> Footprint:
    """Read the footprint of the account's attendee; works before, during and after `cdk destroy`."""
    identity = account.client("sts").get_caller_identity()
    bare = Footprint(identity["Account"], account.region, frozenset())
    ours = {stack_name(account.attendee, stack) for stack in get_args(StackKind)}
    stacks = list(_stacks_ever(account))
    things = {Thing("stack", name) for name in ours}
    templates = []
    for stack in stacks:
        if stack["StackName"] in ours:
            things.update(_made_by(account, stack["StackId"]))
            templates.append(_template_of(account, stack["StackId"]))
    things.update(_found_by_tag(account))
    things.update(_found_by_name(account, ours))
    deployed_with = set(map(qualifier_of, templates))
    for qualifier in {DEFAULT_QUALIFIER, bootstrap_qualifier()} | deployed_with:
        for key, template in _uploaded_templates(account, bare.bootstrap(qualifier).asset_bucket):
            if is_template_of(account.attendee, template):
                things.add(Thing("asset", key, qualifier))
                templates.append(template)
    for template in templates:
        things.update(assets_in(template))
    # Lambda makes this group by itself when a function's own group is gone, so no stack knows it.
    things.update([Thing("log group", f"/aws/lambda/{thing.name}") for thing in things if thing.kind == "function"])
    alive = [stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
    return Footprint(
        account_id=bare.account_id,
        region=bare.region,
        things=frozenset(things),
        used_by_others=_run_by(account, things, [s for s in alive if s["StackName"] not in ours]),
        used_by_us=_run_by(account, things, [s for s in alive if s["StackName"] in ours]),
    )


def assets_in(template: dict[str, Any]) -> set[Thing]:
    """The images and zipped code that a template's functions run, by their names in the bootstrap storage."""
    text, qualifier = json.dumps(template), qualifier_of(template)
    images = {Thing("image", tag, qualifier) for tag in _IMAGE.findall(text)}
    return images | {Thing("asset", key, qualifier) for key in _FILE.findall(text)}


def is_template_of(attendee: str, template: dict[str, Any]) -> bool:
    """Whether this is one of the attendee's templates, now or before an update: its resources carry the tags."""
    resources = template.get("Resources")
    return isinstance(resources, dict) and any(_tagged_as(attendee, resource) for resource in resources.values())


def thing_named_by(arn: str) -> Thing | None:
    """What an ARN from the tagging API names, or None for a kind of thing that our stacks do not make."""
    _, _, service, region, account_id, resource = arn.split(":", 5)
    kind, _, name = resource.partition("/" if service == "rekognition" else ":")
    match service, kind:
        case "s3", bucket if "/" not in bucket:
            return Thing("bucket", bucket)
        case "sqs", queue:
            return Thing("queue", f"https://sqs.{region}.amazonaws.com/{account_id}/{queue}")
        case "apigateway", path if path.startswith("/apis/") and path.count("/") == 2:
            return Thing("http api", path.removeprefix("/apis/"))
        case "lambda", "function":
            return Thing("function", name)
        case "lambda", "event-source-mapping":
            return Thing("event source mapping", name)
        case "logs", "log-group":
            return Thing("log group", name.removesuffix(":*"))
        case "cloudwatch", "alarm":
            return Thing("alarm", name)
        case "rekognition", "collection":
            return Thing("collection", name)
    return None


def _stacks_ever(account: Account) -> Iterator[dict[str, Any]]:
    """All stacks of the region, those that were deleted in the last 90 days included."""
    for page in account.client("cloudformation").get_paginator("list_stacks").paginate():
        yield from page["StackSummaries"]


def _made_by(account: Account, stack_id: str) -> Iterator[Thing]:
    """All that the stack ever made, by its events: what an update replaced or a delete skipped is there as well."""
    for page in account.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for event in page["StackEvents"]:
            kind, name = KIND_OF.get(event["ResourceType"]), event.get("PhysicalResourceId")
            if kind and name:
                yield Thing(kind, name)


def _template_of(account: Account, stack_id: str) -> dict[str, Any]:
    """The template as it was uploaded; empty for one that is not JSON, which is not CDK's, and for a stack without.

    A stack that only has a change set has none yet (cdklabs/awscdk-v1-stack-finder #273).
    """
    template = account.client("cloudformation").get_template(StackName=stack_id, TemplateStage="Original")
    body = template.get("TemplateBody")
    return body if isinstance(body, dict) else {}


def _found_by_tag(account: Account) -> Iterator[Thing]:
    """What carries our tags, such as a bucket that an update replaced and that no stack lists any more."""
    tags = [{"Key": name, "Values": [value]} for name, value in workshop_tags(account.attendee).items()]
    sqs = account.client("sqs")
    for page in account.client("resourcegroupstaggingapi").get_paginator("get_resources").paginate(TagFilters=tags):
        for tagged in page["ResourceTagMappingList"]:
            thing = thing_named_by(tagged["ResourceARN"])
            if thing and thing.kind == "queue":
                try:  # the endpoint decides how its URLs look
                    url = sqs.get_queue_url(QueueName=thing.name.rpartition("/")[2])["QueueUrl"]
                except ClientError as error:
                    if "NonExistentQueue" in code_of(error) or "QueueDoesNotExist" in code_of(error):
                        continue
                    raise
                thing = Thing("queue", url)
            if thing:
                yield thing


def _found_by_name(account: Account, ours: Iterable[str]) -> Iterator[Thing]:
    """Log groups and collections whose names begin with a whole stack name of ours and the mark that ends it.

    An attendee's name has no capitals, so only simon's names begin with `ShowYourEmotions-simon-Foundation-`.
    """
    logs = account.client("logs").get_paginator("describe_log_groups")
    for stack in ours:
        for prefix in (f"{stack}-", f"/aws/lambda/{stack}-"):
            for page in logs.paginate(logGroupNamePrefix=prefix):
                yield from (Thing("log group", group["logGroupName"]) for group in page["logGroups"])
    families = tuple(f"{stack}." for stack in ours)
    for page in account.client("rekognition").get_paginator("list_collections").paginate():
        yield from (Thing("collection", name) for name in page["CollectionIds"] if name.startswith(families))


def _uploaded_templates(account: Account, bucket: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every template in the bootstrap bucket with its key: `cdk deploy` uploads one each time a stack changes."""
    s3 = account.client("s3")
    try:
        pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket))
    except ClientError as error:
        if code_of(error) == "NoSuchBucket":
            return
        raise
    keys = [
        item["Key"]
        for page in pages
        for item in page.get("Contents", [])
        if item["Key"].endswith(".json") and item["Size"] <= _LARGEST_TEMPLATE
    ]

    def read(key: str) -> tuple[str, dict[str, Any]]:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        try:
            document = json.loads(body)
        except ValueError:
            return key, {}
        return key, document if isinstance(document, dict) else {}

    with ThreadPoolExecutor(max_workers=8) as threads:
        yield from threads.map(read, keys)


def _run_by(account: Account, things: Iterable[Thing], stacks: Iterable[dict[str, Any]]) -> frozenset[Thing]:
    """The images and code among `things` that these stacks run: without its image a function fails."""
    assets = {thing for thing in things if thing.kind in ("image", "asset")}
    if not assets:
        return frozenset()
    return frozenset(
        thing for stack in stacks for thing in assets_in(_template_of(account, stack["StackId"])) if thing in assets
    )


def _tagged_as(attendee: str, resource: object) -> bool:
    tags = resource.get("Properties", {}).get("Tags") if isinstance(resource, dict) else None
    if not isinstance(tags, list):
        return False
    pairs = {(tag.get("Key"), tag.get("Value")) for tag in tags if isinstance(tag, dict)}
    return workshop_tags(attendee).items() <= pairs
