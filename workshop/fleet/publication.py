"""What an organiser publishes for a fleet: a bucket in each region with the code and the templates."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.settings import ASSETS_BUCKET, WORKSHOP, StackKind, WorkshopSettings
from workshop import PROJECT
from workshop.aws.account import Account
from workshop.aws.cdk import cdk
from workshop.checks.parts import PUBLIC_ACCESS
from workshop.fleet.templates import ANYBODY, LARGEST_BODY, for_any_attendee
from workshop.terminal.errors import WorkshopError, code_of

KEPT_FOR_DAYS: Final = 30
"""After so many days S3 deletes what was published. Deployed functions keep their own copy of the code."""

_FRESH: Final = timedelta(days=7)
"""Code that is older is uploaded again, so that it is there on the evening."""

STACKS: Final[tuple[StackKind, ...]] = ("Foundation", "Serverless")

_INDEX: Final = "publication.json"


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published in one region.

    `settings` are those given when publishing, and `organisation` the one that may read it, if not single accounts.
    """

    bucket: str
    region: str
    settings: Mapping[str, str]
    organisation: str | None
    published: str

    def url(self, stack: StackKind) -> str:
        """Where CloudFormation finds the template."""
        return f"https://{self.bucket}.s3.{self.region}.amazonaws.com/{_key(stack)}"


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may read what is published: these accounts, or all of an organisation (`o-…`)."""

    accounts: frozenset[str]
    organisation: str | None = None


def bucket_of(organiser: Account, region: str) -> str:
    """The bucket's name, in the namespace that only the organiser's account can use.

    Source: S3 user guide, "Namespaces for general purpose buckets".
    """
    return f"{WORKSHOP}-{organiser.client('sts').get_caller_identity()['Account']}-{region}-an"


def published(organiser: Account, region: str) -> Publication | None:
    """What the organiser has published in the region, or None."""
    bucket = bucket_of(organiser, region)
    try:
        body = organiser.client("s3", region=region).get_object(Bucket=bucket, Key=_INDEX)["Body"].read()
    except ClientError as error:
        if code_of(error) in ("NoSuchBucket", "NoSuchKey"):
            return None
        raise
    return Publication(**json.loads(body))


def template_of(organiser: Account, publication: Publication, stack: StackKind) -> str:
    """The template's text; raises WorkshopError when S3 has deleted it, because it was published long ago."""
    s3 = organiser.client("s3", region=publication.region)
    try:
        body: bytes = s3.get_object(Bucket=publication.bucket, Key=_key(stack))["Body"].read()
    except ClientError as error:
        if code_of(error) != "NoSuchKey":
            raise
        raise WorkshopError(
            f"What was published in {publication.region} is not complete any more.", "Publish it again."
        ) from None
    return body.decode()


def publish(
    organiser: Account,
    region: str,
    settings: Mapping[str, str],
    readers: Readers,
    say: Callable[[str], None] = lambda _what: None,
) -> Publication:
    """Synthesise the stacks, and put them with their code into the region's bucket; only what is not there yet.

    Raises WorkshopError when the stacks cannot be synthesised with these settings.
    """
    bucket = bucket_of(organiser, region)
    with tempfile.TemporaryDirectory(prefix="show-your-emotions-") as folder:
        say("synthesising the stacks")
        _synthesise(Path(folder), region, bucket, settings)
        say("preparing the bucket")
        prepare_bucket(organiser, region, bucket, readers)
        publication = Publication(bucket, region, settings, readers.organisation, _now().isoformat(timespec="seconds"))
        upload(organiser, publication, Path(folder), say)
    return publication


def upload(organiser: Account, publication: Publication, assembly: Path, say: Callable[[str], None]) -> None:
    """Put a cloud assembly's code and templates into the bucket; raises WorkshopError if it needs an image."""
    s3, bucket = organiser.client("s3", region=publication.region), publication.bucket
    there = {item["Key"] for item in _objects(s3, bucket) if _now() - item["LastModified"] < _FRESH}
    for key, file in _code_in(assembly):
        if key not in there:
            say(f"uploading {file.getbuffer().nbytes / 1e6:.2f} MB")
            s3.upload_fileobj(file, bucket, key)
    for stack in STACKS:
        text = for_any_attendee(json.loads((assembly / f"{stack}.template.json").read_text(encoding="utf-8")))
        if len(text.encode()) > LARGEST_BODY:
            raise WorkshopError(f"The template of {stack} has {len(text)} bytes; CloudFormation takes {LARGEST_BODY}.")
        s3.put_object(Bucket=bucket, Key=_key(stack), Body=text.encode(), ContentType="application/json")
    s3.put_object(Bucket=bucket, Key=_INDEX, Body=json.dumps(asdict(publication)).encode())


