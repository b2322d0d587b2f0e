"""What of one attendee's workshop is still in the account after `cdk destroy`.

Only what `footprint.py` names is searched for, so other people's resources are never listed.
"""

import shlex
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, get_args

from botocore.exceptions import ClientError

from infra.settings import workshop_tags
from workshop.aws.account import Account
from workshop.takedown.footprint import Bootstrap, Footprint, Kind, Thing, footprint_of
from workshop.terminal.errors import GONE, code_of

_GONE = GONE | {"404", "NotFoundException", "NoSuchKey", "NoSuchEntity", "RepositoryNotFoundException"}

_NOT_OURS = {"403", "AccessDenied"}


@dataclass(frozen=True, slots=True)
class Leftover:
    """A resource that still exists, and the command that removes it."""

    kind: Kind
    name: str
    remove: str


PATIENCE: Final = 90
"""Seconds to wait for what AWS is still deleting; a deleted queue answers for up to a minute."""


def remove_and_look(
    account: Account,
    before: Footprint,
    *,
    patience: float,
    on_removed: Callable[[Thing], None],
    on_wait: Callable[[list[Thing]], None],
) -> tuple[Footprint, list[Leftover]]:
    """After the stacks: remove our uploads and wait for the rest to go. The whole footprint, and what is left of it."""
    after = footprint_of(account)
    footprint = replace(after, things=before.things | after.things)
    remove_uploads(account, footprint, on_removed)
    return footprint, leftovers(account, footprint, patience=patience, on_wait=on_wait)


def leftovers(
    account: Account,
    footprint: Footprint,
    *,
    patience: float = 0,
    on_wait: Callable[[list[Thing]], None] = lambda _things: None,
) -> list[Leftover]:
    """What of the footprint still exists, in the order to remove it, without what stacks of others use.

    A deleted queue answers for up to a minute more (SQS API reference, DeleteQueue). So the search is repeated for up
    to `patience` seconds, and `on_wait` is called with what is left.
    """
    wanted = footprint.things - footprint.used_by_others
    until = time.monotonic() + patience
    while True:
        wanted = still_there(account, footprint, wanted)
        left = sorted(wanted, key=_order)
        if not left or time.monotonic() >= until:
            return [Leftover(thing.kind, thing.name, _removal(account, footprint, thing)) for thing in left]
        on_wait(left)
        time.sleep(min(3, max(0, until - time.monotonic())))


def still_there(account: Account, footprint: Footprint, things: Iterable[Thing]) -> frozenset[Thing]:
    """Those of the things that still exist."""
    by_kind: dict[tuple[Kind, str], list[str]] = defaultdict(list)
    for thing in things:
        by_kind[thing.kind, thing.qualifier].append(thing.name)
    found: set[Thing] = set()
    for (kind, qualifier), names in by_kind.items():
        there = _LOOK[kind](account, footprint.bootstrap(qualifier), names)
        found.update(Thing(kind, name, qualifier) for name in there)
    return frozenset(found)


def remove_uploads(
    account: Account, footprint: Footprint, on_removed: Callable[[Thing], None] = lambda _thing: None
) -> None:
    """Delete our images and files from CDK's bootstrap storage, unless an existing stack uses them.

    Templates are deleted last: only an earlier template names the image that it used.
    """
    needed = footprint.used_by_others | footprint.used_by_us
    ours = [thing for thing in footprint.things - needed if thing.kind in ("image", "asset")]
    there = still_there(account, footprint, ours)
    for thing in sorted(there, key=lambda t: (t.kind != "image", t.name.endswith(".json"), t.name)):
        bootstrap = footprint.bootstrap(thing.qualifier)
        if thing.kind == "image":
            account.client("ecr").batch_delete_image(
                repositoryName=bootstrap.image_repository, imageIds=[{"imageTag": thing.name}]
            )
        else:
            for version in _versions(account, bootstrap, thing.name):
                account.client("s3").delete_object(
                    Bucket=bootstrap.asset_bucket, Key=thing.name, VersionId=version["VersionId"]
                )
        on_removed(thing)


def _order(thing: Thing) -> tuple[int, str]:
    return get_args(Kind).index(thing.kind), thing.name


def _present(ask: Callable[[], Any], *elsewhere: str) -> Any:
    """The answer, or None if there is no such resource."""
    try:
        return ask()
    except ClientError as error:
        if code_of(error) in _GONE or code_of(error) in elsewhere:
            return None
        raise


def _one_by_one(service: str, operation: str, parameter: str, *elsewhere: str) -> Callable[..., list[str]]:
    """A search that asks for each name separately."""

    def look(account: Account, _bootstrap: Bootstrap, names: list[str]) -> list[str]:
        ask = getattr(account.client(service), operation)
        return [name for name in names if _present(partial(ask, **{parameter: name}), *elsewhere) is not None]

    return look


def _stacks(account: Account, _bootstrap: Bootstrap, names: list[str]) -> list[str]:
    pages = account.client("cloudformation").get_paginator("describe_stacks").paginate()
    alive = {stack["StackName"] for page in pages for stack in page["Stacks"]}
    return [name for name in names if name in alive]


