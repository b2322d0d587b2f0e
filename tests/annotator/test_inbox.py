import pytest
from annotator import logs
from annotator.inbox import Inbox, client, deliveries

from tests.annotator.aws_in_memory import INBOX, RETRY_AFTER, AwsInMemory
from tests.annotator.photos import message


@pytest.fixture
def aws():
    return AwsInMemory()


def waits(aws):
    """The seconds that SQS was asked to keep messages invisible."""
    return [asked["VisibilityTimeout"] for operation, asked in aws.calls if operation == "ChangeMessageVisibility"]


@pytest.mark.parametrize("tried", [1, 2])
def test_the_next_try_comes_after_its_wait_or_up_to_half_of_it_sooner(aws, tried):
    inbox, longest = aws.inbox(), RETRY_AFTER[tried - 1]
    for _ in range(50):
        inbox.deliver_again(message(times=tried))
    assert longest / 2 <= min(waits(aws)) < longest * 0.75 < max(waits(aws)) <= longest


def test_it_is_this_very_delivery_that_is_put_back(aws):
    aws.inbox().deliver_again(message(id_="m1"))
    ((_, asked),) = aws.calls
    assert (asked["QueueUrl"], asked["ReceiptHandle"]) == (INBOX, "handle of m1")


def test_after_the_last_try_it_goes_to_the_dead_letters_at_once(aws):
    """SQS moves a message there when it is due to be received once more than the queue allows."""
    aws.inbox().deliver_again(message(times=len(RETRY_AFTER) + 1))
    assert waits(aws) == [0]


def test_the_queue_is_not_asked_for_longer_than_a_failed_invocation_may_have_left(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-2")
    config = client().meta.config
    assert config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout) <= 6


@pytest.mark.parametrize("failure", [(403, "AccessDenied"), (400, "ReceiptHandleIsInvalid"), (500, "InternalFailure")])
def test_a_queue_that_cannot_be_asked_decides_by_itself(aws, caplog, failure):
    aws.failures["ChangeMessageVisibility"] = [failure]
    logs.log.propagate = True
    aws.inbox().deliver_again(message())
    assert failure[1] in caplog.records[-1].fields["reason"]


def test_a_message_that_somebody_sent_by_hand_fails_like_any_other(aws):
    aws.inbox().deliver_again({"messageId": "m1", "body": "{}"})
    assert len(aws.calls) == 1


@pytest.mark.parametrize(
    "attributes", [None, [], "x", {}, {"ApproximateReceiveCount": None}, {"ApproximateReceiveCount": "x"}]
)
def test_a_message_that_does_not_say_how_often_it_came_came_once(attributes):
    assert deliveries({"attributes": attributes}) == 1


def test_a_queue_that_cannot_even_be_called_costs_nobody_anything(caplog):
    def connect():
        raise ValueError("Invalid endpoint: nowhere")

    logs.log.propagate = True
    Inbox(INBOX, RETRY_AFTER, connect).deliver_again(message())
    assert "Invalid endpoint" in caplog.records[-1].fields["reason"]
