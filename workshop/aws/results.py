"""The outcome of the photos, from the result documents that the function writes."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from annotator.photo import RESULTS, Photo, results_folder
from annotator.result import Result
from botocore.exceptions import ClientError

from workshop.aws.stacks import Stacks
from workshop.terminal.errors import WorkshopError, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class UnreadableResult(WorkshopError):
    """A result document from another version of this project, or a damaged one."""


def result_of(stacks: Stacks, photo: Photo) -> Result | None:
    """The result of exactly this version of a photo, or None if there is none (yet)."""
    return _read(stacks, photo.result_key)


def latest_result(stacks: Stacks, key: str) -> Result | None:
    """The newest result of any version of the photo, or None."""
    return max(_read_all(stacks, keys_in(stacks, results_folder(key))), key=upload_time, default=None)


def keys_in(stacks: Stacks, folder: str) -> list[str]:
    """The keys in a photo's results or pictures folder, one for each version. Deeper ones belong to other photos.

    The list is empty if the bucket was deleted.
    """
    s3: S3Client = stacks.account.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=stacks.processed_bucket, Prefix=folder, Delimiter="/")
    return [item["Key"] for page in unless_deleted(pages) for item in page.get("Contents", [])]


def unless_deleted(pages: Iterable[Any]) -> Iterator[Any]:
    """The pages of a list of a bucket; none if the bucket does not exist any more."""
    try:
        yield from pages
    except ClientError as error:
        if code_of(error) != "NoSuchBucket":
            raise


def wait_for_result(
    stacks: Stacks,
    photo: Photo,
    *,
    seconds: float = 120,
    on_wait: Callable[[float], None] = lambda _seconds: None,
) -> Result | None:
    """The result of exactly this version of a photo, or None if there is none after so many seconds.

    `on_wait` is called with the seconds waited so far, several times a second.
    """
    start = time.monotonic()
    pause = 0.25
    while True:
        if result := result_of(stacks, photo):
            return result
        until = min(time.monotonic() + pause, start + seconds)
        while (now := time.monotonic()) < until:
            on_wait(now - start)
            time.sleep(min(0.25, until - now))
        if time.monotonic() - start >= seconds:
            return None
        pause = min(pause * 1.5, 2.0)


def all_results(stacks: Stacks) -> list[Result]:
    """The newest result of each photo, in the order of the photos' keys."""
    s3: S3Client = stacks.account.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=stacks.processed_bucket, Prefix=RESULTS)
    documents = [item["Key"] for page in pages for item in page.get("Contents", []) if item["Key"].endswith(".json")]
    results = sorted(_read_all(stacks, documents), key=upload_time)
    newest = {result.raw.key: result for result in results}
    return [newest[key] for key in sorted(newest)]


def upload_time(result: Result) -> str:
    """When the photo was uploaded, to sort by: in ISO 8601, empty when the result does not say."""
    return result.raw.last_modified or ""


def _read_all(stacks: Stacks, documents: Iterable[str]) -> list[Result]:
    with ThreadPoolExecutor(max_workers=8) as threads:
        return [result for result in threads.map(lambda key: _read(stacks, key), documents) if result]


def _read(stacks: Stacks, document_key: str) -> Result | None:
    s3: S3Client = stacks.account.client("s3")
    try:
        body = s3.get_object(Bucket=stacks.processed_bucket, Key=document_key)["Body"].read()
    except ClientError as error:
        if code_of(error) in ("NoSuchKey", "404"):
            return None
        raise
    try:
        return Result.from_document(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise UnreadableResult(
            f"The result document {document_key} cannot be read: {error}",
            "It was written by another version of this project: forget the photo, then send it again.",
        ) from error
