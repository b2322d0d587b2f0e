"""The workflow, with real botocore clients and an S3 and a Rekognition in memory."""

import contextlib
import hashlib
import json
import threading
from pathlib import Path

import annotator.result
import cv2
import numpy as np
import pytest
from annotator.cloud import LARGEST_IN_CALL, LARGEST_IN_S3, NoAnswer
from annotator.decoding import decode, encode_jpeg
from annotator.workflow import annotate
from botocore.exceptions import ClientError
from jsonschema import Draft202012Validator

from tests.annotator.aws_in_memory import PROCESSED, RAW, UPLOADED, AwsInMemory, face_detail
from tests.annotator.heic import heic
from tests.annotator.photos import encoded, looks_like, quarters

ONE = encoded(quarters(640, 400), "JPEG")
TWO = encoded(255 - quarters(640, 400), "JPEG")

contract = Draft202012Validator(json.loads(Path(annotator.result.__file__).with_name("result.schema.json").read_text()))


@pytest.fixture
def aws():
    return AwsInMemory()


def uploaded(aws, body=ONE, key="me.jpg"):
    return aws.upload(key, body)


def faces_in(aws, photo):
    return [face_id for face_id, name in aws.collection.items() if name == photo.external_image_id]


# --- one photo ---------------------------------------------------------------------------------


def test_a_photo_with_a_face_gets_a_picture_then_a_result(aws):
    photo = uploaded(aws, key="Café/my selfie+1.jpg")
    aws.unindexed = [face_detail(0.6, emotion="SAD")]
    assert annotate(photo, aws.cloud(), 2048) == "annotated"

    result = aws.result(photo.key)
    contract.validate(result)
    assert result["raw"] == {
        "bucket": RAW,
        "key": photo.key,
        "version_id": photo.version_id,
        "etag": photo.etag,
        "size": len(ONE),
        "last_modified": UPLOADED.isoformat(),
    }
    assert result["processed"] == {"bucket": PROCESSED, "key": photo.picture_key, "width": 640, "height": 400}
    indexed, left_out = result["faces"]
    assert [indexed["face_id"]] == faces_in(aws, photo)
    assert [emotion["type"] for emotion in indexed["emotions"]] == ["HAPPY", "CALM"]
    assert left_out["face_id"] is None
    assert left_out["unindexed_reasons"] == ["LOW_SHARPNESS"]

    writes = [about for operation, about in aws.calls if operation == "PutObject"]
    assert writes == [f"{PROCESSED}/{photo.picture_key}", f"{PROCESSED}/{photo.result_key}"]
    picture = decode(aws.picture(photo.key), "JPEG", 0)
    assert picture.shape == (400, 640, 3)
    assert not np.array_equal(picture, decode(ONE, "JPEG", 0))


def test_outputs_have_a_content_type(aws):
    """Browsers need it to show a picture or a result."""
    photo = uploaded(aws)
    annotate(photo, aws.cloud(), 2048)
    types = [aws.content_types[key] for key in (photo.picture_key, photo.result_key)]
    assert types == ["image/jpeg", "application/json"]


def test_rekognition_reads_a_jpeg_from_s3_while_it_downloads(aws):
    photo = uploaded(aws)
    annotate(photo, aws.cloud(), 2048)
    (asked,) = [about for operation, about in aws.calls if operation == "IndexFaces"]
    assert asked["Image"] == {"S3Object": {"Bucket": RAW, "Name": "me.jpg", "Version": photo.version_id}}
    assert asked["DetectionAttributes"] == ["ALL"]
    assert asked["MaxFaces"] == 100
    assert asked["QualityFilter"] == "AUTO"
    assert asked["ExternalImageId"] == photo.external_image_id


