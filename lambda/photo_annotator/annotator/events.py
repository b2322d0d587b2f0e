"""Parses Amazon S3 event notifications in SQS messages into photos."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from annotator.photo import LONGEST_KEY, LONGEST_VERSION, Photo


class MessageNotUnderstood(ValueError):
    """The message is not an S3 notification. The error message says what is wrong."""


def photos_in(message: Mapping[str, Any]) -> tuple[Photo, ...]:
    """The photos in one SQS message, without duplicates, in the order of its records.

    Empty for S3 events without a photo: the `s3:TestEvent` of a new notification, folder markers (an empty object
    whose key ends in a slash), and events other than ObjectCreated. Raises MessageNotUnderstood for any other message.
    The format is documented in the S3 user guide, "Event message structure".
    """
    try:
        notification = json.loads(message["body"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise MessageNotUnderstood(f"the message body is not JSON: {error!r}") from error
    if not isinstance(notification, dict):
        raise MessageNotUnderstood(f"the message body is a JSON {type(notification).__name__}, not an object")
    if notification.get("Event") == "s3:TestEvent":
        return ()
    records = notification.get("Records")
    if not isinstance(records, list):
        raise MessageNotUnderstood(f"the message has no list of Records, only {sorted(notification)}")
    photos = (_photo_in(record) for record in records)
    return tuple(dict.fromkeys(photo for photo in photos if photo))


def _photo_in(record: Any) -> Photo | None:
    try:
        if record["eventSource"] != "aws:s3":
            raise MessageNotUnderstood(f"a record comes from {record['eventSource']!r}, not from aws:s3")
        if not record["eventName"].startswith("ObjectCreated:"):
            return None
        entry = record["s3"]["object"]
        # Uploads into a bucket whose versioning is suspended are all called "null".
        if entry.get("versionId") in (None, "null"):
            raise MessageNotUnderstood(
                "the upload has no version, so its bucket is not versioned: deploy the Foundation stack again, forget "
                "the photo, and send it again"
            )
        photo = Photo(
            bucket=record["s3"]["bucket"]["name"],
            # S3 encodes `red flower.jpg` as `red+flower.jpg` (S3 user guide, "Event message structure").
            key=unquote_plus(entry["key"], errors="strict"),
            version_id=entry["versionId"],
            etag=entry["eTag"].strip('"'),
            size=entry["size"],
        )
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise MessageNotUnderstood(f"a record has an unexpected structure: {error!r}") from error
    if not _is_valid(photo):
        raise MessageNotUnderstood(f"a record has impossible values: {photo}")
    is_folder_marker = photo.key.endswith("/") and photo.size == 0
    return None if is_folder_marker else photo


def _is_valid(photo: Photo) -> bool:
    """Whether S3 could have such an object. A message can contain anything, and its values are used in requests."""
    try:
        length = len(photo.key.encode())
    except UnicodeEncodeError:  # JSON can contain lone surrogates
        return False
    return (
        isinstance(photo.bucket, str)
        and re.fullmatch(r"[a-zA-Z0-9._-]{3,255}", photo.bucket) is not None
        and 1 <= length <= LONGEST_KEY
        and isinstance(photo.version_id, str)
        # "Unicode, UTF-8 encoded, URL-ready, opaque strings" (S3 user guide, "Retaining multiple versions of objects").
        and re.fullmatch(rf"[!-~]{{1,{LONGEST_VERSION}}}", photo.version_id) is not None
        # A digest, followed by the number of parts for a multipart upload (S3, API reference, Object).
        and re.fullmatch(r"[0-9a-zA-Z]+(-[0-9]+)?", photo.etag) is not None
        and type(photo.size) is int
        and photo.size >= 0
    )
