import io
from dataclasses import replace

import pytest
from annotator.cloud import LARGEST_IN_CALL, LARGEST_IN_S3, NoAnswer, PhotoDeleted, PhotoRefused, clients
from annotator.faces import AgeRange, BoundingBox, Emotion, Face, Judgement
from annotator.photo import Photo
from annotator.result import RawObject, Result
from botocore.exceptions import ClientError, FlexibleChecksumError, IncompleteReadError
from botocore.httpchecksum import Crc32Checksum, StreamingChecksumBody
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.settings import PHOTO_TIMEOUT
from tests.annotator.aws_in_memory import RAW, UPLOADED, AwsInMemory, face_detail

RESULT = Result("no_face", RawObject(RAW, "me.jpg", "v", "etag", 1), "faces", "id")


@pytest.fixture
def aws():
    return AwsInMemory()


@pytest.fixture
def photo(aws):
    return aws.upload("me.jpg", bytes(range(256)) * 400)


def test_rekognitions_answer_becomes_a_face(aws, photo):
    """Rekognition documents no order of the emotions (API reference, FaceDetail)."""
    (face,) = aws.cloud().index_by_name(photo)
    assert face == Face(
        box=BoundingBox(0.25, 0.25, 0.2, 0.3),
        confidence=99.5,
        emotions=(Emotion("HAPPY", 95.0), Emotion("CALM", 3.0)),
        face_id=next(iter(aws.collection)),
        smile=Judgement(True, 90.0),
        gender=Judgement("Female", 91.0),
        age_range=AgeRange(21, 33),
    )


def test_attributes_that_rekognition_omits_are_none(aws, photo):
    bare = {key: face_detail()[key] for key in ("BoundingBox", "Confidence")}
    aws.seen, aws.unindexed = [], [bare]
    (face,) = aws.cloud().index_by_name(photo)
    assert face == Face(BoundingBox(0.25, 0.25, 0.2, 0.3), 99.5, unindexed_reasons=("LOW_SHARPNESS",))


def test_lists_that_rekognition_omits_are_empty(aws, photo, monkeypatch):
    """Rekognition's API reference marks every part of these answers as optional."""
    bare = {"FaceDetail": {key: face_detail()[key] for key in ("BoundingBox", "Confidence")}}
    for answer, faces in (({}, ()), ({"UnindexedFaces": [bare]}, (Face(BoundingBox(0.25, 0.25, 0.2, 0.3), 99.5),))):
        monkeypatch.setattr(aws, "_indexfaces", lambda _, answer=answer: {"FaceModelVersion": "7.0", **answer})
        assert aws.cloud().index_by_name(photo) == faces


def test_an_unreadable_answer_does_not_count_as_no_faces(aws, photo, monkeypatch):
    """botocore turns a body that is not JSON into an empty answer."""
    monkeypatch.setattr(aws, "_indexfaces", lambda asked: {})
    with pytest.raises(NoAnswer, match="cannot be read"):
        aws.cloud().index_by_name(photo)


def test_indexed_faces_come_before_unindexed_ones(aws, photo):
    aws.seen, aws.unindexed = [face_detail(0.1), face_detail(0.2)], [face_detail(0.3)]
    assert [face.box.left for face in aws.cloud().index_by_name(photo)] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("code", ["InvalidImageFormatException", "ImageTooLargeException", "InvalidParameterException"])
def test_a_refusal_says_what_to_send_instead(aws, photo, code):
    aws.failures["IndexFaces"] = [(400, code)]
    with pytest.raises(PhotoRefused, match="send"):
        aws.cloud().index_bytes(photo, b"jpeg")


def test_remove_deletes_all_outputs_and_the_result_last(aws, photo):
    """The result leads a retry to an interrupted removal. All pages of the collection are read."""
    cloud, other = aws.cloud(), aws.upload("me.jpg", b"another version")
    aws.seen = [face_detail(left / 10) for left in range(5)]
    for each in (photo, other):
        cloud.index_by_name(each)
        cloud.store_picture(each, b"jpeg")
        cloud.store_result(each, RESULT)
    aws.collection["without-a-name"] = None
    cloud.remove(photo)
    assert set(aws.collection.values()) == {other.external_image_id, None}
    assert {key for _, key in aws.objects} == {other.picture_key, other.result_key}
    assert aws.calls[-1] == ("DeleteObject", f"processed-photos/{photo.result_key}")


def test_remove_without_outputs_succeeds(aws, photo):
    aws.cloud().remove(photo)
    assert "DeleteFaces" not in aws.operations()


