import json
import logging
import subprocess
import sys
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
    """Standard output is another one in each test."""
    logs.log.handlers.clear()
    yield
    logs.log.handlers.clear()


def lines(capsys):
    """What the function said of how things ended."""
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in said if line["status"] not in ("begun", "waiting")]


def announced(aws, key="me.jpg", body=JPEG):
    return announcement(aws.upload(key, body))


def failed(answer):
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_photo_that_is_done_fails_nothing(aws):
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


def test_what_failed_comes_again_soon_and_nothing_else_does(aws):
    """Nobody waits for the queue's three minutes because Rekognition was busy for a second."""
    aws.failures["IndexFaces"] = [(400, "ThrottlingException")]
    batch = [message(announced(aws, "a.jpg"), id_="throttled"), message(announced(aws, "b.jpg"), id_="good")]
    handle({"Records": batch}, CONTEXT)
    put_back = [asked["ReceiptHandle"] for operation, asked in aws.calls if operation == "ChangeMessageVisibility"]
    assert put_back == ["handle of throttled"]


def test_a_process_that_cannot_import_what_it_needs_ends(aws, monkeypatch):
    """cv2 says "recursion is detected" for ever once its import has failed; a new process may succeed."""
    monkeypatch.setitem(sys.modules, "annotator.darkroom", None)
    monkeypatch.delattr("annotator.darkroom", raising=False)
    with pytest.raises(SystemExit):
        handle({"Records": [message(announced(aws))]}, CONTEXT)


def test_every_photo_of_a_failing_message_gets_its_turn(aws):
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
def test_what_needs_nothing_is_done_and_says_so(aws, capsys, nothing, status):
    assert handle({"Records": [nothing(aws)]}, CONTEXT) == {"batchItemFailures": []}
    assert lines(capsys)[0]["status"] == status


def test_a_photo_is_named_before_anything_can_go_wrong_with_it(aws, capsys):
    """A function that is killed says nothing more."""
    handle({"Records": [message(announced(aws))]}, CONTEXT)
    begun = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (begun["status"], begun["key"], begun["request_id"]) == ("begun", "me.jpg", CONTEXT.aws_request_id)


def test_a_line_says_what_it_is_about_and_how_long_it_took(aws, capsys):
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


def test_every_line_is_said_once_in_every_invocation(aws, capsys, monkeypatch):
    """Lambda's runtime has a handler on the root logger, which would say it again."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(sys.stdout)])
    monkeypatch.setattr(logs.log, "propagate", True)
    for id_ in ("m1", "m2"):
        handle({"Records": [message(announced(aws, f"{id_}.jpg"), id_=id_)]}, CONTEXT)
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["message"], line["message_id"]) for line in said] == [
        (what, id_) for id_ in ("m1", "m2") for what in ("photo begun", "photo done")
    ]


def test_a_failure_says_why(aws, capsys):
    aws.failures["IndexFaces"] = [(400, "AccessDeniedException")]
    handle({"Records": [message(announced(aws))]}, CONTEXT)
    (line,) = lines(capsys)
    assert line["level"] == "ERROR"
    assert line["status"] == "failed"
    assert line["key"] == "me.jpg"
    assert "AccessDeniedException" in line["error"]


def test_no_line_says_anything_of_a_face(aws, capsys):
    handle({"Records": [message(announced(aws))]}, CONTEXT)
    said = capsys.readouterr().out
    assert aws.collection
    for word in ("HAPPY", "Female", "AgeRange", "BoundingBox", *aws.collection):
        assert word not in said


def test_a_file_name_cannot_forge_a_line(aws, capsys):
    forged = 'x\n{"level": "INFO", "status": "annotated"}\r\u2028\u0085.jpg'
    handle({"Records": [message(announced(aws, forged))]}, CONTEXT)
    said = capsys.readouterr().out
    assert said.isascii()
    begun, done = said.splitlines()
    assert json.loads(begun)["key"] == json.loads(done)["key"] == forged


def test_the_next_photo_is_not_told_with_the_last_ones_times(aws, capsys):
    batch = [message(announced(aws, "a.jpg"), id_="a"), message(body='{"Event": "s3:TestEvent"}', id_="b")]
    handle({"Records": batch}, CONTEXT)
    first, second = lines(capsys)
    assert first["durations_ms"]
    assert second["durations_ms"] == {}
    assert "key" not in second


# --- settings and import -----------------------------------------------------------------------


ENVIRONMENT = {"PROCESSED_BUCKET": "p", "COLLECTION_ID": "c", "INBOX_URL": "https://q", "RETRY_AFTER": "10,60"}


def test_the_settings_are_the_environment():
    assert Settings.from_env(ENVIRONMENT | {"LONG_EDGE": "0"}) == Settings("p", "c", "https://q", (10, 60), 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"PROCESSED_BUCKET": None}, "no PROCESSED_BUCKET"),
        ({"COLLECTION_ID": None}, "no COLLECTION_ID"),
        ({"INBOX_URL": None}, "no INBOX_URL"),
        ({"RETRY_AFTER": None}, "no RETRY_AFTER"),
        ({"RETRY_AFTER": "10,soon"}, "RETRY_AFTER must be a number of seconds from 0 to 43200, not 'soon'"),
        ({"RETRY_AFTER": "43201"}, "not '43201'"),
        ({"RETRY_AFTER": "١٠"}, "RETRY_AFTER must be"),
        ({"LONG_EDGE": "9" * 5000}, "LONG_EDGE must be"),
        ({"COLLECTION_ID": ""}, "no COLLECTION_ID"),
        ({"RETRY_AFTER": ""}, "no RETRY_AFTER"),
        ({"RETRY_AFTER": "10,"}, "not ''"),
        ({"LONG_EDGE": "big"}, "not 'big'"),
        ({"LONG_EDGE": "-1"}, "not '-1'"),
    ],
)
def test_settings_that_are_missing_or_wrong_are_named(change, says):
    environment = ENVIRONMENT | change
    with pytest.raises(ValueError, match=says):
        Settings.from_env({name: value for name, value in environment.items() if value is not None})


def test_importing_the_handler_needs_no_environment_and_nothing_for_pixels():
    """A cold start pays for each import: OpenCV can wait until Rekognition looks, Pillow for photos that need it."""
    large = ("numpy", "cv2", "PIL", "pi_heif")
    code = f"import sys, annotator.handler; print([m for m in {large} if m in sys.modules])"
    path = str(Path(handler.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_clients_are_made_once(monkeypatch):
    for name, value in (ENVIRONMENT | {"AWS_DEFAULT_REGION": "ap-southeast-2"}).items():
        monkeypatch.setenv(name, value)
    handler._in_this_process.cache_clear()
    assert handler._in_this_process()[1] is handler._in_this_process()[1]
    handler._in_this_process.cache_clear()