def _collections(account: Account, _bootstrap: Bootstrap, names: list[str]) -> list[str]:
    """Those that carry our tags: a stack refuses a collection of its name that is not its own."""
    rekognition = account.client("rekognition")

    def is_ours(name: str) -> bool:
        described = _present(partial(rekognition.describe_collection, CollectionId=name))
        if described is None:
            return False
        tags: dict[str, str] = rekognition.list_tags_for_resource(ResourceArn=described["CollectionARN"])["Tags"]
        return workshop_tags(account.attendee).items() <= tags.items()

    return [name for name in names if is_ours(name)]


def _log_groups(account: Account, _bootstrap: Bootstrap, names: list[str]) -> list[str]:
    logs = account.client("logs").get_paginator("describe_log_groups")
    return [
        name
        for name in names
        if any(g["logGroupName"] == name for page in logs.paginate(logGroupNamePrefix=name) for g in page["logGroups"])
    ]


def _alarms(account: Account, _bootstrap: Bootstrap, names: list[str]) -> list[str]:
    described = account.client("cloudwatch").describe_alarms(AlarmNames=names[:100])
    return [alarm["AlarmName"] for alarm in described["MetricAlarms"]]


def _images(account: Account, bootstrap: Bootstrap, names: list[str]) -> list[str]:
    ecr, repository = account.client("ecr"), bootstrap.image_repository

    def is_there(tag: str) -> bool:
        ask = partial(ecr.batch_get_image, repositoryName=repository, imageIds=[{"imageTag": tag}])
        answer = _present(ask)
        return bool(answer and answer["images"])

    return [tag for tag in names if is_there(tag)]


def _assets(account: Account, bootstrap: Bootstrap, names: list[str]) -> list[str]:
    return [key for key in names if _versions(account, bootstrap, key)]


def _versions(account: Account, bootstrap: Bootstrap, key: str) -> list[dict[str, Any]]:
    """Every version of exactly this key, delete markers included: the bootstrap bucket keeps versions."""
    pages = account.client("s3").get_paginator("list_object_versions")
    listed = _present(lambda: list(pages.paginate(Bucket=bootstrap.asset_bucket, Prefix=key)))
    return [
        version
        for page in listed or []
        for version in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        if version["Key"] == key
    ]


_LOOK: dict[Kind, Callable[[Account, Bootstrap, list[str]], list[str]]] = {
    "stack": _stacks,
    # By now, another account may have a bucket with this name.
    "bucket": _one_by_one("s3", "head_bucket", "Bucket", *_NOT_OURS),
    "queue": _one_by_one("sqs", "get_queue_attributes", "QueueUrl"),
    "collection": _collections,
    "http api": _one_by_one("apigatewayv2", "get_api", "ApiId"),
    "function": _one_by_one("lambda", "get_function_configuration", "FunctionName"),
    "event source mapping": _one_by_one("lambda", "get_event_source_mapping", "UUID"),
    "log group": _log_groups,
    "alarm": _alarms,
    "role": _one_by_one("iam", "get_role", "RoleName"),
    "image": _images,
    "asset": _assets,
}


def _removal(account: Account, footprint: Footprint, thing: Thing) -> str:
    name, bootstrap = shlex.quote(thing.name), footprint.bootstrap(thing.qualifier)
    commands = {
        "stack": f"aws cloudformation delete-stack --stack-name {name}",
        "bucket": f"aws s3 rb --force s3://{name}",
        "queue": f"aws sqs delete-queue --queue-url {name}",
        "collection": f"aws rekognition delete-collection --collection-id {name}",
        "http api": f"aws apigatewayv2 delete-api --api-id {name}",
        "function": f"aws lambda delete-function --function-name {name}",
        "event source mapping": f"aws lambda delete-event-source-mapping --uuid {name}",
        "log group": f"aws logs delete-log-group --log-group-name {name}",
        "alarm": f"aws cloudwatch delete-alarms --alarm-names {name}",
        "image": f"aws ecr batch-delete-image --repository-name {bootstrap.image_repository} "
        f"--image-ids imageTag={name}",
    }
    if thing.kind == "role":
        return _role_removal(account, thing.name)
    if thing.kind == "asset":
        versions = (version["VersionId"] for version in _versions(account, bootstrap, thing.name))
        delete = f"aws s3api delete-object --bucket {bootstrap.asset_bucket} --key {name}"
        return " && ".join(f"{delete} --version-id {shlex.quote(version)}" for version in versions)
    return f"{commands[thing.kind]} --region {footprint.region}"


def _role_removal(account: Account, role: str) -> str:
    """A role's policies must be removed before it; a role that is being deleted has none."""
    iam, name = account.client("iam"), shlex.quote(role)
    inline = (_present(lambda: iam.list_role_policies(RoleName=role)) or {}).get("PolicyNames", [])
    attached = (_present(lambda: iam.list_attached_role_policies(RoleName=role)) or {}).get("AttachedPolicies", [])
    return " && ".join(
        [
            *(f"aws iam delete-role-policy --role-name {name} --policy-name {shlex.quote(p)}" for p in inline),
            *(f"aws iam detach-role-policy --role-name {name} --policy-arn {p['PolicyArn']}" for p in attached),
            f"aws iam delete-role --role-name {name}",
        ]
    )
