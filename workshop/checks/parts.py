"""Each part of the stacks: is it there, and is it as the stack made it?

CloudFormation compares templates, not resources. So `cdk deploy` has nothing to do for a bucket that was deleted by
hand, and the fix is to destroy the stacks and deploy them again.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from workshop.aws.queues import messages_in
from workshop.aws.stacks import Stacks
from workshop.terminal.errors import GONE, code_of
from workshop.terminal.findings import Finding

PUBLIC_ACCESS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
"""What S3 can block: all ways to make a bucket public."""


def blocker(stacks: Stacks) -> Finding | None:
    """What keeps a deployed function from annotating photos, if anything."""
    if not stacks.has_function:
        return None
    findings = (part(stacks) for part in (collection, function, trigger))
    return next((finding for finding in findings if finding.verdict == "problem"), None)


def raw_bucket(stacks: Stacks) -> Finding:
    """The raw bucket, closed to the public."""
    return _bucket(stacks, "Raw bucket", stacks.raw_bucket)


def processed_bucket(stacks: Stacks) -> Finding:
    """The processed bucket, closed to the public."""
    return _bucket(stacks, "Processed", stacks.processed_bucket)


def inbox(stacks: Stacks) -> Finding:
    """The queue that S3 tells of new photos."""
    return _queue(stacks, "Inbox", stacks.inbox_url)


def dead_letters(stacks: Stacks) -> Finding:
    """The queue of the photos that failed on every try."""
    return _queue(stacks, "Dead letters", stacks.dead_letter_queue_url)


def collection(stacks: Stacks) -> Finding:
    """The collection of face vectors."""
    name = stacks.collection_id
    rekognition = stacks.account.client("rekognition")
    if _answer(lambda: rekognition.describe_collection(CollectionId=name)) is None:
        return _deleted(stacks, "Collection", name)
    return Finding("Collection", "ok", name)


def function(stacks: Stacks) -> Finding:
    """The function of Step 5; raises WorkshopError when Step 5 is not deployed or not usable."""
    stacks.require_function()
    name = str(stacks.function_name)
    functions = stacks.account.client("lambda")
    described = _answer(lambda: functions.get_function_configuration(FunctionName=name))
    if described is None:
        return Finding("Function", "problem", f"{name} was deleted outside CloudFormation.", _serverless_again(stacks))
    state = described.get("State", "Active")
    if state == "Active":
        return Finding("Function", "ok", name)
    says = f"{name} is {state}: {described.get('StateReason', 'no reason')}"
    if state == "Pending":
        return Finding("Function", "problem", says, "Wait a minute, then check again")
    return Finding("Function", "problem", says, _serverless_again(stacks))


def trigger(stacks: Stacks) -> Finding:
    """The event source mapping that hands the inbox's messages to the function."""
    functions = stacks.account.client("lambda")
    asked = functions.list_event_source_mappings(FunctionName=stacks.function_name)
    if any(mapping["State"] == "Enabled" for mapping in asked["EventSourceMappings"]):
        return Finding("Trigger", "ok", "the inbox calls the function")
    return Finding("Trigger", "problem", "The inbox is not connected to the function.", _serverless_again(stacks))


def _bucket(stacks: Stacks, subject: str, name: str) -> Finding:
    s3 = stacks.account.client("s3")
    try:
        block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    except ClientError as error:
        if code_of(error) in GONE:
            return _deleted(stacks, subject, name)
        if code_of(error) != "NoSuchPublicAccessBlockConfiguration":
            raise
        block = {}
    if all(block.get(each) for each in PUBLIC_ACCESS):
        return Finding(subject, "ok", name)
    closed = ",".join(f"{each}=true" for each in PUBLIC_ACCESS)
    return Finding(
        subject,
        "problem",
        f"{name} may be opened to the public.",
        f"aws s3api put-public-access-block --bucket {name} --region {stacks.account.region} "
        f"--public-access-block-configuration {closed}",
    )


def _queue(stacks: Stacks, subject: str, url: str) -> Finding:
    if _answer(lambda: messages_in(stacks.account, url)) is None:
        return _deleted(stacks, subject, url.rpartition("/")[2])
    return Finding(subject, "ok", url.rpartition("/")[2])


def _answer(ask: Callable[[], Any]) -> Any:
    """The answer, or None when AWS has no such resource."""
    try:
        return ask()
    except ClientError as error:
        if code_of(error) in GONE:
            return None
        raise


def _deleted(stacks: Stacks, subject: str, name: str) -> Finding:
    cdk = stacks.account.cdk
    both = "Foundation Serverless" if stacks.has_function else "Foundation"
    again = f"{cdk('destroy --all')} && {cdk(f'deploy {both}')}"
    says = f"{name} was deleted outside CloudFormation. To start again, without the photos so far:"
    return Finding(subject, "problem", says, again)


def _serverless_again(stacks: Stacks) -> str:
    return f"{stacks.account.cdk('destroy Serverless')} && {stacks.account.cdk('deploy Serverless')}"