def test_rekognition_and_decoding_run_in_parallel(aws, monkeypatch):
    """Each waits for the other, so the test would fail if they ran one after the other."""
    asked, decoded = threading.Event(), threading.Event()

    def decode_after_the_question(*arguments):
        assert asked.wait(5)
        decoded.set()
        return decode(*arguments)

    def answer_after_decoding():
        asked.set()
        assert decoded.wait(5)

    monkeypatch.setattr("annotator.imaging.decode", decode_after_the_question)
    aws.before["IndexFaces"] = answer_after_decoding
    assert annotate(uploaded(aws), aws.cloud(), 2048) == "annotated"


def test_rekognition_is_called_before_any_other_answer_arrives(aws):
    asked = threading.Event()
    aws.before["IndexFaces"] = asked.set
    aws.before["GetObject"] = aws.before["ListObjectsV2"] = lambda: asked.wait(5) or pytest.fail("called too late")
    assert annotate(uploaded(aws), aws.cloud(), 2048) == "annotated"


@pytest.mark.parametrize(
    "body",
    [
        encoded(quarters(), "PNG"),
        encoded(quarters(), "PNG", orientation=6),
        encoded(quarters(), "WEBP"),
        encoded(quarters(), "AVIF", orientation=8),
        heic(quarters()),
    ],
    ids=["PNG", "rotated PNG", "WebP", "rotated AVIF", "HEIC"],
)
def test_other_formats_are_sent_to_rekognition_as_upright_jpeg(aws, body):
    """So the boxes match the pixels that they are drawn on."""
    photo = uploaded(aws, body, key="me.photo")
    assert annotate(photo, aws.cloud(), 2048) == "annotated"
    (seen,) = aws.images
    assert looks_like(decode(seen, "JPEG", 0), quarters())
    assert aws.result("me.photo")["processed"]["width"] == 320


def test_faces_in_a_png_named_jpg_are_replaced(aws):
    """Rekognition does not turn a PNG upright, so the boxes of the first call may be wrong."""
    photo = uploaded(aws, encoded(quarters(), "PNG", orientation=6))
    assert annotate(photo, aws.cloud(), 2048) == "annotated"
    assert looks_like(decode(aws.images[-1], "JPEG", 0), quarters())
    assert {face["face_id"] for face in aws.result()["faces"]} == set(faces_in(aws, photo))
    assert aws.operations().index("DeleteFaces") < len(aws.operations()) - 1 - aws.operations()[::-1].index(
        "IndexFaces"
    )


def test_a_jpeg_without_extension_is_read_from_s3(aws):
    photo = uploaded(aws, key="me")
    annotate(photo, aws.cloud(), 2048)
    assert aws.images == [ONE]


def test_a_jpeg_above_15_mb_is_sent_within_the_5_mb_of_a_call(aws):
    noise = np.random.default_rng(1).integers(0, 255, (3500, 4600, 3), np.uint8)
    body = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    assert len(body) > LARGEST_IN_S3
    annotate(uploaded(aws, body), aws.cloud(), 0)
    (seen,) = aws.images
    assert len(seen) <= LARGEST_IN_CALL
    assert aws.result()["processed"]["width"] == 4600


def test_a_jpeg_that_rekognition_rejects_is_sent_re_encoded(aws):
    aws.failures["IndexFaces"] = [(400, "InvalidImageFormatException")]
    assert annotate(uploaded(aws), aws.cloud(), 2048) == "annotated"
    (seen,) = aws.images
    assert seen == encode_jpeg(decode(ONE, "JPEG", 2048))


def test_a_photo_without_faces_gets_a_banner(aws):
    aws.seen = []
    assert annotate(uploaded(aws), aws.cloud(), 2048) == "no_face"
    contract.validate(aws.result())
    assert not np.array_equal(decode(aws.picture(), "JPEG", 0), decode(ONE, "JPEG", 0))


def test_faces_are_listed_from_left_to_right(aws):
    """Rekognition sorts them by size; their order in the result is their number in the picture."""
    aws.seen, aws.unindexed = [face_detail(0.7), face_detail(0.1)], [face_detail(0.4)]
    annotate(uploaded(aws), aws.cloud(), 2048)
    assert [face["box"]["left"] for face in aws.result()["faces"]] == [0.1, 0.4, 0.7]


