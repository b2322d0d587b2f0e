"""The entry point for AWS Lambda: reads the environment and SQS messages, and returns the messages that failed."""

import gc
import os

if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # Looking for garbage during the imports takes 5 % of the first photo's processor time; `handle` ends the pause.
    gc.disable()

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from annotator import logs
from annotator.cloud import Cloud, clients
from annotator.events import MessageNotUnderstood, photos_in
from annotator.inbox import LONGEST_WAIT, Inbox, is_late
from annotator.logs import log
from annotator.photo import Photo
from annotator.workflow import ImportFailed, annotate


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's settings, which the stack passes as environment variables."""

    processed_bucket: str
    collection_id: str
    inbox_url: str
    retry_after: tuple[int, ...]
    """Seconds from a photo's first failure to its second try, from the second to the third, and so on."""

    long_edge: int
    """Pixels of the annotated picture's longer edge; 0 keeps the photo's size."""

    @staticmethod
    def from_env(environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings in PROCESSED_BUCKET, COLLECTION_ID, INBOX_URL, RETRY_AFTER (`10,60`) and LONG_EDGE.

        Raises ValueError.
        """
        values = {name: value for name, value in environment.items() if value}
        try:
            return Settings(
                processed_bucket=values["PROCESSED_BUCKET"],
                collection_id=values["COLLECTION_ID"],
                inbox_url=values["INBOX_URL"],
                retry_after=tuple(
                    _number("RETRY_AFTER", each, LONGEST_WAIT, "seconds") for each in values["RETRY_AFTER"].split(",")
                ),
                long_edge=_number("LONG_EDGE", values.get("LONG_EDGE", "2048"), 99_999, "pixels"),
            )
        except KeyError as missing:
            raise ValueError(
                f"The environment variable {missing.args[0]} is not set: deploy the stack again."
            ) from None


def _number(variable: str, text: str, most: int, unit: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > most:
        raise ValueError(f"{variable} must be a number of {unit} from 0 to {most}, not {text[:40]!r}.")
    return int(text)


@cache
def _in_this_process() -> tuple[Settings, Cloud, Inbox]:
    settings = Settings.from_env()
    s3, rekognition = clients()
    cloud = Cloud(s3, rekognition, processed_bucket=settings.processed_bucket, collection_id=settings.collection_id)
    return settings, cloud, Inbox(settings.inbox_url, settings.retry_after)


def handle(event: Mapping[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    """Process each message, and return the ids of those that SQS must deliver again.

    `event` comes from an SQS event source mapping with ReportBatchItemFailures, `context` from Lambda.
    """
    logs.configure()
    settings, cloud, inbox = _in_this_process()
    failed = []
    for message in event["Records"]:
        with logs.about(request_id=context.aws_request_id, message_id=message["messageId"]):
            if not _process_message(message, settings, cloud):
                failed.append({"itemIdentifier": message["messageId"]})
                inbox.deliver_again(message)
    gc.enable()
    return {"batchItemFailures": failed}


def _process_message(message: Mapping[str, Any], settings: Settings, cloud: Cloud) -> bool:
    """Whether all photos of the message succeeded."""
    try:
        photos = photos_in(message)
    except MessageNotUnderstood as problem:
        log.error("message not understood", extra={"fields": {"status": "failed", "reason": str(problem)}})
        return False
    if not photos:
        log.info("nothing to do", extra={"fields": {"status": "ignored"}})
    # Continue after a failure: a finished photo is not processed again when the message is redelivered.
    late = is_late(message)
    outcomes = [_process_photo(photo, settings, cloud, late) for photo in photos]
    return all(outcomes)


def _process_photo(photo: Photo, settings: Settings, cloud: Cloud, late: bool) -> bool:
    """Whether the photo succeeded."""
    with logs.about(bucket=photo.bucket, key=photo.key, version_id=photo.version_id):
        # Logged first, so that the log names a photo that crashes the process.
        log.info("photo started", extra={"fields": {"status": "begun"}})
        try:
            with logs.timed("total"):
                outcome = annotate(photo, cloud, settings.long_edge, late=late)
        except ImportFailed:
            # Lambda replaces a process that ends.
            log.exception("photo failed", extra={"fields": {"status": "failed"}})
            sys.exit("an import failed")
        except Exception:
            # SQS delivers the photo again; the other messages are not affected.
            log.exception("photo failed", extra={"fields": {"status": "failed"}})
            return False
        log.info("photo done", extra={"fields": {"status": outcome}})
        return True
