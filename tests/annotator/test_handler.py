import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from annotator import handler, logs
from annotator.handler import Settings, handle

from tests.annotator.aws_in_memory import AwsInMemory
from tests.annotator.photos import announcement, encoded, message, quarters, record

CONTEXT = SimpleNamespace(aws_request_id="8f5ad8a1-0d7a-4a3c-9b8e-2f4f5b1c9d11")
JPEG = encoded(quarters(), "JPEG")


@pytest.fixture
def aws(monkeypatch):
    aws = AwsInMemory()
    in_memory = aws.function()
    monkeypatch.setattr(handler, "_in_this_process", lambda: in_memory)
    return aws


@pytest.fixture(autouse=True)
def fresh_logs():
    """Each test has its own standard output."""
    logs.log.handlers.clear()
    yield
    logs.log.handlers.clear()


def lines(capsys):
    """The log lines with final statuses."""
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in logged if line["status"] not in ("begun", "waiting")]


def announced(aws, key="me.jpg", body=JPEG):
    return announcement(aws.upload(key, body))


def failed(answer):
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_finished_photo_reports_no_failure(aws):
    assert handle({"Records": [message(announced(aws))]}, CONTEXT) == {"batchItemFailures": []}
    assert aws.result()["status"] == "annotated"


def test_one_failing_message_does_not_fail_the_others(aws):
    batch = [
        message(announced(aws, "a.jpg"), id_="good"),
        message(body="hello", id_="not understood"),
        message(announced(aws, "b.jpg"), id_="throttled"),
        message(announced(aws, "c.pdf", b"%PDF-1.7"), id_="rejected"),
    ]
    aws.failures["IndexFaces"] = [None, (400, "ThrottlingException")]
    assert failed(handle({"Records": batch}, CONTEXT)) == ["not understood", "throttled"]
    assert aws.result("a.jpg")["status"] == "annotated"
    assert aws.result("b.jpg") is None
    assert aws.result("c.pdf")["status"] == "rejected"


def test_only_failed_messages_are_redelivered_soon(aws):
    """A short failure of Rekognition must not delay a photo by the queue's three minutes."""
    aws.failures["IndexFaces"] = [(400, "ThrottlingException")]
    batch = [message(announced(aws, "a.jpg"), id_="throttled"), message(announced(aws, "b.jpg"), id_="good")]
    handle({"Records": batch}, CONTEXT)
    put_back = [asked["ReceiptHandle"] for operation, asked in aws.calls if operation == "ChangeMessageVisibility"]
    assert put_back == ["handle of throttled"]


def test_a_failed_import_ends_the_process(aws, monkeypatch):
    """After a failed import, cv2 always raises "recursion is detected"; a new process may succeed."""
    monkeypatch.setitem(sys.modules, "annotator.imaging", None)
    monkeypatch.delattr("annotator.imaging", raising=False)
    with pytest.raises(SystemExit):
        handle({"Records": [message(announced(aws))]}, CONTEXT)


def test_a_failed_photo_does_not_block_others_in_its_message(aws):
    aws.failures["IndexFaces"] = [(400, "ThrottlingException")]
    two = message(announced(aws, "a.jpg"), announced(aws, "b.jpg"), id_="two")
    assert failed(handle({"Records": [two]}, CONTEXT)) == ["two"]
    assert aws.result("b.jpg")["status"] == "annotated"
    assert failed(handle({"Records": [two]}, CONTEXT)) == []
    assert aws.result("a.jpg")["status"] == "annotated"


@pytest.mark.parametrize(
    ("nothing", "status"),
    [
        (lambda aws: message(body='{"Event": "s3:TestEvent"}'), "ignored"),
        (lambda aws: message(record("gone.jpg")), "deleted"),
        (lambda aws: message(announced(aws), announced(aws)), "superseded"),
    ],
    ids=["test event", "deleted", "superseded"],
)
def test_a_message_without_work_succeeds_and_logs_why(aws, capsys, nothing, status):
    assert handle({"Records": [nothing(aws)]}, CONTEXT) == {"batchItemFailures": []}
    assert lines(capsys)[0]["status"] == status


def test_the_first_log_line_names_the_photo(aws, capsys):
    """A crashed function cannot log its photo any more."""
    handle({"Records": [message(announced(aws))]}, CONTEXT)
    begun = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (begun["status"], begun["key"], begun["request_id"]) == ("begun", "me.jpg", CONTEXT.aws_request_id)


def test_a_log_line_has_its_subject_and_durations(aws, capsys):
    handle({"Records": [message(announced(aws, "my selfie.jpg"), id_="m1")]}, CONTEXT)
    (line,) = lines(capsys)
    assert line["level"] == "INFO"
    assert line["request_id"] == CONTEXT.aws_request_id
    assert line["message_id"] == "m1"
    assert line["bucket"] == "raw-photos"
    assert line["key"] == "my selfie.jpg"
    assert line["version_id"] == aws.result("my selfie.jpg")["raw"]["version_id"]
    assert line["status"] == "annotated"
    assert {"import", "download", "decode", "rekognition", "draw", "store", "look", "total"} == set(
        line["durations_ms"]
    )
    assert line["durations_ms"]["total"] >= line["durations_ms"]["decode"] > 0


