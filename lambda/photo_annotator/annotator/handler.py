"""Where the story meets AWS Lambda: environment in, SQS messages in, the messages that failed out."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from annotator import logs
from annotator.cloud import Cloud, clients
from annotator.events import MessageNotUnderstood, photos_in
from annotator.inbox import LONGEST_WAIT, Inbox
from annotator.logs import log
from annotator.photo import Photo
from annotator.workflow import ImportFailed, annotate


@dataclass(frozen=True, slots=True)
class Settings:
    """What the stack tells the function."""

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

        Raises ValueError with a sentence.
        """
        told = {name: value for name, value in environment.items() if value}
        try:
            return Settings(
                processed_bucket=told["PROCESSED_BUCKET"],
                collection_id=told["COLLECTION_ID"],
                inbox_url=told["INBOX_URL"],
                retry_after=tuple(
                    _number("RETRY_AFTER", each, LONGEST_WAIT, "seconds") for each in told["RETRY_AFTER"].split(",")
                ),
                long_edge=_number("LONG_EDGE", told.get("LONG_EDGE", "2048"), 99_999, "pixels"),
            )
        except KeyError as missing:
            raise ValueError(f"The function's environment has no {missing.args[0]}: deploy the stack again.") from None


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
    """Lambda's entry point: each message on its own, the answer names those that SQS shall deliver again.

    `event` is what an SQS event source mapping with ReportBatchItemFailures sends, `context` is Lambda's.
    """
    logs.configure()
    settings, cloud, inbox = _in_this_process()
    failed = []
    for message in event["Records"]:
        with logs.about(request_id=context.aws_request_id, message_id=message["messageId"]):
            if not _handled(message, settings, cloud):
                failed.append({"itemIdentifier": message["messageId"]})
                inbox.deliver_again(message)
    return {"batchItemFailures": failed}


def _handled(message: Mapping[str, Any], settings: Settings, cloud: Cloud) -> bool:
    try:
        photos = photos_in(message)
    except MessageNotUnderstood as problem:
        log.error("message not understood", extra={"fields": {"status": "failed", "reason": str(problem)}})
        return False
    if not photos:
        log.info("nothing to do", extra={"fields": {"status": "ignored"}})
    # All of them, also after a failure: what is done will not be done again when the message comes back.
    outcomes = [_done(photo, settings, cloud) for photo in photos]
    return all(outcomes)


def _done(photo: Photo, settings: Settings, cloud: Cloud) -> bool:
    with logs.about(bucket=photo.bucket, key=photo.key, version_id=photo.version_id):
        # Said before anything can go wrong, so that a photo which ends the process is known by name.
        log.info("photo begun", extra={"fields": {"status": "begun"}})
        try:
            with logs.timed("total"):
                outcome = annotate(photo, cloud, settings.long_edge)
        except ImportFailed:
            # Lambda starts another process in the place of one that ends.
            log.exception("photo failed", extra={"fields": {"status": "failed"}})
            sys.exit("an import failed")
        except Exception:
            # Whatever it was, SQS shall deliver the photo again, and the other messages must not suffer.
            log.exception("photo failed", extra={"fields": {"status": "failed"}})
            return False
        log.info("photo done", extra={"fields": {"status": outcome}})
        return True
