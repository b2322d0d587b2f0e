"""CloudFormation always gets exactly one answer."""

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
    """If the import fails, the handler cannot answer."""
    code = "import sys, face_collection.handler; sys.exit('boto3' in sys.modules)"
    folder = Path(handler.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=folder, env={}, check=True)


def test_a_failed_import_of_boto3_is_answered(cloudformation, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    answer = cloudformation.ask("Create")
    assert answer["Status"] == "FAILED"
    assert "boto3" in answer["Reason"]


def test_the_answer_has_an_empty_content_type(cloudformation, letterbox):
    """CloudFormation signs the URL for an empty content type."""
    cloudformation.ask("Create")
    assert letterbox.content_types == [""]


def test_an_undeliverable_answer_makes_lambda_retry(cloudformation, letterbox, rekognition):
    letterbox.refusals = 1
    with pytest.raises(urllib.error.HTTPError):
        handle(cloudformation.event("Create"), Context())
    assert cloudformation.ask("Create")["Status"] == "SUCCESS"
    assert rekognition.list_collections()["CollectionIds"] == [FACES]


def test_a_failure_reports_its_cause_and_log_stream(cloudformation, monkeypatch, caplog):
    monkeypatch.setattr("face_collection.lifecycle.create", lambda *_: 1 / 0)
    answer = cloudformation.ask("Create")
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == "ZeroDivisionError: division by zero (log stream 2026/11/22/[$LATEST]abc)"
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("character", ["x", "é", "😀", '"', "\0", "\n"])
def test_a_reason_fits_into_the_answer(cloudformation, monkeypatch, character):
    """CloudFormation accepts 4,096 bytes."""

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
def test_any_properties_get_exactly_one_answer(request, properties, physical_id, cloudformation):
    """A mistake in the template is reported like any other failure."""
    answer = cloudformation.ask(request, ResourceProperties=properties, PhysicalResourceId=physical_id)
    assert (answer["StackId"], answer["RequestId"]) == (STACK, "r-1")
    assert answer["Status"] in ("SUCCESS", "FAILED")
    assert 1 <= len(answer["PhysicalResourceId"]) <= 1024
    if answer["Status"] == "FAILED":
        assert len(answer["Reason"]) > 20


def test_all_time_outs_together_are_shorter_than_the_functions(cloudformation, server):
    """Otherwise Lambda could end it without an answer. This rollback of an Update makes the most calls."""
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


def test_the_presigned_url_is_never_logged(cloudformation, caplog, monkeypatch):
    caplog.set_level("DEBUG")
    cloudformation.ask("Create")
    monkeypatch.setattr("face_collection.lifecycle.create", lambda *_: 1 / 0)
    cloudformation.ask("Create")
    assert "answered" in caplog.text
    assert "signature=secret" not in caplog.text


def test_the_log_has_the_request_and_its_outcome(cloudformation, caplog):
    """Lambda's root logger logs only warnings by default."""
    cloudformation.ask("Create")
    asked, answered = (record.getMessage() for record in caplog.records if record.name == handler.__name__)
    assert asked.startswith("Create")
    assert STACK in asked
    assert answered == "SUCCESS answered"
