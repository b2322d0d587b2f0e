"""The dead-letter queue: photos that failed on every try, and how to send them back to the inbox."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotator.events import MessageNotUnderstood, photos_in
from annotator.photo import Photo

from workshop.aws.stacks import Stacks

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_HIDDEN_FOR = 120
"""Seconds that a received message stays hidden from other consumers: enough to send and delete it."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of the dead-letter queue, received and hidden for now.

    `photos` are those that it announces; none if it is not an S3 event.
    """

    receipt: str
    body: str
    photos: tuple[Photo, ...]

    @property
    def is_photo(self) -> bool:
        """Whether it announces a photo, so that it can be sent back."""
        return bool(self.photos)


def dead_letters(stacks: Stacks) -> list[DeadLetter]:
    """All messages in the dead-letter queue. Pass them to `redrive` or `put_back` afterwards."""
    return [_read(message) for message in _received(_sqs(stacks), stacks.dead_letter_queue_url)]


def redrive(
    stacks: Stacks, letters: Sequence[DeadLetter], on_sent: Callable[[int], None] = lambda _sent: None
) -> list[DeadLetter]:
    """Send the messages to the inbox again. Returns those that SQS did not accept.

    Each is deleted only after SQS has confirmed its copy. An interruption can send one twice, which changes nothing,
    and loses none. StartMessageMoveTask would also move messages that are not photos.
    """
    sqs = _sqs(stacks)
    refused: list[DeadLetter] = []
    for start in range(0, len(letters), 10):
        batch = {str(number): letter for number, letter in enumerate(letters[start : start + 10])}
        answer = sqs.send_message_batch(
            QueueUrl=stacks.inbox_url,
            Entries=[{"Id": number, "MessageBody": letter.body} for number, letter in batch.items()],
        )
        taken = {entry["Id"] for entry in answer.get("Successful", [])}
        if taken:
            sqs.delete_message_batch(
                QueueUrl=stacks.dead_letter_queue_url,
                Entries=[{"Id": number, "ReceiptHandle": batch[number].receipt} for number in sorted(taken)],
            )
        refused += [letter for number, letter in batch.items() if number not in taken]
        on_sent(start + len(batch) - len(refused))
    return refused


def put_back(stacks: Stacks, letters: Sequence[DeadLetter]) -> None:
    """Make the messages visible in the dead-letter queue again."""
    sqs = _sqs(stacks)
    for letter in letters:
        sqs.change_message_visibility(
            QueueUrl=stacks.dead_letter_queue_url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
        )


def tries(stacks: Stacks) -> int | None:
    """How often a photo is tried before it comes here, from the inbox's redrive policy; None without one."""
    attributes = _sqs(stacks).get_queue_attributes(QueueUrl=stacks.inbox_url, AttributeNames=["RedrivePolicy"])
    policy = json.loads(attributes.get("Attributes", {}).get("RedrivePolicy", "{}"))
    return int(policy["maxReceiveCount"]) if "maxReceiveCount" in policy else None


def _sqs(stacks: Stacks) -> "SQSClient":
    client: SQSClient = stacks.account.client("sqs")
    return client


def _received(sqs: "SQSClient", queue: str) -> Iterator[Any]:
    """Every message of the queue, once.

    A short poll asks only some of SQS's servers, so it can miss messages; a long poll asks all (SQS developer guide,
    "Short and long polling").
    """
    seen: set[str] = set()
    while True:
        answer = sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=_HIDDEN_FOR
        )
        new = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        if not new:
            return
        seen.update(message["MessageId"] for message in new)
        yield from new


def _read(message: Any) -> DeadLetter:
    try:
        photos = tuple(photos_in({"body": message["Body"]}))
    except MessageNotUnderstood:
        photos = ()
    return DeadLetter(message["ReceiptHandle"], message["Body"], photos)
