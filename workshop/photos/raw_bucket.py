"""The raw bucket: putting a photo in without overwriting another, and finding it again by whatever name."""

import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.photo import RESULTS, Photo, results_folder
from botocore.exceptions import ClientError

from workshop.aws.stacks import Stacks
from workshop.photos.keys import DIGITS, readable
from workshop.photos.preparing import prepare
from workshop.photos.sources import path_of, read
from workshop.terminal.errors import WorkshopError, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


UNVERSIONED = "null"
"""S3's version ID of an object that was stored while its bucket kept no versions."""


def put(
    s3: "S3Client", bucket: str, key: str, body: bytes, on_sent: Callable[[int], None] = lambda _bytes: None
) -> tuple[Photo, bool]:
    """Store the photo and return it with True, or with False when exactly this photo is there already.

    `on_sent` is called with the bytes sent so far. Raises WorkshopError when the key belongs to another photo.
    """
    try:
        stored = s3.put_object(
            Bucket=bucket, Key=key, Body=_Watched(body, on_sent), ContentType="image/jpeg", IfNoneMatch="*"
        )
    except ClientError as error:
        code = code_of(error)
        if code == "AccessDenied":
            raise WorkshopError(
                f"You may not write into {bucket}: it is somebody else's, or these credentials lack s3:PutObject.",
                "Leave out --bucket to use your own; `aws sts get-caller-identity` shows who you are.",
            ) from error
        if code == "NoSuchBucket":
            raise WorkshopError(f"There is no bucket {bucket}.", "Leave out --bucket to use your own.") from error
        if code not in ("PreconditionFailed", "412"):
            raise
        there = found(s3, bucket, key)
        # SSE-S3 leaves the ETag of a single PUT as the content's MD5.
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if there is not None and (there.etag, there.size) == (etag, len(body)):
            return there, False
        raise WorkshopError(
            f"There is another photo called {key} already.", "Choose another --key, or leave it out."
        ) from None
    return Photo(bucket, key, stored.get("VersionId", UNVERSIONED), stored["ETag"].strip('"'), len(body)), True


class _Watched(io.BytesIO):
    """Bytes that tell how far they have been read."""

    def __init__(self, body: bytes, on_read: Callable[[int], None]) -> None:
        super().__init__(body)
        self._on_read = on_read

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        self._on_read(self.tell())
        return chunk


def found(s3: "S3Client", bucket: str, key: str) -> Photo | None:
    """The current version of the photo under this key, or None."""
    try:
        head = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if code_of(error) in ("404", "NoSuchKey", "NotFound"):
            return None
        raise
    return Photo(bucket, key, head.get("VersionId", UNVERSIONED), head["ETag"].strip('"'), head["ContentLength"])


def key_of(stacks: Stacks, said: str) -> str | None:
    """The key of the photo that a person means, or None when there is none.

    They may say the key, an s3:// address, the annotated picture's or the result's key, or the name or path of the
    file they sent; of several photos sent under one name it is the newest.
    """
    s3: S3Client = stacks.account.client("s3")
    for key in _keys_in(stacks, said):
        if found(s3, stacks.raw_bucket, key) or _has_result(stacks, key):
            return key
    if (sent_as := key_of_file(said)) and found(s3, stacks.raw_bucket, sent_as):
        return sent_as
    beginning = readable(Path(said).stem) + "-"
    of_this_name = re.compile(re.escape(beginning) + rf"[0-9a-f]{{{DIGITS}}}\.jpg")
    uploaded = {
        version["Key"]: version["LastModified"]
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=stacks.raw_bucket, Prefix=beginning)
        for version in page.get("Versions", [])
        if of_this_name.fullmatch(version["Key"])
    }
    if uploaded:
        return max(uploaded, key=uploaded.__getitem__)
    analysed = {
        item["Key"].removeprefix(RESULTS).rpartition("/")[0]: item["LastModified"]
        for page in s3.get_paginator("list_objects_v2").paginate(
            Bucket=stacks.processed_bucket, Prefix=RESULTS + beginning
        )
        for item in page.get("Contents", [])
    }
    return max(filter(of_this_name.fullmatch, analysed), key=analysed.__getitem__, default=None)


def _has_result(stacks: Stacks, key: str) -> bool:
    """Whether a result of the photo is stored, though the photo itself may have expired."""
    s3: S3Client = stacks.account.client("s3")
    listed = s3.list_objects_v2(Bucket=stacks.processed_bucket, Prefix=results_folder(key), Delimiter="/")
    return bool(listed.get("Contents"))


def _keys_in(stacks: Stacks, said: str) -> list[str]:
    """The keys of photos that a key or an s3:// address may mean, the likeliest first."""
    address = re.match(r"s3://([^/]+)/", said)
    bucket, key = (address[1], said[address.end() :]) if address else (None, said)
    of_a_picture = re.sub(r"^pictures/(.+)/[^/]+\.jpg$", r"\1", key)
    of_a_result = re.sub(r"^results/(.+)/[^/]+\.json$", r"\1", key)
    if bucket == stacks.raw_bucket:
        return [key]
    if bucket == stacks.processed_bucket:
        return [name for name in (of_a_picture, of_a_result) if name != key] or [key]
    return list(dict.fromkeys((key, of_a_picture, of_a_result)))


def key_of_file(said: str) -> str | None:
    """The key that this very file is sent under, or None when it is no photo here."""
    path = path_of(said)
    if path is None or not path.is_file():
        return None
    try:
        return prepare(read(said)).key
    except WorkshopError:
        return None
