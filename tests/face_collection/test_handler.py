"""CloudFormation gets exactly one answer, whatever happens."""

import json
import os
import subprocess
import sys
import urllib.error
from pathlib import Path

import pytest
from aws_cdk import Stack
from face_collection import handler
from face_collection.handler import handle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.face_collection import FaceCollection

from .conftest import FAMILY, STACK, Context

FACES = f"{FAMILY}.faces"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=6,
)


def test_an_import_needs_no_credentials_no_region_and_no_boto3():
    """What fails at import cannot answer."""
    code = "import sys, face_collection.handler; sys.exit('boto3' in sys.modules)"
    folder = Path(handler.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=folder, env={}, check=True)


def test_a_broken_boto3_is_answered_too(cloudformation, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    answer = cloudformation.ask("Create")
    assert answer["Status"] == "FAILED"
    assert "boto3" in answer["Reason"]


def test_the_answer_has_an_empty_content_type(cloudformation, letterbox):
    """CloudFormation signs the address for one."""
    cloudformation.ask("Create")
    assert letterbox.content_types == [""]


def test_lambda_calls_again_when_the_answer_cannot_be_delivered(cloudformation, letterbox, rekognition):
    letterbox.refusals = 1
    with pytest.raises(urllib.error.HTTPError):
        handle(cloudformation.event("Create"), Context())
    assert cloudformation.ask("Create")["Status"] == "SUCCESS"
    assert rekognition.list_collections()["CollectionIds"] == [FACES]


def test_a_crash_says_what_it_was_and_where_to_read_more(cloudformation, monkeypatch, caplog):
    monkeypatch.setattr("face_collection.lifecycle.create", lambda *_: 1 / 0)
    answer = cloudformation.ask("Create")
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == "ZeroDivisionError: division by zero (log stream 2026/11/22/[$LATEST]abc)"
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("character", ["x", "é", "😀", '"', "\0", "\n"])
def test_a_reason_fits_into_the_answer(cloudformation, monkeypatch, character):
    """CloudFormation takes 4,096 bytes."""

    def fail(*_: object) -> None:
        raise ValueError(character * 10_000)

    monkeypatch.setattr("face_collection.lifecycle.create", fail)
    answer = cloudformation.ask("Update", PhysicalResourceId="x" * 255)
    assert answer["Status"] == "FAILED"
    assert len(json.dumps(answer)) < 4_096


@settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    request=st.sampled_from(["Create", "Update", "Delete"]),
    properties=ANYTHING
    | st.fixed_dictionaries(
        {}, optional={"CollectionId": ANYTHING | st.sampled_from([FACES, "x" * 300, "\0é😀"]), "Tags": ANYTHING}
    ),
    physical_id=st.text(min_size=1, max_size=20) | st.just(FACES),
)
def test_whatever_the_properties_are_there_is_one_answer(request, properties, physical_id, cloudformation):
    """A mistake in the template is reported like any other failure."""
    answer = cloudformation.ask(request, ResourceProperties=properties, PhysicalResourceId=physical_id)
    assert (answer["StackId"], answer["RequestId"]) == (STACK, "r-1")
    assert answer["Status"] in ("SUCCESS", "FAILED")
    assert 1 <= len(answer["PhysicalResourceId"]) <= 1024
    if answer["Status"] == "FAILED":
        assert len(answer["Reason"]) > 20


def test_everything_that_is_waited_for_ends_before_the_function_does(cloudformation, server):
    """Lambda would end it without an answer. No request makes more calls than this roll-back of an Update."""
    cloudformation.ask("Create")
    new = f"{FAMILY}.portraits"
    cloudformation.ask("Update", new, PhysicalResourceId=FACES, OldResourceProperties={"CollectionId": FACES})
    before = sum(server.conditions.calls().values())
    back = {"ResourceProperties": {"CollectionId": FACES, "Tags": {}}, "OldResourceProperties": {"CollectionId": new}}
    cloudformation.ask("Update", PhysicalResourceId=FACES, **back)
    most_calls = sum(server.conditions.calls().values()) - before
    assert most_calls == 8

    config = handler._client().meta.config
    slowest_call = config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout) + 3
    pause, answer, start = 2, 20, 10
    timeout = FaceCollection(Stack(), "Faces", tags={}).node.find_child("Provider").timeout.to_seconds()
    assert handler.PROPAGATION + pause + most_calls * slowest_call + answer + start < timeout


def test_the_presigned_address_is_in_no_log(cloudformation, caplog, monkeypatch):
    caplog.set_level("DEBUG")
    cloudformation.ask("Create")
    monkeypatch.setattr("face_collection.lifecycle.create", lambda *_: 1 / 0)
    cloudformation.ask("Create")
    assert "answered" in caplog.text
    assert "signature=secret" not in caplog.text


def test_the_log_says_what_was_asked_and_how_it_ended(cloudformation, caplog):
    """Though Lambda's root logger says warnings only."""
    cloudformation.ask("Create")
    asked, answered = (record.getMessage() for record in caplog.records if record.name == handler.__name__)
    assert asked.startswith("Create")
    assert STACK in asked
    assert answered == "SUCCESS answered"
