"""CloudFormation gets exactly one answer, whatever happens."""

import json
import subprocess
import sys
import threading
import urllib.error
from pathlib import Path
from types import SimpleNamespace

import pytest
from face_collection import handler
from face_collection.handler import LAST_WORD_SECONDS, handle

from .conftest import FAMILY, STACK, Context

FACES = f"{FAMILY}.faces"


def test_an_import_needs_no_credentials_no_region_and_no_boto3():
    """What fails at import cannot answer."""
    code = "import sys, face_collection.handler; sys.exit('boto3' in sys.modules)"
    folder = Path(handler.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=folder, env={}, check=True)


def test_the_answer_has_an_empty_content_type(cloudformation, letterbox):
    """CloudFormation signs the address for one."""
    cloudformation.ask("Create")
    assert letterbox.content_types == [""]


def test_an_answer_that_is_refused_is_sent_again_after_a_while(cloudformation, letterbox, monkeypatch):
    waits = []
    monkeypatch.setattr("face_collection.handler.time", SimpleNamespace(sleep=waits.append))
    letterbox.refusals = 2
    assert cloudformation.ask("Create")["Status"] == "SUCCESS"
    assert waits == [0.5, 1]


def test_lambda_calls_again_when_no_answer_can_be_delivered(cloudformation, letterbox, rekognition, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    letterbox.refusals = 3
    with pytest.raises(urllib.error.HTTPError):
        handle(cloudformation.event("Create"), Context())
    assert cloudformation.ask("Create")["Status"] == "SUCCESS"
    assert rekognition.list_collections()["CollectionIds"] == [FACES]


def test_a_crash_says_what_it_was_and_where_to_read_more(cloudformation, monkeypatch):
    monkeypatch.setattr("face_collection.lifecycle.create", lambda *_: 1 / 0)
    answer = cloudformation.ask("Create")
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == "ZeroDivisionError: division by zero (log stream 2026/11/22/[$LATEST]abc)"
    assert answer["PhysicalResourceId"] == FACES


def test_a_crash_is_one_line_of_ascii_in_the_log(cloudformation, caplog):
    """Whatever the request holds, it can begin no line of its own, and every host can print it."""
    cloudformation.ask("Create", collection_id="a\nb\ud800")
    (failed,) = (record.getMessage() for record in caplog.records if "failed" in record.getMessage())
    assert failed.isascii()
    assert "\n" not in failed
    assert "Traceback" in json.loads(failed)["error"]


def test_a_broken_boto3_is_answered_too(cloudformation, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    answer = cloudformation.ask("Create")
    assert answer["Status"] == "FAILED"
    assert "boto3" in answer["Reason"]


@pytest.mark.parametrize("properties", [{}, {"CollectionId": "not allowed/"}, {"CollectionId": ""}])
def test_a_request_that_cannot_be_carried_out_is_refused_with_the_reason(cloudformation, properties):
    answer = cloudformation.ask("Create", ResourceProperties=properties)
    assert answer["Status"] == "FAILED"
    assert len(answer["Reason"]) > 20
    assert answer["PhysicalResourceId"]


def test_a_request_type_nobody_knows_is_refused(cloudformation):
    assert "asked for 'Read'" in cloudformation.ask("Read")["Reason"]


@pytest.mark.parametrize("character", ["x", "é", "😀", '"', "\0", "\n"])
def test_a_reason_and_an_id_fit_into_the_answer(cloudformation, monkeypatch, character):
    """CloudFormation takes 4,096 bytes."""

    def fail(*_: object) -> None:
        raise ValueError(character * 10_000)

    monkeypatch.setattr("face_collection.lifecycle.create", fail)
    answer = cloudformation.ask("Create", character * 1000)
    assert answer["Status"] == "FAILED"
    assert len(json.dumps(answer)) < 4_096


@pytest.mark.parametrize(("length", "named"), [(1, True), (1024, True), (1025, False)])
def test_a_refusal_names_the_id_it_was_asked_for_unless_it_is_too_long_for_one(cloudformation, length, named):
    answer = cloudformation.ask("Read", PhysicalResourceId="x" * length)
    assert answer["PhysicalResourceId"] == ("x" * length if named else FACES)


def test_a_slow_rekognition_is_reported_before_lambda_ends_the_function(cloudformation, letterbox, rekognition, server):
    """And what it made in the meantime is taken away again, since CloudFormation believes it is not there."""
    server.conditions.set_latency("CreateCollection", 0.6)
    answer = cloudformation.ask("Create", context=Context(seconds=LAST_WORD_SECONDS + 0.2))
    assert answer["Status"] == "FAILED"
    assert "did not finish Create" in answer["Reason"]
    assert len(letterbox.answers) == 1
    assert rekognition.list_collections()["CollectionIds"] == []


def test_the_presigned_address_is_in_no_log(cloudformation, caplog, monkeypatch):
    caplog.set_level("DEBUG")
    cloudformation.ask("Create")
    monkeypatch.setattr("face_collection.lifecycle.create", lambda *_: 1 / 0)
    cloudformation.ask("Create")
    assert "answered" in caplog.text
    assert "signature=secret" not in caplog.text


def test_what_was_asked_and_how_it_ended_is_logged(cloudformation, caplog):
    """Though Lambda's root logger says warnings only."""
    cloudformation.ask("Create")
    said = [json.loads(record.getMessage()) for record in caplog.records if record.name == handler.__name__]
    assert [line["message"] for line in said] == ["asked", "answered"]
    assert (said[0]["RequestType"], said[0]["StackId"], said[1]["Status"]) == ("Create", STACK, "SUCCESS")


def test_a_late_update_is_reported_and_takes_nothing_away(cloudformation, rekognition, server):
    """Only what a late Create made is unmade: after an Update, CloudFormation goes on using what was there."""
    cloudformation.ask("Create")
    server.conditions.set_latency("ListTagsForResource", 0.6)
    late = Context(seconds=LAST_WORD_SECONDS + 0.2)
    answer = cloudformation.ask("Update", context=late, PhysicalResourceId=FACES, OldResourceProperties={})
    assert "did not finish Update" in answer["Reason"]
    assert rekognition.list_collections()["CollectionIds"] == [FACES]


def test_a_last_word_that_cannot_be_delivered_leaves_the_answer_to_who_is_still_at_work(
    cloudformation, letterbox, rekognition, server, monkeypatch, caplog
):
    monkeypatch.setattr("time.sleep", lambda _: None)
    server.conditions.set_latency("CreateCollection", 0.6)
    letterbox.refusals = 3
    answer = cloudformation.ask("Create", context=Context(seconds=LAST_WORD_SECONDS + 0.1))
    assert answer["Status"] == "SUCCESS"
    assert "last word not delivered" in caplog.text
    assert rekognition.list_collections()["CollectionIds"] == [FACES]


def test_a_last_word_under_way_is_out_before_lambda_freezes_the_process(cloudformation, letterbox, server):
    server.conditions.set_latency("CreateCollection", 0.4)
    letterbox.slowness = 0.6
    handle(cloudformation.event("Create"), Context(seconds=LAST_WORD_SECONDS + 0.2))
    assert [answer["Status"] for answer in letterbox.answers] == ["FAILED"]


def test_nothing_runs_on_once_the_answer_is_given(cloudformation):
    cloudformation.ask("Create")
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_everything_after_the_last_word_fits_before_lambda_ends_the_function(server):
    """Six calls at their slowest and the answer: otherwise Lambda would end the function and repeat the request."""
    config = handler._client().meta.config
    slowest_call = config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout) + 3
    assert 6 * slowest_call + 3 * 3 + 1.5 < LAST_WORD_SECONDS