@pytest.mark.parametrize("call", ["ListFaces", "DeleteFaces"])
def test_a_missing_collection_has_no_faces_to_remove(aws, photo, call):
    aws.cloud().index_by_name(photo)
    aws.failures[call] = [(400, "ResourceNotFoundException")]
    aws.cloud().remove_faces(photo)


@pytest.mark.parametrize("size", [0, 1, 102400])
def test_fetch_returns_the_complete_photo(aws, size):
    body = (bytes(range(256)) * 400)[:size]
    download = aws.cloud().fetch(aws.upload("me.jpg", body))
    assert (download.data, download.last_modified) == (body, UPLOADED.isoformat())


def test_fetch_returns_an_older_version(aws, photo):
    aws.upload("me.jpg", b"newer")
    aws.delete("me.jpg")
    assert len(aws.cloud().fetch(photo).data) == photo.size


@pytest.mark.parametrize(
    ("body", "checked", "error"),
    [(b"x" * 99, "eU+3PA==", IncompleteReadError), (b"x" * 100, "AAAAAA==", FlexibleChecksumError)],
    ids=["breaks off", "other bytes"],
)
def test_a_truncated_or_corrupt_download_fails(aws, body, checked, error, monkeypatch):
    photo = aws.upload("me.jpg", b"x" * 100)
    cloud = aws.cloud()
    stream = StreamingChecksumBody(io.BytesIO(body), 100, Crc32Checksum(), checked)
    answer = {"ContentLength": 100, "LastModified": UPLOADED, "Body": stream}
    monkeypatch.setattr(cloud._s3, "get_object", lambda **_: answer)
    with pytest.raises(error):
        cloud.fetch(photo)


def test_a_download_of_unexpected_size_fails(aws, photo):
    """The size in the event determines the size of the buffer."""
    with pytest.raises(NoAnswer, match="102400"):
        aws.cloud().fetch(replace(photo, size=7))


def test_fetching_a_deleted_version_raises_photo_deleted(aws, photo):
    aws.erase("me.jpg")
    with pytest.raises(PhotoDeleted, match=r"me\.jpg"):
        aws.cloud().fetch(photo)


def test_current_version_is_the_latest_or_none_after_deletion(aws, photo):
    cloud = aws.cloud()
    assert cloud.current_version(photo) == photo.version_id
    assert cloud.current_version(photo) != aws.upload("me.jpg", b"newer").version_id == cloud.current_version(photo)
    aws.delete("me.jpg")
    assert cloud.current_version(photo) is None


@pytest.mark.parametrize("failure", [(403, "AccessDenied"), (503, "SlowDown")])
def test_other_s3_errors_propagate(aws, photo, failure):
    cloud = aws.cloud()
    calls = {
        "GetObject": cloud.fetch,
        "HeadObject": cloud.current_version,
        "ListObjectsV2": cloud.versions_with_result,
        "DeleteObject": cloud.remove,
    }
    for call, ask in calls.items():
        aws.failures[call] = [failure]
        with pytest.raises(ClientError, match=str(failure[0]) if call == "HeadObject" else failure[1]):
            ask(photo)


@settings(deadline=None, max_examples=30)
@given(key=st.text("ab/.~", min_size=1, max_size=8), version=st.text("ab/%+ .~", min_size=1, max_size=8))
def test_a_result_is_listed_under_its_photo_and_version(key, version):
    """Version IDs are opaque (S3 user guide), so no character in one may matter."""
    aws, photo = AwsInMemory(), Photo(RAW, key, version, "etag", 1)
    cloud = aws.cloud()
    assert cloud.versions_with_result(photo) == set()
    cloud.store_result(photo, RESULT)
    assert cloud.versions_with_result(photo) == {version}
    for other in (key + "a", key + "/a", key[:-1] or "c"):
        assert cloud.versions_with_result(replace(photo, key=other)) == set()


def test_size_limits_match_rekognitions_guide():
    """If our limit exceeded AWS's, photos between the two would fail."""
    assert (LARGEST_IN_CALL, LARGEST_IN_S3) == (5_242_880, 15 * 2**20)


def test_clients_set_retries_time_outs_and_region_explicitly(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3, rekognition = clients()
    assert s3.meta.config.retries == {"mode": "standard", "total_max_attempts": 5}
    assert rekognition.meta.config.retries == {"mode": "adaptive", "total_max_attempts": 6}
    for client, attempts_that_hang in ((s3, 2), (rekognition, 1)):
        config = client.meta.config
        one, more = (
            n * (config.connect_timeout + config.read_timeout) for n in (attempts_that_hang, attempts_that_hang + 1)
        )
        assert one < PHOTO_TIMEOUT <= more
        assert "us-east-1" in client.meta.endpoint_url
