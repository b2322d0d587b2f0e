"""What the workshop has cost: photos, calls and seconds, times the prices in prices.json.

`count` asks AWS, `bill` calculates. What AWS does not report is estimated, and its line says so.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.settings import StackKind, stack_name
from workshop.aws.account import Account
from workshop.aws.results import all_results
from workshop.aws.stacks import Stacks
from workshop.terminal.errors import code_of

PRICES = Path(__file__).with_name("prices.json")

_MONTH = 30 * 24 * 3600
_GB = 1e9

SECONDS_A_PHOTO = 2.0
"""Billed seconds of the function for one photo, if its log is missing."""

MEGABYTES_A_PHOTO = 4.0
"""Raw photo, picture and result together, as long as there is no photo."""

FACES_A_PHOTO = 2.0
"""Faces that a photo adds to the collection, as long as there is no photo."""

POLLS_A_SECOND = 5 / 20
"""Lambda waits for messages in five long polls of 20 seconds, and each counts as an SQS request (Lambda developer
guide, "Using Lambda with Amazon SQS")."""

PUTS_A_PHOTO, GETS_A_PHOTO, MESSAGES_A_PHOTO = 4, 6, 3
"""S3 writes (photo, picture, result) and the list that costs as much, S3 reads (by function and commands), SQS requests
(send, receive, delete)."""

_REPORT = re.compile(r"^REPORT .*Billed Duration: (?P<ms>[\d.]+) ms\s+Memory Size: (?P<mb>\d+) MB")


@dataclass(frozen=True, slots=True)
class Usage:
    """What one attendee's stacks have used so far.

    `photos` have a result; `analysed` are those that Rekognition analysed. Times are in seconds:
    `foundation_age` and `serverless_age` (0 where it is not deployed) since the deploy. `invocations` and
    `gb_seconds` come from the function's log and are None where it has none.
    """

    photos: int = 0
    analysed: int = 0
    faces: int = 0
    stored_bytes: int = 0
    image_bytes: int = 0
    log_bytes: int = 0
    foundation_age: float = 0
    serverless_age: float = 0
    invocations: int | None = None
    gb_seconds: float | None = None
    memory_gb: float = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """One item: how much of it, at which price in US dollars, so far and for a hundred more photos.

    `counted` is False for a quantity that is estimated, `verified` for a price not read from AWS. `free` is whether
    AWS's lasting free tier covers it in an account that does nothing else.
    """

    what: str
    quantity: float
    unit: str
    price: float
    so_far: float
    per_hundred: float
    counted: bool
    verified: bool
    free: bool


@dataclass(frozen=True, slots=True)
class Bill:
    """All items, and their sums in US dollars; `payable` leaves out what the lasting free tier covers."""

    lines: tuple[Line, ...]
    prices_of: str
    region: str

    @property
    def so_far(self) -> float:
        """At list prices, since the deploy."""
        return sum(line.so_far for line in self.lines)

    @property
    def per_hundred(self) -> float:
        """At list prices, for a hundred more photos."""
        return sum(line.per_hundred for line in self.lines)

    @property
    def payable(self) -> float:
        """Since the deploy, without what the lasting free tier covers."""
        return sum(line.so_far for line in self.lines if not line.free)

    @property
    def payable_per_hundred(self) -> float:
        """For a hundred more photos, without what the lasting free tier covers."""
        return sum(line.per_hundred for line in self.lines if not line.free)

    def to_document(self) -> dict[str, Any]:
        """The bill as plain values, for --json."""
        sums = {name: getattr(self, name) for name in ("so_far", "payable", "per_hundred", "payable_per_hundred")}
        about = {"currency": "USD", "prices_read": self.prices_of, "prices_region": self.region}
        return {**about, **sums, "lines": [asdict(line) for line in self.lines]}


def prices() -> dict[str, Any]:
    """The contents of prices.json."""
    document: dict[str, Any] = json.loads(PRICES.read_text(encoding="utf-8"))
    return document


def bill(usage: Usage, priced: dict[str, Any]) -> Bill:
    """What the usage costs at these prices."""

    def line(what: str, name: str, quantity: float, per_photo: float, *, counted: bool = True) -> Line:
        price = priced[name]
        return Line(
            what=what,
            quantity=quantity,
            unit=price["unit"],
            price=price["usd"],
            so_far=quantity * price["usd"],
            per_hundred=100 * per_photo * price["usd"],
            counted=counted,
            verified=price["verified"],
            free="free_per_month" in price and quantity + 100 * per_photo <= price["free_per_month"],
        )

    photos = usage.photos
    faces_each = usage.faces / photos if photos else FACES_A_PHOTO
    bytes_each = usage.stored_bytes / photos if photos else MEGABYTES_A_PHOTO * 1e6
    months = usage.foundation_age / _MONTH
    logged = usage.gb_seconds is not None and usage.invocations is not None
    runs = usage.invocations if usage.invocations is not None else usage.photos if usage.serverless_age else 0
    seconds = usage.gb_seconds if usage.gb_seconds is not None else runs * SECONDS_A_PHOTO * usage.memory_gb
    seconds_each = seconds / runs if runs else SECONDS_A_PHOTO * usage.memory_gb
    polls = usage.serverless_age * POLLS_A_SECOND
    day = 1 / 30  # photos expire after a day by default
    return Bill(
        (
            line("Rekognition, images", "rekognition_image", usage.analysed, 1),
            line("Rekognition, faces", "rekognition_face_month", usage.faces * months, faces_each * day),
            line("Lambda, invocations", "lambda_request", runs, 1, counted=logged),
            line("Lambda, time", "lambda_gb_second", seconds, seconds_each, counted=logged),
            line("SQS", "sqs_request", polls + photos * MESSAGES_A_PHOTO, MESSAGES_A_PHOTO, counted=False),
            line("S3, writes", "s3_put", photos * PUTS_A_PHOTO, PUTS_A_PHOTO, counted=False),
            line("S3, reads", "s3_get", photos * GETS_A_PHOTO, GETS_A_PHOTO, counted=False),
            line("S3, storage", "s3_gb_month", usage.stored_bytes / _GB * months, bytes_each / _GB * day),
            line("Image in ECR", "ecr_gb_month", usage.image_bytes / _GB * usage.serverless_age / _MONTH, 0),
            line("Logs", "logs_gb", usage.log_bytes / _GB, 0),
            line("Alarm", "alarm_month", months, 0),
        ),
        prices_of=priced["read"],
        region=priced["region"],
    )


def count(stacks: Stacks, *, now: datetime | None = None) -> Usage:
    """Ask AWS what the attendee's stacks have used so far."""
    account, now = stacks.account, now or datetime.now(UTC)
    results = all_results(stacks)
    reports = list(_reports(stacks)) if stacks.log_group else []
    return Usage(
        photos=len(results),
        analysed=sum(result.status != "rejected" for result in results),
        faces=_faces_kept(stacks),
        stored_bytes=sum(_size(account, bucket) for bucket in (stacks.raw_bucket, stacks.processed_bucket)),
        image_bytes=_image_size(stacks),
        log_bytes=_log_size(stacks),
        foundation_age=_age(account, "Foundation", now),
        serverless_age=_age(account, "Serverless", now) if stacks.has_function else 0,
        invocations=len(reports) or None,
        gb_seconds=sum(reports) or None,
        memory_gb=_memory(stacks),
    )


