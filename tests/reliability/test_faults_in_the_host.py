"""The function as a process: a network that fails, a SIGKILL at each step, a memory that ends, a time that ends."""

import time

import cv2
import numpy as np
import pytest

from local_aws.rekognition import Fault
from tests.reliability.stage import COLLECTION, PROCESSED, RAW, STEPS, Stage, photo

pytestmark = pytest.mark.slow

READS = [("GET", RAW, ""), ("GET", PROCESSED, ""), ("HEAD", RAW, "")]
WRITES = [("PUT", PROCESSED, "pictures/"), ("PUT", PROCESSED, "results/")]


def test_a_call_that_s3_fails_once_is_made_again_at_once(stage: Stage):
    announced = stage.put(photo())
    for call, kind in zip(READS + WRITES, ["500", "503", "reset", "500", "503"], strict=True):
        stage.plan(*call, kind)
    assert stage.failed(stage.deliver(announced)) == []
    stage.assert_whole()
    assert stage.faults == []
    assert stage.calls() == 1


@pytest.mark.parametrize("call", WRITES, ids=["picture", "result"])
def test_a_write_whose_answer_got_lost_is_repeated(stage: Stage, call):
    announced = stage.put(photo())
    stage.plan(*call, "lost answer")
    assert stage.failed(stage.deliver(announced)) == []
    stage.assert_whole()
    assert stage.calls() == 1


def test_a_photo_that_breaks_off_is_read_again_at_the_next_delivery(stage: Stage):
    announced = stage.put(photo())
    stage.plan("GET", RAW, "", "truncated")
    assert stage.failed(stage.deliver(announced)) == [announced["messageId"]]
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole()


def test_a_slow_download_is_waited_for(stage: Stage):
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


def test_an_s3_object_that_rekognition_cannot_have_is_for_another_delivery(stage: Stage):
    """It says so while permissions still propagate."""
    announced = stage.put(photo())
    stage.rekognition.conditions.add_fault(Fault("IndexFaces", "InvalidS3ObjectException", times=1))
    assert stage.failed(stage.deliver(announced)) == [announced["messageId"]]
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole()


def test_a_rekognition_that_hangs_until_the_function_is_out_of_time_has_indexed_the_face_once(stage: Stage):
    announced = stage.put(photo())
    # Long enough for a cold start on a busy machine: the question must have been asked by then.
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


def test_a_collection_that_was_deleted_fails_every_photo_and_loses_none(stage: Stage):
    announced, no_photo = stage.put(photo()), stage.put(b"%PDF-1.7", key="notes.pdf")
    stage.eyes.delete_collection(CollectionId=COLLECTION)
    assert stage.failed(stage.deliver(announced, no_photo)) == [announced["messageId"]]
    assert stage.result("notes.pdf")["status"] == "rejected"
    stage.eyes.create_collection(CollectionId=COLLECTION)
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole()


def test_poison_in_a_batch_harms_nobody_else(stage: Stage):
    poison = {"messageId": "poison", "body": '{"Records": [{"eventSource": "aws:s3"}]}', "eventSource": "aws:sqs"}
    good = [stage.put(photo(left=60 * number), key=f"{number}.jpg") for number in range(3)]
    gone = stage.put(photo(), key="gone.jpg")
    stage.s3.delete_object(Bucket=RAW, Key="gone.jpg")
    assert stage.failed(stage.deliver(good[0], poison, good[1], gone, good[2])) == ["poison"]
    assert [stage.result(f"{number}.jpg")["status"] for number in range(3)] == ["annotated"] * 3
    assert len(stage.faces()) == 3


@pytest.mark.parametrize("step", STEPS)
def test_a_function_killed_at_any_step_is_finished_by_the_next_delivery(stage: Stage, step):
    announced = stage.put(photo())
    stage.plan(*STEPS[step])
    killed = stage.deliver(announced)
    assert killed.is_error
    assert b"signal: killed" in killed.payload
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole()
    assert stage.calls() <= 2


def test_a_photo_killed_at_one_step_after_the_other_is_finished_by_the_last_delivery(stage: Stage):
    announced = stage.put(photo())
    for step in list(STEPS)[1:5]:
        stage.plan(*STEPS[step])
        assert stage.deliver(announced, times=2).is_error
    assert stage.failed(stage.deliver(announced, times=5)) == []
    stage.assert_whole()
    assert stage.calls() <= 5


def test_a_function_out_of_time_is_finished_by_the_next_delivery(stage: Stage):
    announced = stage.put(photo())
    stage.changes["Timeout"] = 2
    stage.plan("GET", RAW, "", "slow", seconds=20)
    late = stage.deliver(announced)
    assert b"timed out" in late.payload
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole()


def test_a_function_out_of_memory_is_killed_and_the_photo_waits_for_more(stage: Stage):
    """200 MB are too few for a PNG of 24 megapixels, whatever the function does."""
    large = np.zeros((4000, 6000, 3), np.uint8)
    large[1000:2000, 1000:2000] = (255, 0, 255)
    announced = stage.put(cv2.imencode(".png", large)[1].tobytes(), key="large.png")
    stage.changes["MemorySize"] = 160
    assert b"signal: killed" in stage.deliver(announced).payload
    assert stage.result("large.png") is None
    stage.changes["MemorySize"] = 512
    assert stage.failed(stage.deliver(announced, times=2)) == []
    stage.assert_whole("large.png")
