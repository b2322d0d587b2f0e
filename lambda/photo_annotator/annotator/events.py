"""Which photos a message tells of: Amazon S3's notifications, as the inbox queue hands them over."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from annotator.photo import LONGEST_KEY, LONGEST_VERSION, Photo


class MessageNotUnderstood(ValueError):
    """The message is no S3 notification; its sentence says what it is instead."""


def photos_in(message: Mapping[str, Any]) -> tuple[Photo, ...]:
    """The photos that one SQS message announces, each once, in the order of its records.

    Empty for what S3 also sends and nobody uploaded: the `s3:TestEvent` of a new notification, folder markers
    (an empty object whose key ends in a slash), and events other than ObjectCreated. The form is that of the S3
    user guide, "Event message structure". Raises MessageNotUnderstood for anything else.
    """
    try:
        notification = json.loads(message["body"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise MessageNotUnderstood(f"the message's body is not JSON: {error!r}") from error
    if not isinstance(notification, dict):
        raise MessageNotUnderstood(f"the message's body is a JSON {type(notification).__name__}, not an object")
    if notification.get("Event") == "s3:TestEvent":
        return ()
    records = notification.get("Records")
    if not isinstance(records, list):
        raise MessageNotUnderstood(f"the message has no list of Records, only {sorted(notification)}")
    announced = (_photo_in(record) for record in records)
    return tuple(dict.fromkeys(photo for photo in announced if photo))


def _photo_in(record: Any) -> Photo | None:
    try:
        if record["eventSource"] != "aws:s3":
            raise MessageNotUnderstood(f"a record comes from {record['eventSource']!r}, not from aws:s3")
        if not record["eventName"].startswith("ObjectCreated:"):
            return None
        entry = record["s3"]["object"]
        if "versionId" not in entry:
            raise MessageNotUnderstood(
                "the upload has no version, so its bucket keeps none: deploy the Foundation stack again, then send "
                "the photo again"
            )
        photo = Photo(
            bucket=record["s3"]["bucket"]["name"],
            # S3 announces `red flower.jpg` as `red+flower.jpg` (S3 user guide, "Event message structure").
            key=unquote_plus(entry["key"], errors="strict"),
            version_id=entry["versionId"],
            etag=entry["eTag"].strip('"'),
            size=entry["size"],
        )
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise MessageNotUnderstood(f"a record is not as S3 writes it: {error!r}") from error
    if not _can_be(photo):
        raise MessageNotUnderstood(f"a record is not as S3 writes it: there can be no {photo}")
    is_folder_marker = photo.key.endswith("/") and photo.size == 0
    return None if is_folder_marker else photo


def _can_be(photo: Photo) -> bool:
    """Whether S3 could have such an object; a message may say anything, and what it says goes into requests."""
    try:
        length = len(photo.key.encode())
    except UnicodeEncodeError:  # JSON can spell halves of characters
        return False
    return (
        isinstance(photo.bucket, str)
        and re.fullmatch(r"[a-zA-Z0-9._-]{3,255}", photo.bucket) is not None
        and 1 <= length <= LONGEST_KEY
        and isinstance(photo.version_id, str)
        # "Unicode, UTF-8 encoded, URL-ready, opaque strings" (S3 user guide, "Retaining multiple versions of objects").
        and re.fullmatch(rf"[!-~]{{1,{LONGEST_VERSION}}}", photo.version_id) is not None
        # A digest, and for a multipart upload the number of its parts (S3, API reference, Object).
        and re.fullmatch(r"[0-9a-zA-Z]+(-[0-9]+)?", photo.etag) is not None
        and type(photo.size) is int
        and photo.size >= 0
    )
