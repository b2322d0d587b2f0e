"""Stores photos in the raw bucket without overwriting others, and finds them by key, address or file name."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.photo import RESULTS, Photo, results_folder
from botocore.exceptions import ClientError

from workshop.aws.results import keys_in
from workshop.aws.stacks import Stacks
from workshop.photos.keys import DIGITS, key_for, readable
from workshop.photos.sources import is_file, read
from workshop.terminal.errors import WorkshopError, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef


UNVERSIONED = "null"
"""S3's version ID of an object that was stored while its bucket kept no versions."""


_FILE_DIGEST = "file-sha256"
"""The name of the object's metadata with the SHA-256 of the original file."""


def put(
    s3: "S3Client",
    bucket: str,
    key: str,
    body: bytes,
    *,
    file_digest: str,
    on_sent: Callable[[int], None] = lambda _bytes: None,
) -> tuple[Photo, bool]:
    """Store the photo and return it with True, or with False if the photo of the same file is already there.

    `file_digest` is the digest of the original file, because another version of OpenCV may encode the file to other
    bytes. `on_sent` is called with the number of bytes sent so far. Raises WorkshopError if another photo has the key.
    """
    try:
        stored = s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=_Watched(body, on_sent),
            ContentType="image/jpeg",
            Metadata={_FILE_DIGEST: file_digest},
            IfNoneMatch="*",
        )
    except ClientError as error:
        code = code_of(error)
        if code == "AccessDenied":
            raise WorkshopError(
                f"You may not write to {bucket}: it is not yours, or your credentials lack s3:PutObject.",
                "Leave out --bucket to use your own; `aws sts get-caller-identity` shows who you are.",
            ) from error
        if code not in ("PreconditionFailed", "412"):
            raise
        head = _head(s3, bucket, key)
        if head and head["Metadata"].get(_FILE_DIGEST) == file_digest:
            return _photo(bucket, key, head), False
        raise WorkshopError(
            f"There is already another photo called {key}.", "Choose another --key, or leave it out."
        ) from None
    return Photo(bucket, key, stored.get("VersionId", UNVERSIONED), stored["ETag"].strip('"'), len(body)), True


class _Watched(io.BytesIO):
    """Bytes that report how many of them have been read."""

    def __init__(self, body: bytes, on_read: Callable[[int], None]) -> None:
        super().__init__(body)
        self._on_read = on_read

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        self._on_read(self.tell())
        return chunk


def found(s3: "S3Client", bucket: str, key: str) -> Photo | None:
    """The current version of the photo under this key, or None."""
    head = _head(s3, bucket, key)
    return _photo(bucket, key, head) if head else None


def _head(s3: "S3Client", bucket: str, key: str) -> "HeadObjectOutputTypeDef | None":
    try:
        return s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if code_of(error) in ("404", "NoSuchKey", "NotFound"):
            return None
        raise


def _photo(bucket: str, key: str, head: "HeadObjectOutputTypeDef") -> Photo:
    return Photo(bucket, key, head.get("VersionId", UNVERSIONED), head["ETag"].strip('"'), head["ContentLength"])


def key_of(stacks: Stacks, name: str) -> str | None:
    """The key of the photo with this name, or None.

    The name may be the key, an s3:// address, the key of the annotated picture or of the result, or the name or path of
    the file that was sent. Of several photos that were sent under one name, this is the newest.
    """
    s3: S3Client = stacks.account.client("s3")
    of_the_file = key_of_file(name)
    for key in (*keys_named(stacks, name), *([of_the_file] if of_the_file else [])):
        # The photo may have expired while its result is still there.
        if found(s3, stacks.raw_bucket, key) or keys_in(stacks, results_folder(key)):
            return key
    beginning = readable(Path(name).stem) + "-"
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


def how_to_send(stacks: Stacks, name: str) -> str:
    """What to do about a photo of this name that is not in the bucket: send it, or check the spelling."""
    if not is_file(name) and not name.startswith(("http://", "https://")):
        return f"There is no file {name} here, either. Check the spelling; `ls` shows what is here."
    return f"Send it first: {stacks.account.command('send' if stacks.has_function else 'index', name)}"


def keys_named(stacks: Stacks, name: str) -> list[str]:
    """The keys that a photo of this name, a key or an s3:// address, may have; the likeliest first."""
    address = re.match(r"s3://([^/]+)/", name)
    bucket, key = (address[1], name[address.end() :]) if address else (None, name)
    of_a_picture = re.sub(r"^pictures/(.+)/[^/]+\.jpg$", r"\1", key)
    of_a_result = re.sub(r"^results/(.+)/[^/]+\.json$", r"\1", key)
    if bucket == stacks.raw_bucket:
        return [key]
    if bucket == stacks.processed_bucket:
        return [photo for photo in (of_a_picture, of_a_result) if photo != key] or [key]
    return list(dict.fromkeys((key, of_a_picture, of_a_result)))


def key_of_file(name: str) -> str | None:
    """The key under which this file is sent, or None if there is no such file here."""
    if not is_file(name):
        return None
    try:
        source = read(name)
    except WorkshopError:
        return None
    return key_for(source.name, source.body)
