import pytest
from annotator import logs
from annotator.inbox import Inbox, client, deliveries

from tests.annotator.aws_in_memory import INBOX, RETRY_AFTER, AwsInMemory
from tests.annotator.photos import message


@pytest.fixture
def aws():
    return AwsInMemory()


def waits(aws):
    """The visibility time-outs that were set, in seconds."""
    return [asked["VisibilityTimeout"] for operation, asked in aws.calls if operation == "ChangeMessageVisibility"]


@pytest.mark.parametrize("tried", [1, 2])
def test_a_wait_is_shortened_by_up_to_half(aws, tried):
    inbox, longest = aws.inbox(), RETRY_AFTER[tried - 1]
    for _ in range(50):
        inbox.deliver_again(message(times=tried))
    assert longest / 2 <= min(waits(aws)) < longest * 0.75 < max(waits(aws)) <= longest


def test_the_visibility_of_this_delivery_is_changed(aws):
    aws.inbox().deliver_again(message(id_="m1"))
    ((_, asked),) = aws.calls
    assert (asked["QueueUrl"], asked["ReceiptHandle"]) == (INBOX, "handle of m1")


def test_after_the_last_try_the_wait_is_zero(aws):
    """SQS moves the message to the dead-letter queue when it would be received once more than the queue allows."""
    aws.inbox().deliver_again(message(times=len(RETRY_AFTER) + 1))
    assert waits(aws) == [0]


def test_the_sqs_client_gives_up_within_6_seconds(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-2")
    config = client().meta.config
    assert config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout) <= 6


@pytest.mark.parametrize("failure", [(403, "AccessDenied"), (400, "ReceiptHandleIsInvalid"), (500, "InternalFailure")])
def test_a_failed_sqs_request_is_logged_and_ignored(aws, caplog, failure):
    aws.failures["ChangeMessageVisibility"] = [failure]
    logs.log.propagate = True
    aws.inbox().deliver_again(message())
    assert failure[1] in caplog.records[-1].fields["reason"]


def test_a_message_without_sqs_attributes_is_redelivered(aws):
    aws.inbox().deliver_again({"messageId": "m1", "body": "{}"})
    assert len(aws.calls) == 1


@pytest.mark.parametrize(
    "attributes", [None, [], "x", {}, {"ApproximateReceiveCount": None}, {"ApproximateReceiveCount": "x"}]
)
def test_an_unknown_delivery_count_is_one(attributes):
    assert deliveries({"attributes": attributes}) == 1


def test_a_failed_sqs_client_is_logged_and_ignored(caplog):
    def connect():
        raise ValueError("Invalid endpoint: nowhere")

    logs.log.propagate = True
    Inbox(INBOX, RETRY_AFTER, connect).deliver_again(message())
    assert "Invalid endpoint" in caplog.records[-1].fields["reason"]
