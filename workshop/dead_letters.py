"""The dead-letter queue: which photos the function gave up on. Looking takes nothing out of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from workshop.stacks import Stacks

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_LOOKS = 50
"""How often the queue is asked for ten more; a queue of a thousand failed photos has another problem."""

_HIDDEN_SECONDS = 20
"""Long enough that one look through the queue meets no message twice."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that failed too often, and the photos it announces: `(bucket, key)` each."""

    message_id: str
    body: str
    photos: tuple[tuple[str, str], ...]


def dead_letters(stacks: Stacks) -> list[DeadLetter]:
    """Everything in the dead-letter queue, which is left as it was."""
    sqs: SQSClient = stacks.account.client("sqs")
    queue = stacks.dead_letter_queue_url
    received: dict[str, Any] = {}
    for _ in range(_LOOKS):
        messages = sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=_HIDDEN_SECONDS, WaitTimeSeconds=1
        ).get("Messages", [])
        new = {message["MessageId"]: message for message in messages if message["MessageId"] not in received}
        received |= new
        if not new:
            break
    letters = list(received.values())
    for start in range(0, len(letters), 10):
        batch = enumerate(letters[start : start + 10])
        sqs.change_message_visibility_batch(
            QueueUrl=queue,
            Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": 0} for n, m in batch],
        )
    return [DeadLetter(m["MessageId"], m["Body"], tuple(_announced_in(m["Body"]))) for m in letters]


def _announced_in(body: str) -> Iterator[tuple[str, str]]:
    """The photos in an S3 event; nothing for a body that is none."""
    try:
        for record in json.loads(body).get("Records", []):
            # S3 writes keys into events as HTML forms do: a space is "+" (S3 user guide, "Event message structure").
            yield record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return