def test_every_line_is_logged_once_per_invocation(aws, capsys, monkeypatch):
    """Lambda's runtime has a handler on the root logger, which would log the line again."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(sys.stdout)])
    monkeypatch.setattr(logs.log, "propagate", True)
    for id_ in ("m1", "m2"):
        handle({"Records": [message(announced(aws, f"{id_}.jpg"), id_=id_)]}, CONTEXT)
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["message"], line["message_id"]) for line in logged] == [
        (text, id_) for id_ in ("m1", "m2") for text in ("photo started", "photo done")
    ]


def test_a_failure_logs_its_cause(aws, capsys):
    aws.failures["IndexFaces"] = [(400, "AccessDeniedException")]
    handle({"Records": [message(announced(aws))]}, CONTEXT)
    (line,) = lines(capsys)
    assert line["level"] == "ERROR"
    assert line["status"] == "failed"
    assert line["key"] == "me.jpg"
    assert "AccessDeniedException" in line["error"]


def test_logs_contain_no_face_data(aws, capsys):
    handle({"Records": [message(announced(aws))]}, CONTEXT)
    output = capsys.readouterr().out
    assert aws.collection
    for word in ("HAPPY", "Female", "AgeRange", "BoundingBox", *aws.collection):
        assert word not in output


def test_a_file_name_cannot_forge_a_log_line(aws, capsys):
    forged = 'x\n{"level": "INFO", "status": "annotated"}\r\u2028\u0085.jpg'
    handle({"Records": [message(announced(aws, forged))]}, CONTEXT)
    output = capsys.readouterr().out
    assert output.isascii()
    begun, done = output.splitlines()
    assert json.loads(begun)["key"] == json.loads(done)["key"] == forged


def test_durations_are_not_carried_over_to_the_next_photo(aws, capsys):
    batch = [message(announced(aws, "a.jpg"), id_="a"), message(body='{"Event": "s3:TestEvent"}', id_="b")]
    handle({"Records": batch}, CONTEXT)
    first, second = lines(capsys)
    assert first["durations_ms"]
    assert second["durations_ms"] == {}
    assert "key" not in second


@pytest.mark.parametrize(
    ("deliveries", "age", "late"),
    [(1, 1, False), (2, 1, True), (1, 90, True), (1, None, False)],
    ids=["new", "failed before", "waited", "unknown"],
)
def test_an_event_that_is_not_new_is_late(aws, deliveries, age, late):
    """Then S3 is asked for the current version before Rekognition is asked for faces."""
    sent = {} if age is None else {"SentTimestamp": str(int((time.time() - age) * 1000))}
    attributes = {"ApproximateReceiveCount": str(deliveries), **sent}
    handle({"Records": [{**message(announced(aws)), "attributes": attributes}]}, CONTEXT)
    assert (aws.operations()[0] == "HeadObject") == late


# --- settings and import -----------------------------------------------------------------------


ENVIRONMENT = {"PROCESSED_BUCKET": "p", "COLLECTION_ID": "c", "INBOX_URL": "https://q", "RETRY_AFTER": "10,60"}


def test_settings_come_from_the_environment():
    assert Settings.from_env(ENVIRONMENT | {"LONG_EDGE": "0"}) == Settings("p", "c", "https://q", (10, 60), 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"PROCESSED_BUCKET": None}, "PROCESSED_BUCKET is not set"),
        ({"COLLECTION_ID": None}, "COLLECTION_ID is not set"),
        ({"INBOX_URL": None}, "INBOX_URL is not set"),
        ({"RETRY_AFTER": None}, "RETRY_AFTER is not set"),
        ({"RETRY_AFTER": "10,soon"}, "RETRY_AFTER must be a number of seconds from 0 to 43200, not 'soon'"),
        ({"RETRY_AFTER": "43201"}, "not '43201'"),
        ({"RETRY_AFTER": "١٠"}, "RETRY_AFTER must be"),
        ({"LONG_EDGE": "9" * 5000}, "LONG_EDGE must be"),
        ({"COLLECTION_ID": ""}, "COLLECTION_ID is not set"),
        ({"RETRY_AFTER": ""}, "RETRY_AFTER is not set"),
        ({"RETRY_AFTER": "10,"}, "not ''"),
        ({"LONG_EDGE": "big"}, "not 'big'"),
        ({"LONG_EDGE": "-1"}, "not '-1'"),
    ],
)
def test_a_missing_or_invalid_setting_is_named(change, says):
    environment = ENVIRONMENT | change
    with pytest.raises(ValueError, match=says):
        Settings.from_env({name: value for name, value in environment.items() if value is not None})


def test_importing_the_handler_needs_no_environment_or_imaging():
    """Each import slows down a cold start. OpenCV is imported while Rekognition works, Pillow only if needed."""
    large = ("numpy", "cv2", "PIL", "pi_heif")
    code = f"import sys, annotator.handler; print([m for m in {large} if m in sys.modules])"
    path = str(Path(handler.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_clients_are_created_once(monkeypatch):
    for name, value in (ENVIRONMENT | {"AWS_DEFAULT_REGION": "ap-southeast-2"}).items():
        monkeypatch.setenv(name, value)
    handler._in_this_process.cache_clear()
    assert handler._in_this_process()[1] is handler._in_this_process()[1]
    handler._in_this_process.cache_clear()
