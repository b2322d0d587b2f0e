"""The queue that announces photos, asked to bring one that failed again sooner or later than it would by itself.

A queue has one visibility time-out, and it must be long enough for the slowest invocation. Most failures pass within
seconds, and some only within minutes; so the waits between tries grow, from far below that time-out to far above.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from annotator.logs import log

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


LONGEST_WAIT = 43_200
"""Seconds that a message may stay invisible (SQS, API reference, ChangeMessageVisibility)."""


def deliveries(message: Mapping[str, Any]) -> int:
    """How often SQS has delivered this message, this time included; 1 where it does not say."""
    try:
        return max(1, int(message["attributes"]["ApproximateReceiveCount"]))
    except (KeyError, TypeError, ValueError):
        return 1


def client() -> "SQSClient":
    """A client that gives up within the seconds that a failed invocation may have left."""
    settings = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=1, read_timeout=2)
    sqs: SQSClient = boto3.client("sqs", config=settings)
    return sqs


class Inbox:
    """The queue at `url`. `retry_after` holds the seconds before the second, third, ... and last try of a photo."""

    def __init__(self, url: str, retry_after: Sequence[int], connect: "Callable[[], SQSClient]" = client) -> None:
        self._url = url
        self._retry_after = retry_after
        self._connect = connect

    def deliver_again(self, message: Mapping[str, Any]) -> None:
        """Have SQS deliver `message`, which failed, after its next wait.

        The wait is shortened by up to half by chance, so that photos which failed together come back one by one.
        After the last try there is none: SQS moves the message to the dead-letter queue as soon as it would deliver
        it again. When SQS cannot be asked, the message stays invisible for as long as the queue says.
        """
        longest = dict(enumerate(self._retry_after, start=1)).get(deliveries(message), 0)
        wait = round(longest * random.uniform(0.5, 1))  # noqa: S311 - no secret depends on it
        try:
            # Only failures pay for this client.
            self._connect().change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message.get("receiptHandle", ""), VisibilityTimeout=wait
            )
        except Exception as problem:  # whatever it is, the other messages must not suffer
            log.warning("next try left to the queue", extra={"fields": {"status": "waiting", "reason": str(problem)}})
        else:
            log.info("next try", extra={"fields": {"status": "waiting", "seconds": wait}})
