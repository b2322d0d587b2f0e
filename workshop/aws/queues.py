"""How full a queue is."""

from typing import TYPE_CHECKING, NamedTuple

from workshop.aws.account import Account

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Messages(NamedTuple):
    """How many messages are waiting, and how many were received but not deleted yet."""

    waiting: int
    in_work: int


def messages_in(account: Account, queue_url: str) -> Messages:
    """The queue's messages. SQS's counts are approximate."""
    sqs: SQSClient = account.client("sqs")
    counts = sqs.get_queue_attributes(
        QueueUrl=queue_url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return Messages(int(counts["ApproximateNumberOfMessages"]), int(counts["ApproximateNumberOfMessagesNotVisible"]))
