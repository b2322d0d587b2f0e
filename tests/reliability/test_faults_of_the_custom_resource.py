"""CloudFormation's requests duplicated, concurrent, interrupted or throttled: one collection, or none."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from face_collection import handler, lifecycle

from local_aws.rekognition import Fault
from tests.face_collection.conftest import FAMILY, Context

FACES = f"{FAMILY}.faces"


class Killed(BaseException):
    """The process was killed."""


def collections(rekognition):
    return rekognition.list_collections()["CollectionIds"]


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
def test_concurrent_duplicates_of_a_request_have_the_same_answer(cloudformation, letterbox, rekognition, request_type):
    """Lambda delivers an asynchronous event at least once."""
    if request_type != "Create":
        cloudformation.ask("Create")
        letterbox.answers.clear()
    event = cloudformation.event(request_type, PhysicalResourceId=FACES, OldResourceProperties={})
    both = threading.Barrier(2)

    def call(_):
        both.wait()
        handler.handle(dict(event), Context())

    with ThreadPoolExecutor(2) as lambda_:
        list(lambda_.map(call, range(2)))
    first, second = letterbox.answers
    assert first == second
    assert first["Status"] == "SUCCESS"
    assert collections(rekognition) == ([] if request_type == "Delete" else [FACES])


@pytest.mark.parametrize("deed", ["create", "delete"])
def test_a_function_killed_before_its_answer_is_retried(
    cloudformation,
    letterbox,
    rekognition,
    monkeypatch,
    deed,
):
    carry_out = getattr(lifecycle, deed)

    def carry_out_and_die(*arguments):
        carry_out(*arguments)
        raise Killed

    if deed == "delete":
        cloudformation.ask("Create")
    event = cloudformation.event(deed.title(), PhysicalResourceId=FACES)
    answered = len(letterbox.answers)
    with monkeypatch.context() as patched:
        patched.setattr(lifecycle, deed, carry_out_and_die)
        with pytest.raises(Killed):
            handler.handle(event, Context())
    assert len(letterbox.answers) == answered
    handler.handle(event, Context())
    assert letterbox.answers[-1]["Status"] == "SUCCESS"
    assert collections(rekognition) == ([] if deed == "delete" else [FACES])


def test_a_throttled_rekognition_is_asked_again(cloudformation, rekognition, server):
    server.conditions.add_fault(Fault("CreateCollection", "ThrottlingException", times=2))
    assert cloudformation.ask("Create")["Status"] == "SUCCESS"
    assert collections(rekognition) == [FACES]


def test_a_rekognition_that_keeps_failing_is_asked_three_times_and_reported(cloudformation, server):
    server.conditions.add_fault(Fault("CreateCollection", "InternalServerError"))
    answer = cloudformation.ask("Create")
    assert answer["Status"] == "FAILED"
    assert "InternalServerError" in answer["Reason"]
    assert server.conditions.calls()["CreateCollection"] == 3