def gb_seconds_in(report: str) -> float | None:
    """The billed GB-seconds of one REPORT line of Lambda's log; None for any other line."""
    match = _REPORT.search(report)
    return float(match["ms"]) / 1000 * int(match["mb"]) / 1024 if match else None


def _reports(stacks: Stacks) -> Iterator[float]:
    """The GB-seconds of every invocation in the function's log."""
    pages = stacks.account.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=stacks.log_group, filterPattern="REPORT"):
        for event in page["events"]:
            if (used := gb_seconds_in(event["message"])) is not None:
                yield used


def _faces_kept(stacks: Stacks) -> int:
    collection = stacks.account.client("rekognition").describe_collection(CollectionId=stacks.collection_id)
    return int(collection["FaceCount"])


def _size(account: Account, bucket: str) -> int:
    pages = account.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
    return sum(version["Size"] for page in pages for version in page.get("Versions", []))


def _age(account: Account, stack: StackKind, now: datetime) -> float:
    name = stack_name(account.attendee, stack)
    described = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    made: datetime = described["CreationTime"]
    return max(0.0, (now - made).total_seconds())


def _memory(stacks: Stacks) -> float:
    if not stacks.function_name:
        return 0.5
    function = stacks.account.client("lambda").get_function_configuration(FunctionName=stacks.function_name)
    return float(function["MemorySize"]) / 1024


def _image_size(stacks: Stacks) -> int:
    """Compressed bytes of the function's image in the registry; 0 where it cannot be asked."""
    if not stacks.function_name:
        return 0
    code = stacks.account.client("lambda").get_function(FunctionName=stacks.function_name)["Code"]
    match = re.fullmatch(r"[^/]+/(?P<repository>[^:@]+)[:@](?P<tag>.+)", code.get("ImageUri", ""))
    if not match:
        return 0
    tag = match["tag"]
    which = {"imageDigest": tag} if tag.startswith("sha256:") else {"imageTag": tag}
    try:
        images = stacks.account.client("ecr").describe_images(repositoryName=match["repository"], imageIds=[which])
    except ClientError as error:
        if code_of(error) in ("ImageNotFoundException", "RepositoryNotFoundException"):
            return 0
        raise
    return sum(image.get("imageSizeInBytes", 0) for image in images["imageDetails"])


def _log_size(stacks: Stacks) -> int:
    if not stacks.log_group:
        return 0
    groups = stacks.account.client("logs").describe_log_groups(logGroupNamePrefix=stacks.log_group)["logGroups"]
    return sum(group.get("storedBytes", 0) for group in groups if group["logGroupName"] == stacks.log_group)