def prepare_bucket(organiser: Account, region: str, bucket: str, readers: Readers) -> None:
    """Make the bucket if it is not there: private but for the readers, TLS only, tagged, expiring.

    Raises WorkshopError when one of the readers' accounts does not exist.
    """
    s3 = organiser.client("s3", region=region)
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        s3.create_bucket(Bucket=bucket, BucketNamespace="account-regional", **where)
    except ClientError as error:
        if code_of(error) != "BucketAlreadyOwnedByYou":
            raise
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(PUBLIC_ACCESS, True))
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "workshop", "Value": WORKSHOP}]})
    expiry = {"ID": "Expire", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": KEPT_FOR_DAYS}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [expiry]})
    try:
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy_for(bucket, readers)))
    except ClientError as error:
        if code_of(error) != "MalformedPolicy":
            raise
        raise WorkshopError(
            f"S3 does not accept the fleet's accounts as readers: {error.response['Error']['Message']}",
            "One of the accounts in the fleet's file does not exist.",
        ) from error


def policy_for(bucket: str, readers: Readers) -> dict[str, Any]:
    """Nobody without TLS; the readers may read objects and nothing else.

    A policy that names an organisation is not public (S3 user guide, "The meaning of 'public'").
    """
    arn = f"arn:aws:s3:::{bucket}"
    statements: list[dict[str, Any]] = [
        {
            "Sid": "OnlyWithTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
    reading: dict[str, Any] = {"Sid": "Fleet", "Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{arn}/*"}
    if readers.organisation:
        condition = {"StringEquals": {"aws:PrincipalOrgID": readers.organisation}}
        statements.append({**reading, "Principal": "*", "Condition": condition})
    elif readers.accounts:
        roots = [f"arn:aws:iam::{account}:root" for account in sorted(readers.accounts)]
        statements.append({**reading, "Principal": {"AWS": roots}})
    return {"Version": "2012-10-17", "Statement": statements}


def size_of(organiser: Account, publication: Publication) -> int:
    """Bytes that are published in the region."""
    s3 = organiser.client("s3", region=publication.region)
    return sum(item["Size"] for item in _objects(s3, publication.bucket))


def regions_with_a_bucket(organiser: Account) -> list[str]:
    """The regions in which the organiser has published."""
    buckets = organiser.client("s3").list_buckets()["Buckets"]
    before, after = bucket_of(organiser, " ").split(" ")
    names = [bucket["Name"] for bucket in buckets]
    return [n[len(before) : -len(after)] for n in names if n.startswith(before) and n.endswith(after)]


def unpublish(organiser: Account, region: str) -> None:
    """Delete the region's bucket with all that is in it."""
    s3, bucket = organiser.client("s3", region=region), bucket_of(organiser, region)
    for item in list(_objects(s3, bucket)):
        s3.delete_object(Bucket=bucket, Key=item["Key"])
    s3.delete_bucket(Bucket=bucket)


def _synthesise(assembly: Path, region: str, bucket: str, settings: Mapping[str, str]) -> None:
    # Every setting is named, because cdk.context.json has those that the organiser keeps for stacks of their own.
    complete = WorkshopSettings.from_context({**settings, "package": "zip", "attendee": ANYBODY}, region)
    context = {name: complete.as_text(name) for name in complete.names()} | {ASSETS_BUCKET: bucket}
    flags = [word for name, value in context.items() for word in ("-c", f"{name}={value}")]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        cdk("synth", "--quiet", "--output", str(assembly), *flags),
        cwd=PROJECT,
        env={**os.environ, "PATH": path, "AWS_REGION": region, "AWS_DEFAULT_REGION": region, "CDK_VALIDATION": "false"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        # The app's last word is its reason; the CDK CLI adds that its subprocess failed.
        _, ours, reason = done.stdout.rpartition(f"{WORKSHOP}: ")
        if not ours:
            raise WorkshopError(f"The stacks cannot be synthesised: {done.stdout}")
        sentence, *hint = [line for line in reason.splitlines() if "Subprocess exited with error" not in line]
        raise WorkshopError(sentence, "\n".join(hint) or None)


def _code_in(assembly: Path) -> Iterator[tuple[str, BytesIO]]:
    """The assembly's assets but for the templates: the key that the templates name, and the zip file."""
    seen: set[str] = set()
    for stack in STACKS:
        assets = json.loads((assembly / f"{stack}.assets.json").read_text(encoding="utf-8"))
        if assets["dockerImages"]:
            raise WorkshopError("A published function has no image.", "Leave out the setting package.")
        for asset in assets["files"].values():
            ((destination),) = asset["destinations"].values()
            source, key = assembly / asset["source"]["path"], destination["objectKey"]
            if key not in seen and not source.name.endswith(".template.json"):
                seen.add(key)
                yield key, _zipped(source) if asset["source"]["packaging"] == "zip" else BytesIO(source.read_bytes())


def _key(stack: StackKind) -> str:
    return f"{stack}.template.json"


def _now() -> datetime:
    return datetime.now(UTC)


def _zipped(folder: Path) -> BytesIO:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    file.seek(0)
    return file


def _objects(s3: Any, bucket: str) -> Iterable[dict[str, Any]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from page.get("Contents", [])
