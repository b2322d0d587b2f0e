"""What the attendee's stacks created. Every name comes from CloudFormation's outputs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.settings import StackKind, attendee_with, stack_name
from workshop.aws.account import Account
from workshop.terminal.console import err
from workshop.terminal.errors import WorkshopError, code_of, use_local_aws

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


@dataclass(frozen=True)
class Stacks:
    """The resources of the attendee's stacks. `function_name` and `log_group` are None before Step 5.

    `serverless_unusable` says what is wrong with a Serverless stack that exists but cannot be used.
    """

    account: Account
    raw_bucket: str
    processed_bucket: str
    collection_id: str
    inbox_url: str
    dead_letter_queue_url: str
    function_name: str | None = None
    log_group: str | None = None
    serverless_unusable: WorkshopError | None = field(default=None, compare=False)

    @staticmethod
    def of(account: Account) -> "Stacks":
        """The stacks of this account's attendee.

        Raises WorkshopError if there is no usable Foundation. It says in which other region the stack is, or whose
        stacks are in this one.
        """
        foundation = outputs_of(account, "Foundation")
        if foundation is None:
            raise _not_deployed(account)
        serverless, unusable = {}, None
        try:
            serverless = outputs_of(account, "Serverless") or {}
        except WorkshopError as error:  # Steps 1 to 4 work without it
            unusable = error
        try:
            return Stacks(
                account=account,
                raw_bucket=foundation["RawBucket"],
                processed_bucket=foundation["ProcessedBucket"],
                collection_id=foundation["CollectionId"],
                inbox_url=foundation["InboxUrl"],
                dead_letter_queue_url=foundation["DeadLetterQueueUrl"],
                function_name=serverless.get("FunctionName"),
                log_group=serverless.get("LogGroupName"),
                serverless_unusable=unusable,
            )
        except KeyError as missing:
            raise WorkshopError(
                f"The stack {stack_name(account.attendee, 'Foundation')} has no output {missing}.",
                f"Deploy it again from this version of the project: {account.cdk('deploy Foundation')}",
            ) from None

    @property
    def has_function(self) -> bool:
        """Whether Step 5 is deployed, so that each uploaded photo is annotated."""
        return self.function_name is not None

    def require_function(self) -> None:
        """Raise WorkshopError if Step 5 is not deployed or not usable."""
        if self.serverless_unusable:
            raise self.serverless_unusable
        if not self.has_function:
            raise WorkshopError(
                f"Step 5 is not deployed: there is no stack {stack_name(self.account.attendee, 'Serverless')}.",
                f"Deploy it: {self.account.cdk('deploy Serverless')}\n"
                f"Or do without it (Steps 2 to 4): {self.account.command('index PHOTO')}",
            )

    def kept_for_days(self) -> int | None:
        """After how many days S3 deletes a picture and hides its photo; None if the raw bucket has no such rule."""
        try:
            rules = self.account.client("s3").get_bucket_lifecycle_configuration(Bucket=self.raw_bucket)["Rules"]
        except ClientError:
            return None
        days = [rule["Expiration"]["Days"] for rule in rules if "Days" in rule.get("Expiration", {})]
        return min(days, default=None)


def outputs_of(account: Account, stack: StackKind) -> dict[str, str] | None:
    """The stack's outputs, or None if it is not deployed here.

    Raises WorkshopError for a stack that exists but is not usable, yet or any more.
    """
    name = stack_name(account.attendee, stack)
    described = describe(account.client("cloudformation"), name)
    if described is None or described["StackStatus"] == "DELETE_COMPLETE":
        return None
    status = described["StackStatus"]
    if status in ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS"):
        raise WorkshopError(
            f"The stack {name} is still being created ({status}).", "Wait until the deployment has finished."
        )
    if status == "DELETE_IN_PROGRESS":
        raise WorkshopError(
            f"The stack {name} is being deleted.", f"To create it again: {account.cdk(f'deploy {stack}')}"
        )
    if status in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "ROLLBACK_IN_PROGRESS", "DELETE_FAILED"):
        raise WorkshopError(
            f"The stack {name} has failed ({status}).",
            f"Remove it, then deploy again: {account.cdk(f'destroy {stack}')} && {account.cdk(f'deploy {stack}')}",
        )
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def describe(cloudformation: "CloudFormationClient", name: str) -> Any | None:
    """What DescribeStacks says of the stack with this name or id; None if there is none."""
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # CloudFormation has no code of its own for this: "Stack with id … does not exist" is a ValidationError.
        if code_of(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    return stacks[0] if stacks else None


def _not_deployed(account: Account) -> WorkshopError:
    """The error for a missing Foundation, after a search for other attendees here and in other regions."""
    name = stack_name(account.attendee, "Foundation")
    sentence = f"There is no stack {name} in {account.region}."
    err.print(f"Looking for {name} in other regions …", style="dim")
    elsewhere = _regions_with(account, name)
    if elsewhere:
        return WorkshopError(
            f"{sentence} It is in {', '.join(elsewhere)}.", f"Choose that region: emotions --region {elsewhere[0]} …"
        )
    deploy = f"Deploy it: {account.cdk('deploy Foundation')}"
    if local := use_local_aws():
        deploy += f"\n{local}"
    if others := _list_of(attendees(account)):
        return WorkshopError(
            sentence, f"{deploy}\nOr, if your stacks are here under another name, add --attendee and one of {others}"
        )
    return WorkshopError(sentence, deploy)


def where_else(account: Account) -> str | None:
    """For an attendee without stacks here: where else they are, or whose stacks are here. None if there are none."""
    if elsewhere := _regions_with(account, stack_name(account.attendee, "Foundation")):
        return f"{account.attendee} has stacks in {', '.join(elsewhere)}: add --region {elsewhere[0]}"
    if others := _list_of([other for other in attendees(account) if other != account.attendee]):
        return f"Other attendees have stacks in {account.region}. If you are one of them, add --attendee and {others}"
    return None


def _list_of(names: list[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names[:5])
    return f"{listed} and {len(names) - 5} more" if len(names) > 5 else listed


def attendees(account: Account) -> list[str]:
    """The attendees with a Foundation stack in this region; none if the credentials may not list stacks."""
    try:
        pages = account.client("cloudformation").get_paginator("describe_stacks").paginate()
        names = [stack["StackName"] for page in pages for stack in page["Stacks"]]
    except (ClientError, BotoCoreError):
        return []
    return sorted(filter(None, map(attendee_with, names)))


def _regions_with(account: Account, name: str) -> list[str]:
    """The other Rekognition regions with this stack. Regions that do not answer within seconds are skipped."""
    others = [r for r in account.session.get_available_regions("rekognition") if r != account.region]
    quick = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1})
    # boto3 sessions are not thread-safe, clients are: create them first, then call in parallel.
    clients = {r: account.session.client("cloudformation", region_name=r, config=quick) for r in others}

    def is_in(region: str) -> bool:
        try:
            return describe(clients[region], name) is not None
        except (ClientError, BotoCoreError):
            return False

    with ThreadPoolExecutor(max_workers=8) as threads:
        return [region for region, found in zip(others, threads.map(is_in, others), strict=True) if found]
