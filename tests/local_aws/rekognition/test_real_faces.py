"""The real networks on the six group photos that face-api's own package carries."""

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from local_aws import demo
from local_aws.rekognition import RekognitionServer
from local_aws.rekognition.eyes import Eyes, EyesClosed
from tests.local_aws.rekognition.conftest import connect_to
from tests.local_aws.rekognition.painted import jpeg, orientation, png

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[3]
SAMPLES = PROJECT / "node_modules/@vladmandic/face-api/demo"
PEOPLE = {1: 3, 2: 3, 3: 3, 4: 4, 5: 5, 6: 4}


@pytest.fixture(scope="module")
def client():
    with RekognitionServer() as server:
        yield connect_to(server.url)


def sample(number: int) -> bytes:
    return (SAMPLES / f"sample{number}.jpg").read_bytes()


def rgb(number: int) -> np.ndarray:
    return cv2.imread(str(SAMPLES / f"sample{number}.jpg"))[:, :, ::-1]


def boxes(details):
    sides = ("Left", "Top", "Width", "Height")
    return [[detail["BoundingBox"][side] for side in sides] for detail in details]


@cache
def detect(client, file, *attributes):
    return client.detect_faces(Image={"Bytes": file}, Attributes=list(attributes) or ["DEFAULT"])["FaceDetails"]


def test_the_demos_own_photos_show_one_face_and_two(client):
    photos = (Path(photo).read_bytes() for photo in demo.SAMPLES)
    assert [len(detect(client, photo)) for photo in photos] == [1, 2]


@pytest.mark.parametrize(("number", "people"), PEOPLE.items())
def test_each_face_in_a_sample_photo_is_found_exactly_once(client, number, people):
    details = detect(client, sample(number), "ALL")
    assert len(details) == people
    for detail in details:
        ((left, top, width, height),) = boxes([detail])
        assert 0.05 < width < 0.15
        assert 0.1 < height < 0.3
        assert 0 <= left < 1 - width / 2
        assert 0 <= top < 1 - height / 2
        marks = {mark["Type"]: mark for mark in detail["Landmarks"]}
        assert marks["eyeLeft"]["X"] < marks["eyeRight"]["X"]
        assert marks["eyeLeft"]["Y"] < marks["nose"]["Y"] < marks["chinBottom"]["Y"]
        assert sum(emotion["Confidence"] for emotion in detail["Emotions"]) == pytest.approx(100)
        assert detail["AgeRange"]["Low"] >= 10
        assert detail["Gender"]["Value"] == "Female"


def test_a_laughing_face_is_happy_and_smiles(client):
    """The woman on the right of sample 1, who laughs; the one in the middle looks down and does not."""
    rightmost = max(detect(client, sample(1), "ALL"), key=lambda detail: detail["BoundingBox"]["Left"])
    assert rightmost["Emotions"][0]["Type"] == "HAPPY"
    assert rightmost["Emotions"][0]["Confidence"] > 90
    assert rightmost["Smile"]["Value"]


def test_a_profile_has_more_yaw_than_a_face_to_the_camera(client):
    yaws = {detail["BoundingBox"]["Left"]: detail["Pose"]["Yaw"] for detail in detect(client, sample(2), "ALL")}
    assert abs(yaws[min(yaws)]) > 45, "the woman on the left of sample 2 is seen from the side"


def test_a_face_that_fills_the_frame_is_found(client):
    left, top, width, height = boxes(detect(client, sample(6), "ALL"))[0]
    pixels = rgb(6)
    down, across, _ = pixels.shape
    face = pixels[int(top * down) : int((top + height) * down), int(left * across) : int((left + width) * across)]
    ((_, _, covered, tall),) = boxes(detect(client, jpeg(cv2.resize(face, (112, 112)))))
    assert covered > 0.7
    assert tall > 0.7


def test_a_group_far_away_in_a_large_photo_is_found(client):
    far = np.full((2250, 3000, 3), 120, np.uint8)
    far[300:1036, 400:1376] = cv2.resize(rgb(4), (976, 736), interpolation=cv2.INTER_AREA)
    assert len(detect(client, jpeg(far, quality=90))) == PEOPLE[4]


def test_exif_rotation_moves_boxes_in_a_png_but_not_in_a_jpeg(client):
    upright = sorted(boxes(detect(client, sample(3), "ALL")))
    lying = np.ascontiguousarray(np.rot90(rgb(3)))  # anticlockwise, as a camera stores what orientation 6 turns back
    phone = sorted(boxes(detect(client, jpeg(lying, exif=orientation(6)))))
    assert np.allclose(phone, upright, atol=0.01)

    turned = sorted(boxes(detect(client, png(cv2.resize(lying, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)))))
    expected = sorted([top, 1 - left - width, height, width] for left, top, width, height in upright)
    assert np.allclose(turned, expected, atol=0.03)


def test_nobody_is_found_where_nobody_is(client):
    noise = np.random.default_rng(1).integers(0, 255, (600, 800, 3), dtype=np.uint8)
    assert detect(client, jpeg(cv2.GaussianBlur(noise, (0, 0), 3))) == []


def test_a_blurred_face_is_left_out_for_its_sharpness(client):
    client.create_collection(CollectionId="blurred")
    blurred = cv2.GaussianBlur(rgb(5), (0, 0), 9)
    answer = client.index_faces(CollectionId="blurred", Image={"Bytes": jpeg(np.ascontiguousarray(blurred))})
    assert answer["UnindexedFaces"]
    assert all("LOW_SHARPNESS" in face["Reasons"] for face in answer["UnindexedFaces"])


def test_stopping_the_server_leaves_no_process():
    server = RekognitionServer().start()
    server.eyes.open()
    process = psutil.Process(server.eyes.pid)
    server.stop()
    assert not process.is_running()
    assert server.eyes.pid is None
    server.stop()


def test_eyes_that_die_are_replaced_unnoticed():
    with Eyes() as eyes:
        eyes.open()
        first = eyes.pid
        os.kill(first, signal.SIGKILL)
        assert len(eyes.find(cv2.resize(rgb(4), (512, 386)), confidence=0.5)) == PEOPLE[4]
        assert eyes.pid != first


def test_eyes_that_cannot_open_say_what_to_do():
    with Eyes("/bin/false") as eyes, pytest.raises(EyesClosed, match="make local"):
        eyes.open()


def test_the_face_analysis_ends_with_its_owner():
    """Even SIGKILL closes their standard input."""
    code = "from local_aws.rekognition.eyes import Eyes; e = Eyes(); e.open(); print(e.pid, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        eyes = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
    psutil.wait_procs([eyes], timeout=10)
    assert not eyes.is_running()