def test_a_photo_with_only_unindexed_faces_is_annotated(aws):
    aws.seen, aws.unindexed = [], [face_detail()]
    assert annotate(uploaded(aws), aws.cloud(), 2048) == "annotated"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 and so on", "PDF"),
        (ONE[: len(ONE) // 2], "ends before the picture does"),
        (encoded(quarters(100, 60), "JPEG"), "100 x 60"),
    ],
    ids=["empty", "PDF", "truncated", "small"],
)
def test_a_file_that_is_no_photo_gets_a_reason_and_leaves_no_faces(aws, body, says):
    assert annotate(uploaded(aws, body), aws.cloud(), 2048) == "rejected"
    contract.validate(aws.result())
    assert says in aws.result()["reason"]
    assert aws.picture() is None
    assert aws.collection == {}


def test_a_damaged_photo_is_reported_as_damaged(aws):
    aws.failures["IndexFaces"] = [(400, "InvalidImageFormatException")]
    assert annotate(uploaded(aws, ONE[: len(ONE) // 2]), aws.cloud(), 2048) == "rejected"
    assert "ends before the picture does" in aws.result()["reason"]


def test_a_file_that_is_too_large_is_rejected_without_a_download(aws, monkeypatch):
    monkeypatch.setattr("annotator.cloud.LARGEST_FILE", 1000)
    assert annotate(uploaded(aws), aws.cloud(), 2048) == "rejected"
    contract.validate(aws.result())
    assert "GetObject" not in aws.operations()
    assert aws.collection == {}


def test_a_photo_that_rekognition_rejects_twice_is_rejected(aws):
    aws.failures["IndexFaces"] = [(400, "ImageTooLargeException"), (400, "InvalidParameterException")]
    assert annotate(uploaded(aws), aws.cloud(), 2048) == "rejected"
    assert "ordinary JPEG" in aws.result()["reason"]


@pytest.mark.parametrize(
    "failure",
    [
        (400, "ProvisionedThroughputExceededException"),
        (400, "ThrottlingException"),
        (500, "InternalServerError"),
        (400, "AccessDeniedException"),
        (400, "InvalidS3ObjectException"),
        (400, "ResourceNotFoundException"),
    ],
)
def test_an_error_that_may_pass_is_raised_for_another_delivery(aws, failure):
    aws.failures["IndexFaces"] = [failure]
    photo = uploaded(aws)
    with pytest.raises(ClientError, match=failure[1]):
        annotate(photo, aws.cloud(), 2048)
    assert aws.result() is None
    assert annotate(photo, aws.cloud(), 2048) == "annotated"


# --- again -------------------------------------------------------------------------------------


def test_a_second_delivery_changes_nothing(aws):
    photo = uploaded(aws)
    annotate(photo, aws.cloud(), 2048)
    before = dict(aws.objects), dict(aws.collection)
    aws.calls.clear()
    assert annotate(photo, aws.cloud(), 2048) == "already_done"
    assert (aws.objects, aws.collection) == before
    assert not {"PutObject", "DeleteObject", "DeleteFaces"} & set(aws.operations())


def test_a_second_delivery_of_a_rejected_photo_leaves_no_faces(aws):
    """Indexing starts before we know that a result exists, and Rekognition finds faces in a damaged JPEG."""
    photo = uploaded(aws, ONE[: len(ONE) // 2])
    annotate(photo, aws.cloud(), 2048)
    assert annotate(photo, aws.cloud(), 2048) == "already_done"
    assert aws.images == [aws.current()] * 2
    assert aws.collection == {}


@pytest.mark.parametrize("document", [b'{"version": 0}', b"[1]", b"[" * 100_000, b"5", b""])
def test_an_unreadable_result_is_replaced(aws, document):
    photo = uploaded(aws)
    aws.objects[PROCESSED, photo.result_key] = document
    assert annotate(photo, aws.cloud(), 2048) == "annotated"
    contract.validate(aws.result())


@pytest.mark.parametrize("interrupted", ["GetObject", "ListObjectsV2", "PutObject", "HeadObject"])
def test_a_retry_finishes_the_work_and_indexes_no_face_twice(aws, interrupted):
    photo = uploaded(aws)
    aws.failures[interrupted] = [(503, "SlowDown")]
    with pytest.raises(ClientError):
        annotate(photo, aws.cloud(), 2048)
    assert annotate(photo, aws.cloud(), 2048) in ("annotated", "already_done")
    assert len(aws.collection) == 1
    assert aws.result()["status"] == "annotated"


def test_a_retry_after_a_crash_before_the_result_finishes_the_work(aws):
    photo = uploaded(aws)
    annotate(photo, aws.cloud(), 2048)
    finished = dict(aws.objects)
    del aws.objects[PROCESSED, photo.result_key]
    assert annotate(photo, aws.cloud(), 2048) == "annotated"
    assert aws.objects == finished


@pytest.mark.parametrize("goes", ["delete", "erase"])
@pytest.mark.parametrize("moment", ["GetObject", "IndexFaces", "PutObject", "HeadObject"])
def test_a_deleted_photo_leaves_nothing(aws, moment, goes):
    photo = uploaded(aws)
    aws.before[moment] = getattr(aws, goes)
    with contextlib.suppress(ClientError):  # Rekognition reports a missing photo like a forbidden one
        assert annotate(photo, aws.cloud(), 2048) == "deleted"
    assert annotate(photo, aws.cloud(), 2048) == "deleted"
    assert (aws.objects, aws.collection) == ({}, {})


def test_a_deleted_photo_removes_the_outputs_of_older_versions(aws):
    cloud = aws.cloud()
    annotate(uploaded(aws, ONE), cloud, 2048)
    newer = uploaded(aws, TWO)
    aws.delete()
    assert annotate(newer, cloud, 2048) == "deleted"
    assert (aws.objects, aws.collection) == ({}, {})


@pytest.mark.parametrize("call", ["GetObject", "HeadObject"])
@pytest.mark.parametrize("delivery", ["first", "second"])
def test_a_wrong_404_loses_no_photo(aws, call, delivery):
    """S3 may answer 404 for a while after a bucket became versioned (S3 user guide, "Enabling versioning")."""
    photo = uploaded(aws)
    if delivery == "second":
        annotate(photo, aws.cloud(), 2048)
    aws.failures[call] = [(404, "NoSuchKey")]
    try:
        outcome = annotate(photo, aws.cloud(), 2048)
    except NoAnswer:  # then SQS delivers the event again, as it does for no other outcome
        outcome = annotate(photo, aws.cloud(), 2048)
    assert outcome in ("annotated", "already_done")
    assert aws.result()["status"] == "annotated"
    assert aws.picture() is not None
    assert len(aws.collection) == 1


@pytest.mark.parametrize("outdated", ["delete", "erase", "upload"])
def test_a_late_event_sends_no_outdated_photo_to_rekognition(aws, outdated):
    """It may have been deleted because a person withdrew their consent."""
    photo = uploaded(aws)
    getattr(aws, outdated)()
    assert annotate(photo, aws.cloud(), 2048, late=True) in ("deleted", "superseded")
    assert "IndexFaces" not in aws.operations()


def test_a_late_event_of_the_current_version_is_processed(aws):
    assert annotate(uploaded(aws), aws.cloud(), 2048, late=True) == "annotated"


def test_an_outdated_version_that_always_fails_is_removed_at_its_next_delivery(aws, monkeypatch):
    """For example because it needs more memory than the function has."""
    photo = uploaded(aws)
    monkeypatch.setattr("annotator.imaging.decode", lambda *_: pytest.fail("out of memory"))
    with pytest.raises(pytest.fail.Exception):
        annotate(photo, aws.cloud(), 2048)
    assert faces_in(aws, photo)
    uploaded(aws, TWO)
    assert annotate(photo, aws.cloud(), 2048, late=True) == "superseded"
    assert aws.collection == {}


def test_a_finished_photo_is_done_while_rekognition_throttles(aws):
    photo = uploaded(aws)
    annotate(photo, aws.cloud(), 2048)
    aws.failures["IndexFaces"] = [(400, "ThrottlingException")]
    assert annotate(photo, aws.cloud(), 2048) == "already_done"
    assert len(faces_in(aws, photo)) == 1


# --- overwritten -------------------------------------------------------------------------------


def test_a_new_version_replaces_picture_result_and_faces(aws):
    cloud = aws.cloud()
    first = uploaded(aws, ONE)
    annotate(first, cloud, 2048)
    old_picture = aws.picture()
    second = uploaded(aws, TWO)
    assert annotate(second, cloud, 2048) == "annotated"
    assert aws.result()["raw"]["version_id"] == second.version_id
    assert aws.picture() != old_picture
    assert faces_in(aws, first) == []
    assert len(faces_in(aws, second)) == 1


def test_a_new_version_that_is_no_photo_removes_the_old_picture(aws):
    cloud = aws.cloud()
    annotate(uploaded(aws, ONE), cloud, 2048)
    assert annotate(uploaded(aws, b"%PDF-1.7"), cloud, 2048) == "rejected"
    assert aws.picture() is None
    assert aws.collection == {}
    assert aws.result()["status"] == "rejected"


def test_the_same_bytes_uploaded_again_are_a_new_version(aws):
    cloud = aws.cloud()
    first, _, last = uploaded(aws, ONE), uploaded(aws, TWO), uploaded(aws, ONE)
    annotate(first, cloud, 2048)
    assert annotate(last, cloud, 2048) == "annotated"
    assert aws.result()["raw"]["version_id"] == last.version_id
    assert len(aws.collection) == 1


def test_versions_of_other_photos_stay(aws):
    """A photo's key can be the folder of another one."""
    cloud = aws.cloud()
    others = [uploaded(aws, key=key) for key in ("me", "me.jpg/x", "me.jpg.jpg", "me.jpg/")]
    for each in others:
        annotate(each, cloud, 2048)
    stored = dict(aws.objects)
    annotate(uploaded(aws), cloud, 2048)
    assert stored.items() <= aws.objects.items()
    assert all(len(faces_in(aws, each)) == 1 for each in others)


def test_a_late_event_of_an_older_version_changes_nothing(aws):
    cloud = aws.cloud()
    first, second = uploaded(aws, ONE), uploaded(aws, TWO)
    annotate(second, cloud, 2048)
    finished = dict(aws.objects), dict(aws.collection)
    assert annotate(first, cloud, 2048) == "superseded"
    assert (aws.objects, aws.collection) == finished


@pytest.mark.parametrize("body", [TWO, b"%PDF-1.7"], ids=["JPEG", "no photo"])
@pytest.mark.parametrize("moment", ["GetObject", "IndexFaces", "ListObjectsV2", "PutObject", "HeadObject"])
def test_the_newer_version_wins_at_every_moment(aws, moment, body):
    """The newer photo arrives and is completely annotated in the middle of the older one's processing."""
    cloud = aws.cloud()
    first = uploaded(aws, ONE)

    def overtake():
        annotate(uploaded(aws, body), cloud, 2048)

    aws.before[moment] = overtake
    assert annotate(first, cloud, 2048) == "superseded"
    assert aws.result()["raw"]["etag"] == hashlib.md5(body).hexdigest()
    assert faces_in(aws, first) == []
    assert len(aws.collection) == (body == TWO)


def test_two_concurrent_deliveries_give_one_result(aws):
    cloud = aws.cloud()
    photo = uploaded(aws)
    aws.before["PutObject"] = lambda: annotate(photo, cloud, 2048)
    assert annotate(photo, cloud, 2048) == "annotated"
    assert aws.result()["status"] == "annotated"
    assert len(aws.collection) == 1
