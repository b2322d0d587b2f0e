"""What became of the photos: reading the result documents that the function wrote."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from annotator.faces import Face
from annotator.photo import result_key
from annotator.result import Result
from botocore.exceptions import ClientError

from workshop.errors import WorkshopError, code_of
from workshop.stacks import Stacks

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RESULTS = "results/"


class UnreadableResult(WorkshopError):
    """A result document is not what this version of the project writes."""


def result_of(stacks: Stacks, key: str) -> Result | None:
    """The result of the photo with this key in the raw bucket, or None when there is none (yet)."""
    return _read(stacks, result_key(key))


def wait_for_result(
    stacks: Stacks,
    key: str,
    etag: str,
    *,
    seconds: float = 120,
    on_wait: Callable[[float], None] = lambda _seconds: None,
) -> Result | None:
    """The result of exactly this upload, or None when it is not there after so many seconds.

    A result of an earlier photo under the same key has another etag and is not taken for this one. `on_wait` is
    called with the seconds waited so far, several times a second.
    """
    start = time.monotonic()
    pause = 0.25
    while True:
        result = result_of(stacks, key)
        if result is not None and result.raw.etag == etag.strip('"'):
            return result
        until = min(time.monotonic() + pause, start + seconds)
        while (now := time.monotonic()) < until:
            on_wait(now - start)
            time.sleep(min(0.25, until - now))
        if time.monotonic() - start >= seconds:
            return None
        pause = min(pause * 1.5, 2.0)


def from_left(faces: Iterable[Face]) -> list[Face]:
    """The faces as one meets them in the picture, from its left to its right."""
    return sorted(faces, key=lambda face: face.box.left)


def all_results(stacks: Stacks) -> list[Result]:
    """Every result in the processed bucket, in the order of the photos' keys."""
    with ThreadPoolExecutor(max_workers=8) as threads:
        found = threads.map(lambda key: _read(stacks, key), list(_result_keys(stacks)))
        return sorted((result for result in found if result is not None), key=lambda result: result.raw.key)


def _result_keys(stacks: Stacks) -> Iterator[str]:
    s3: S3Client = stacks.account.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=stacks.processed_bucket, Prefix=RESULTS):
        for item in page.get("Contents", []):
            if item["Key"].endswith(".json"):
                yield item["Key"]


def _read(stacks: Stacks, document_key: str) -> Result | None:
    s3: S3Client = stacks.account.client("s3")
    try:
        body = s3.get_object(Bucket=stacks.processed_bucket, Key=document_key)["Body"].read()
    except ClientError as error:
        if code_of(error) == "NoSuchKey":
            return None
        raise
    try:
        return Result.from_document(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise UnreadableResult(
            f"The result document {document_key} cannot be read: {error}",
            "It was written by another version of this project: forget the photo, then send it again.",
        ) from error
