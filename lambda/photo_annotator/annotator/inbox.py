"""The inbox queue: sets when it delivers a failed message again.

A queue has one visibility time-out, which must be long enough for the slowest invocation. Most failures pass within
seconds, some only within minutes. So the waits between tries grow from far below that time-out to far above it.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import get_session

from annotator.logs import log

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


LONGEST_WAIT = 43_200
"""The most seconds that a message can stay invisible (SQS, API reference, ChangeMessageVisibility)."""


LATE = 60
"""Seconds. In a burst, photos wait 20 to 40; checking each of them first would cost one more request to S3."""


def deliveries(message: Mapping[str, Any]) -> int:
    """How often SQS has delivered this message, including this time; 1 if unknown."""
    try:
        return max(1, int(message["attributes"]["ApproximateReceiveCount"]))
    except (KeyError, TypeError, ValueError):
        return 1


def is_late(message: Mapping[str, Any]) -> bool:
    """Whether the photo may well have been replaced or deleted: the message failed before, or has waited LATE."""
    try:
        sent = int(message["attributes"]["SentTimestamp"]) / 1000
    except (KeyError, TypeError, ValueError):
        return deliveries(message) > 1
    return deliveries(message) > 1 or time.time() - sent > LATE


def client() -> "SQSClient":
    """A client with short time-outs, because a failed invocation may have only seconds left."""
    settings = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=1, read_timeout=2)
    session: Any = get_session()
    sqs: SQSClient = session.create_client("sqs", config=settings)
    return sqs


class Inbox:
    """The queue at `url`. `retry_after` holds the seconds before the second, third, … and last try of a photo."""

    def __init__(self, url: str, retry_after: Sequence[int], connect: "Callable[[], SQSClient]" = client) -> None:
        self._url = url
        self._retry_after = retry_after
        self._connect = connect

    def deliver_again(self, message: Mapping[str, Any]) -> None:
        """Make SQS deliver the failed `message` again after its next wait.

        The wait is shortened by up to half at random, so that photos that failed together are not retried together.
        After the last try the wait is zero, so that SQS moves the message to the dead-letter queue immediately. If
        the SQS request fails, the queue's own visibility time-out applies.
        """
        longest = dict(enumerate(self._retry_after, start=1)).get(deliveries(message), 0)
        wait = round(longest * random.uniform(0.5, 1))  # noqa: S311 - no secret depends on it
        try:
            # Create the client only for a failure.
            self._connect().change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message.get("receiptHandle", ""), VisibilityTimeout=wait
            )
        except Exception as problem:  # no error may affect the other messages
            log.warning("retry left to the queue", extra={"fields": {"status": "waiting", "reason": str(problem)}})
        else:
            log.info("retry scheduled", extra={"fields": {"status": "waiting", "seconds": wait}})
