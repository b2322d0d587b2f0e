"""`emotions why`: every fate of a photo."""

import time
from datetime import timedelta

import pytest

from tests.workshop.attendee import GROUP_PHOTO, SERVERLESS, Attendee, uploaded
from workshop.checks import diagnosis

pytestmark = pytest.mark.slow


def test_why_never_arrived(deployed: Attendee):
    ran = deployed.run("why", "my selfie.jpg")
    assert ran.exit_code == 1
    assert ran.stdout == "my selfie.jpg never arrived in your bucket.\n"
    assert "There is no file my selfie.jpg here, either. Check the spelling" in ran.stderr
    assert "There is no file mee.jpg here, either. Check the spelling" in deployed.run("url", "mee.jpg").stderr
    deployed.photo_file("my selfie.jpg")
    assert "emotions index 'my selfie.jpg'" in deployed.run("why", "my selfie.jpg").stderr
    deployed.deploy("Serverless", SERVERLESS)
    assert "emotions send 'my selfie.jpg'" in deployed.run("why", "my selfie.jpg").stderr


def test_why_it_waits_for_step_five(deployed: Attendee):
    key = uploaded(deployed, deployed.photo_file())
    ran = deployed.run("why", str(deployed.folder / "selfie.jpg"))
    assert ran.exit_code == 1
    assert f"{key} is waiting in the inbox, because Step 5 is not deployed" in ran.stdout
    assert "npx cdk deploy Serverless" in ran.stderr


def test_why_it_is_queued_or_in_work_or_lost(serverless: Attendee, monkeypatch: pytest.MonkeyPatch):
    sqs, inbox = serverless.client("sqs"), serverless.outputs["InboxUrl"]
    sqs.purge_queue(QueueUrl=inbox)  # S3 has announced itself there
    key = uploaded(serverless, serverless.photo_file())
    monkeypatch.setattr(diagnosis, "dead_letters", lambda _stacks: [])  # which takes a second to be found empty
    monkeypatch.setattr(diagnosis, "JUST_ARRIVED", timedelta(0))
    queued = f"{key} is still queued: about %s in the inbox, %s in progress.\n"
    assert serverless.run("why", key).stdout == queued % ("1 message", 0)
    (message,) = sqs.receive_message(QueueUrl=inbox)["Messages"]
    assert serverless.run("why", key).stdout == queued % ("0 messages", 1)
    sqs.delete_message(QueueUrl=inbox, ReceiptHandle=message["ReceiptHandle"])
    lost = serverless.run("why", key)
    assert lost.stdout == f"{key} is in the bucket, but the inbox is empty and there is no result.\n"
    assert f"index {key}" in lost.stderr
    monkeypatch.setattr(diagnosis, "JUST_ARRIVED", timedelta(hours=1))
    assert serverless.run("why", key).stdout == queued % ("0 messages", 0), "it may be on its way there"


def test_why_it_is_done(serverless: Attendee):
    deployed = serverless
    deployed.run("index", str(GROUP_PHOTO))
    ran = deployed.run("why", "sample1.jpg")
    assert ran.exit_code == 0
    assert "is annotated: 3 faces found, 3 of them indexed." in ran.stdout


def failed(attendee: Attendee, *lines: str) -> str:
    """A photo that the function gave up on, after writing these lines about it: "KEY" is this version of it."""
    key = uploaded(attendee, attendee.photo_file("my selfie.jpg"))
    version = attendee.client("s3").head_object(Bucket=attendee.outputs["RawBucket"], Key=key)["VersionId"]
    this, earlier = (f'"{key}", "version_id": "{each}"' for each in (version, "v0"))
    sqs, logs = attendee.client("sqs"), attendee.client("logs")
    received = sqs.receive_message(QueueUrl=attendee.outputs["InboxUrl"], MaxNumberOfMessages=10)["Messages"]
    (message,) = [message for message in received if "s3:TestEvent" not in message["Body"]]
    sqs.send_message(QueueUrl=attendee.outputs["DeadLetterQueueUrl"], MessageBody=message["Body"])
    sqs.delete_message(QueueUrl=attendee.outputs["InboxUrl"], ReceiptHandle=message["ReceiptHandle"])
    group = attendee.outputs["LogGroupName"]
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    now = int(time.time() * 1000)
    written = [line.replace('"KEY"', this).replace('"EARLIER"', earlier) for line in lines]
    events = [{"timestamp": now + n, "message": line} for n, line in enumerate(written)]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)
    return key


def test_why_it_failed_comes_from_the_functions_log(serverless: Attendee):
    error = "Traceback (most recent call last):\\n  File x\\nbotocore.errorfactory.ThrottlingException: Slow down"
    key = failed(
        serverless,
        '{"level": "ERROR", "message": "photo failed", "key": "KEY", "request_id": "r0", "error": "The first time"}',
        f'{{"level": "ERROR", "message": "photo failed", "key": "KEY", "request_id": "r1", "error": "{error}"}}',
        '{"level": "INFO", "message": "photo done", "key": "KEY"}',
        '{"level": "ERROR", "message": "photo failed", "key": "another.jpg", "error": "Another photo"}',
        '{"level": "ERROR", "message": "photo failed", "key": "EARLIER", "error": "Another photo under this key"}',
    )
    ran = serverless.run("why", "my selfie.jpg")
    assert ran.exit_code == 1
    assert f"{key} failed on every try and is in the dead-letter queue" in ran.stdout
    assert ran.stdout.endswith("The function's last error: botocore.errorfactory.ThrottlingException: Slow down\n")
    assert "redrive" in ran.stderr
    serverless.client("logs").delete_log_group(logGroupName=serverless.outputs["LogGroupName"])
    assert "last error: none in its log" in serverless.run("why", "my selfie.jpg").stdout


def test_why_it_failed_is_known_even_when_the_function_was_killed(serverless: Attendee):
    failed(
        serverless,
        '{"level": "INFO", "message": "began", "key": "KEY", "request_id": "11-22"}',
        "2026-11-22T10:00:30Z 11-22 Task timed out after 30.00 seconds",
    )
    assert "Task timed out after 30.00 seconds" in serverless.run("why", "my selfie.jpg").stdout


def test_asking_why_leaves_the_dead_letter_queue_as_it_was(serverless: Attendee):
    failed(serverless, "START RequestId: 11-22")
    serverless.run("why", "my selfie.jpg")
    queue = serverless.outputs["DeadLetterQueueUrl"]
    assert serverless.client("sqs").receive_message(QueueUrl=queue)["Messages"]
