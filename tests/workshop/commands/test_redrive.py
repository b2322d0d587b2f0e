"""Sending failed photos back: nothing is lost, nothing else is touched."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.workshop.attendee import Attendee
from workshop.aws import dead_letters as module
from workshop.aws.account import Account
from workshop.aws.stacks import Stacks
from workshop.terminal.errors import WorkshopError

pytestmark = pytest.mark.slow


@pytest.fixture
def deployed(deployed: Attendee) -> Attendee:
    """S3 has announced itself with a test event; that is out of the inbox."""
    deployed.client("sqs").purge_queue(QueueUrl=deployed.outputs["InboxUrl"])
    return deployed


def announcement(key: str) -> str:
    entry = {"key": key, "size": 5, "eTag": "5d41402abc4b2a76b9719d911017c592", "versionId": "v1"}
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "raw"}, "object": entry},
    }
    return json.dumps({"Records": [record]})


def fail(attendee: Attendee, *bodies: str) -> None:
    """Put messages where SQS puts them after the last try."""
    for body in bodies:
        attendee.client("sqs").send_message(QueueUrl=attendee.outputs["DeadLetterQueueUrl"], MessageBody=body)


def waiting(attendee: Attendee, queue: str) -> int:
    asked = attendee.client("sqs").get_queue_attributes(
        QueueUrl=attendee.outputs[queue], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(asked["Attributes"]["ApproximateNumberOfMessages"])


def bodies_in(attendee: Attendee, queue: str) -> list[str]:
    answer = attendee.client("sqs").receive_message(QueueUrl=attendee.outputs[queue], MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def test_a_failed_photo_goes_back_to_the_inbox_unchanged(deployed: Attendee):
    fail(deployed, announcement("my+selfie.jpg"))
    ran = deployed.run("redrive")
    assert ran.exit_code == 0
    assert ran.stdout == "Failed 5 times each:\n  my selfie.jpg\n1 sent back to the inbox.\n"
    assert bodies_in(deployed, "InboxUrl") == [announcement("my+selfie.jpg")]
    assert waiting(deployed, "DeadLetterQueueUrl") == 0


def test_before_step_5_the_command_says_where_the_photos_wait(deployed: Attendee):
    fail(deployed, announcement("a.jpg"))
    assert "wait there until Step 5 is deployed: npx cdk deploy Serverless" in deployed.run("redrive").stderr


def test_while_step_5_cannot_be_used_it_says_why(deployed: Attendee, monkeypatch: pytest.MonkeyPatch):
    fail(deployed, announcement("a.jpg"))
    of = Stacks.of

    def failing(account: Account) -> Stacks:
        return replace(of(account), serverless_unusable=WorkshopError("The stack has failed.", "Remove it."))

    monkeypatch.setattr("workshop.commands.redrive.Stacks.of", failing)
    assert "They wait there for now. The stack has failed.\nRemove it.\n" in deployed.run("redrive").stderr


def test_a_dry_run_moves_nothing_and_hides_nothing(deployed: Attendee):
    fail(deployed, announcement("a.jpg"), "not a photo")
    ran = deployed.run("redrive", "--dry-run")
    assert ran.exit_code == 0
    assert "a.jpg" in ran.stdout
    assert "sent" not in ran.stdout
    assert waiting(deployed, "DeadLetterQueueUrl") == 2
    assert waiting(deployed, "InboxUrl") == 0


@pytest.mark.parametrize(
    "body", ["hello", "[]", '{"Records": [{"eventSource": "aws:ses"}]}', '{"Event": "s3:TestEvent"}']
)
def test_a_message_that_is_not_a_photo_is_shown_and_stays(deployed: Attendee, body: str):
    fail(deployed, body, announcement("a.jpg"))
    ran = deployed.run("redrive")
    assert ran.exit_code == 0
    assert "Not photos, so they stay there:" in ran.stdout
    assert body[:40] in ran.stdout
    assert "aws sqs purge-queue --queue-url" in ran.stderr
    assert waiting(deployed, "DeadLetterQueueUrl") == 1


def test_a_key_cannot_write_to_the_terminal(deployed: Attendee):
    fail(deployed, announcement("%1B%5D0;owned%07%1B%5B2Jgone.jpg"))
    ran = deployed.run("redrive")
    assert "gone.jpg" in ran.stdout
    assert not {"\x1b", "\x07"} & set(ran.stdout)


def test_more_than_one_batch_goes_through(deployed: Attendee):
    fail(deployed, *(announcement(f"{number}.jpg") for number in range(23)))
    ran = deployed.run("redrive", "--json")
    said = json.loads(ran.stdout)
    assert said["sent"] == 23
    assert sorted(said["photos"]) == sorted(f"{number}.jpg" for number in range(23))
    assert waiting(deployed, "InboxUrl") == 23
    assert waiting(deployed, "DeadLetterQueueUrl") == 0


def test_an_empty_queue_is_said_to_be_empty(deployed: Attendee):
    ran = deployed.run("redrive")
    assert (ran.exit_code, ran.stdout) == (0, "The dead-letter queue is empty.\n")


@pytest.mark.parametrize("taken", [0, 1])
def test_what_sqs_does_not_take_stays_in_the_dead_letter_queue(
    deployed: Attendee, monkeypatch: pytest.MonkeyPatch, taken: int
):
    """SQS answers a batch entry by entry: here it takes none of two, or one."""
    letters = [announcement("a.jpg"), announcement("b.jpg")]
    fail(deployed, *letters)

    class Refusing:
        def __init__(self, sqs: Any) -> None:
            self._sqs = sqs

        def send_message_batch(self, **batch: Any) -> dict[str, object]:
            entries = batch.pop("Entries")
            answer = self._sqs.send_message_batch(Entries=entries[:taken], **batch) if taken else {}
            return answer | {"Failed": [{"Id": entry["Id"]} for entry in entries[taken:]]}

        def __getattr__(self, name: str) -> object:
            return getattr(self._sqs, name)

    real = module._sqs
    monkeypatch.setattr(module, "_sqs", lambda stacks: Refusing(real(stacks)))
    ran = deployed.run("redrive")
    assert ran.exit_code == 1
    assert f"SQS did not accept {2 - taken} of 2 messages." in ran.stderr
    assert waiting(deployed, "DeadLetterQueueUrl") == 2 - taken
    assert sorted(bodies_in(deployed, "InboxUrl") + bodies_in(deployed, "DeadLetterQueueUrl")) == letters


def test_a_crash_between_sending_and_deleting_loses_no_photo(deployed: Attendee, monkeypatch: pytest.MonkeyPatch):
    """The copy is in the inbox, the original comes back: twice is harmless, never is not."""
    fail(deployed, announcement("a.jpg"))
    monkeypatch.setattr(module, "_HIDDEN_FOR", 1)
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)
    stacks = Stacks.of(Account.open())
    letters = module.dead_letters(stacks)

    class Crash(Exception):
        pass

    def crash(**_batch: object) -> None:
        raise Crash

    monkeypatch.setattr(stacks.account.client("sqs"), "delete_message_batch", crash)
    with pytest.raises(Crash):
        module.redrive(stacks, letters)
    time.sleep(1.5)
    assert waiting(deployed, "InboxUrl") == 1
    assert waiting(deployed, "DeadLetterQueueUrl") == 1
