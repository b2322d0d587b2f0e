"""The function as a process: network failures, a SIGKILL at each step, memory limits and time-outs."""

import time

import cv2
import numpy as np
import pytest

from local_aws.rekognition import Fault
from tests.reliability.stage import COLLECTION, PROCESSED, RAW, STEPS, Stage, photo

pytestmark = pytest.mark.slow

READS = [("GET", RAW, ""), ("GET", PROCESSED, ""), ("HEAD", RAW, "")]
WRITES = [("PUT", PROCESSED, "pictures/"), ("PUT", PROCESSED, "results/")]


def test_a_failed_s3_call_is_retried_immediately(stage: Stage):
    announced = stage.put(photo())
    for call, kind in zip(READS + WRITES, ["500", "503", "reset", "500", "503"], strict=True):
        stage.plan(*call, kind)
    assert stage.failed(stage.deliver(announced)) == []
    stage.assert_whole()
    assert stage.faults == []
    assert stage.calls() == 1


@pytest.mark.parametrize("call", WRITES, ids=["picture", "result"])
def test_a_write_with_a_lost_answer_is_repeated(stage: Stage, call):
    announced = stage.put(photo())
    stage.plan(*call, "lost answer")
    assert stage.failed(stage.deliver(announced)) == []
    stage.assert_whole()
    assert stage.calls() == 1


def test_a_truncated_download_is_retried_at_the_next_delivery(stage: Stage):
    announced = stage.put(photo())
    stage.plan("GET", RAW, "", "truncated")
    assert stage.failed(stage.deliver(announced)) == [announced["messageId"]]
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole()


def test_a_slow_download_succeeds(stage: Stage):
    announced = stage.put(photo())
    stage.plan("GET", RAW, "", "slow", seconds=1.0)
    assert stage.failed(stage.deliver(announced)) == []
    stage.assert_whole()


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError"])
def test_a_call_that_rekognition_fails_is_made_again(stage: Stage, code):
    stage.rekognition.conditions.add_fault(Fault("IndexFaces", code, times=1))
    assert stage.failed(stage.deliver(stage.put(photo()))) == []
    stage.assert_whole()
    assert stage.calls() == 2


def test_an_invalid_s3_object_is_retried_at_the_next_delivery(stage: Stage):
    """Rekognition also sends this error while permissions propagate."""
    announced = stage.put(photo())
    stage.rekognition.conditions.add_fault(Fault("IndexFaces", "InvalidS3ObjectException", times=1))
    assert stage.failed(stage.deliver(announced)) == [announced["messageId"]]
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole()


def test_a_hanging_rekognition_indexes_a_face_only_once(stage: Stage):
    announced = stage.put(photo())
    # Long enough for a cold start on a busy machine, which must have reached the call by then.
    stage.changes["Timeout"] = 5
    stage.rekognition.conditions.set_latency("IndexFaces", 5.5)
    assert b"timed out" in stage.deliver(announced).payload
    stage.rekognition.conditions.set_latency("IndexFaces", 0)
    patience = time.monotonic() + 10
    while not stage.faces() and time.monotonic() < patience:
        time.sleep(0.1)
    assert len(stage.faces()) == 1
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole()
    assert stage.calls() == 2


def test_a_deleted_collection_fails_every_photo_but_loses_none(stage: Stage):
    announced, no_photo = stage.put(photo()), stage.put(b"%PDF-1.7", key="notes.pdf")
    stage.eyes.delete_collection(CollectionId=COLLECTION)
    assert stage.failed(stage.deliver(announced, no_photo)) == [announced["messageId"]]
    assert stage.result("notes.pdf")["status"] == "rejected"
    stage.eyes.create_collection(CollectionId=COLLECTION)
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole()


def test_a_poison_message_does_not_affect_its_batch(stage: Stage):
    poison = {"messageId": "poison", "body": '{"Records": [{"eventSource": "aws:s3"}]}', "eventSource": "aws:sqs"}
    good = [stage.put(photo(left=60 * number), key=f"{number}.jpg") for number in range(3)]
    gone = stage.put(photo(), key="gone.jpg")
    stage.s3.delete_object(Bucket=RAW, Key="gone.jpg")
    assert stage.failed(stage.deliver(good[0], poison, good[1], gone, good[2])) == ["poison"]
    assert [stage.result(f"{number}.jpg")["status"] for number in range(3)] == ["annotated"] * 3
    assert len(stage.faces()) == 3


@pytest.mark.parametrize("step", STEPS)
def test_the_next_delivery_finishes_a_function_killed_at_any_step(stage: Stage, step):
    announced = stage.put(photo())
    stage.plan(*STEPS[step])
    killed = stage.deliver(announced)
    assert killed.is_error
    assert b"signal: killed" in killed.payload
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole()
    assert stage.calls() <= 2


def test_the_last_delivery_finishes_a_photo_killed_at_every_step(stage: Stage):
    announced = stage.put(photo())
    for step in list(STEPS)[1:5]:
        stage.plan(*STEPS[step])
        assert stage.deliver(announced, times=2).is_error
    assert stage.failed(stage.deliver(announced, times=5)) == []
    stage.assert_whole()
    assert stage.calls() <= 5


def test_the_next_delivery_finishes_a_function_that_timed_out(stage: Stage):
    announced = stage.put(photo())
    stage.changes["Timeout"] = 2
    stage.plan("GET", RAW, "", "slow", seconds=20)
    late = stage.deliver(announced)
    assert b"timed out" in late.payload
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole()


def test_a_function_out_of_memory_is_killed_and_its_photo_retried(stage: Stage):
    """200 MB are always too few for a PNG of 24 megapixels."""
    large = np.zeros((4000, 6000, 3), np.uint8)
    large[1000:2000, 1000:2000] = (255, 0, 255)
    announced = stage.put(cv2.imencode(".png", large)[1].tobytes(), key="large.png")
    stage.changes["MemorySize"] = 160
    assert b"signal: killed" in stage.deliver(announced).payload
    assert stage.result("large.png") is None
    stage.changes["MemorySize"] = 512
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole("large.png")
