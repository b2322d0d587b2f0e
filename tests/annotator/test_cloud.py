import pytest
from annotator.cloud import (
    LARGEST_IN_CALL,
    LARGEST_IN_S3,
    Download,
    NoAnswer,
    Overtaken,
    PhotoDeleted,
    PhotoRefused,
    PhotoSuperseded,
    StoredPicture,
    clients,
)
from annotator.faces import AgeRange, BoundingBox, Emotion, Face, Judgement
from annotator.photo import Photo
from botocore.exceptions import ClientError, FlexibleChecksumError, IncompleteReadError
from botocore.httpchecksum import Crc32Checksum, StreamingChecksumBody
from botocore.response import StreamingBody

from infra.settings import PHOTO_TIMEOUT
from tests.annotator.aws_in_memory import RAW, AwsInMemory, face_detail


@pytest.fixture
def aws():
    return AwsInMemory()


@pytest.fixture
def photo(aws):
    return Photo(RAW, "me.jpg", aws.upload("me.jpg", bytes(range(256)) * 400), 102400)


def test_a_face_is_put_into_our_own_words(aws, photo):
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


def test_what_rekognition_does_not_say_is_none(aws, photo):
    bare = {key: face_detail()[key] for key in ("BoundingBox", "Confidence")}
    aws.seen, aws.unindexed = [], [bare]
    (face,) = aws.cloud().index_by_name(photo)
    assert face == Face(BoundingBox(0.25, 0.25, 0.2, 0.3), 99.5, unindexed_reasons=("LOW_SHARPNESS",))


def test_what_is_missing_from_an_answer_is_nothing(aws, photo, monkeypatch):
    """Rekognition's API reference marks every part of these answers as optional."""
    bare = {"FaceDetail": {key: face_detail()[key] for key in ("BoundingBox", "Confidence")}}
    for answer, faces in (({}, ()), ({"UnindexedFaces": [bare]}, (Face(BoundingBox(0.25, 0.25, 0.2, 0.3), 99.5),))):
        monkeypatch.setattr(aws, "_indexfaces", lambda _, answer=answer: {"FaceModelVersion": "7.0", **answer})
        assert aws.cloud().index_by_name(photo) == faces
    aws.collection["of-somebody-without-a-name"] = None
    assert aws.cloud().faces_of(photo) == set()


def test_an_answer_that_cannot_be_read_is_not_taken_for_no_faces(aws, photo, monkeypatch):
    """botocore makes an answer with nothing in it of a body that is no JSON."""
    monkeypatch.setattr(aws, "_indexfaces", lambda asked: {})
    with pytest.raises(NoAnswer, match="nothing that can be read"):
        aws.cloud().index_by_name(photo)


def test_indexed_faces_come_before_those_left_out(aws, photo):
    aws.seen, aws.unindexed = [face_detail(0.1), face_detail(0.2)], [face_detail(0.3)]
    assert [face.box.left for face in aws.cloud().index_by_name(photo)] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("code", ["InvalidImageFormatException", "ImageTooLargeException", "InvalidParameterException"])
def test_what_is_the_photos_fault_says_what_to_send(aws, photo, code):
    aws.failures["IndexFaces"] = [(400, code)]
    with pytest.raises(PhotoRefused, match="send"):
        aws.cloud().index_bytes(photo, b"jpeg")


def test_faces_are_found_by_the_photo_through_every_page(aws, photo):
    aws.seen = [face_detail(left / 10) for left in range(5)]
    cloud = aws.cloud()
    cloud.index_by_name(photo)
    other = Photo(RAW, "me.jpg", "another-version", 1)
    cloud.index_by_name(other)
    cloud.delete_faces(cloud.faces_of(photo))
    assert set(aws.collection.values()) == {other.external_image_id}
    assert len(aws.collection) == 5


def test_a_collection_that_is_gone_has_no_faces_to_delete(aws, photo):
    aws.failures |= {call: [(400, "ResourceNotFoundException")] for call in ("ListFaces", "DeleteFaces")}
    cloud = aws.cloud()
    assert cloud.faces_of(photo) == set()
    cloud.delete_faces(["1f"])
    assert aws.operations() == ["ListFaces", "DeleteFaces"]


def test_no_faces_to_delete_is_no_call(aws):
    aws.cloud().delete_faces([])
    assert aws.calls == []


def test_a_photo_arrives_whole_with_its_beginning_first(aws, photo):
    with aws.cloud().fetch(photo, 64) as download:
        assert download.beginning == bytes(range(64))
        assert download.size == 102400
        assert download.rest() == bytes(range(256)) * 400


@pytest.mark.parametrize("size", [0, 10, 64, 65])
def test_a_small_photo_arrives_whole_too(aws, size):
    body = bytes(range(size))
    with aws.cloud().fetch(Photo(RAW, "tiny", aws.upload("tiny", body), size), 64) as download:
        assert download.beginning == body[:64]
        assert download.rest() == body


def test_a_download_that_breaks_off_is_not_taken_for_the_photo(aws, photo):
    class Broken:
        def read(self, amount=None):
            return b""

        def readinto(self, buffer):
            return 0

    with pytest.raises(IncompleteReadError):
        Download(100, b"begin", StreamingBody(Broken(), 100)).rest()


def test_a_download_that_is_not_what_s3_stored_is_not_taken_for_the_photo(aws, photo):
    cloud = aws.cloud()
    with cloud.fetch(photo, 64) as download:
        checked = StreamingChecksumBody(download._body._raw_stream, None, Crc32Checksum(), "AAAAAA==")
        with pytest.raises(FlexibleChecksumError):
            Download(download.size, download.beginning, checked).rest()


def test_other_bytes_under_the_key_are_another_photo(aws, photo):
    aws.upload("me.jpg", b"newer")
    with pytest.raises(PhotoSuperseded, match=r"me\.jpg"), aws.cloud().fetch(photo, 64):
        pass
    with pytest.raises(PhotoSuperseded):
        aws.cloud().confirm(photo, None)


def test_a_deleted_photo_is_deleted(aws, photo):
    aws.objects.clear()
    with pytest.raises(PhotoDeleted, match=r"me\.jpg"), aws.cloud().fetch(photo, 64):
        pass
    with pytest.raises(PhotoDeleted):
        aws.cloud().confirm(photo, None)


def test_the_same_bytes_uploaded_again_are_another_upload(aws, photo):
    """What lay there in between, and whether Rekognition saw it, nobody knows."""
    with pytest.raises(Overtaken, match=r"me\.jpg"):
        aws.cloud().confirm(photo, "2026-11-22T10:00:00+00:00")


def test_what_rekognition_cannot_find_is_gone_or_changed_or_a_failure(aws, photo):
    cloud = aws.cloud()
    aws.failures["IndexFaces"] = [(400, "InvalidS3ObjectException")] * 3
    with pytest.raises(ClientError, match="InvalidS3Object"):
        cloud.index_by_name(photo)
    aws.upload("me.jpg", b"newer")
    with pytest.raises(PhotoSuperseded):
        cloud.index_by_name(photo)
    aws.objects.clear()
    with pytest.raises(PhotoDeleted):
        cloud.index_by_name(photo)


@pytest.mark.parametrize("failure", [(403, "AccessDenied"), (503, "SlowDown")])
def test_what_s3_refuses_or_fails_goes_up(aws, photo, failure):
    cloud = aws.cloud()
    for ask in (lambda: cloud.fetch(photo, 64).__enter__(), lambda: cloud.earlier(photo)):
        aws.failures["GetObject"] = [failure]
        with pytest.raises(ClientError, match=failure[1]):
            ask()


@pytest.mark.parametrize("code", [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict"), (404, "NoSuchKey")])
def test_whoever_finds_another_object_or_none_in_the_place_was_overtaken(aws, photo, code):
    """S3 says 409 while another write is under way, and 404 when the object to replace is gone."""
    cloud, earlier = aws.cloud(), StoredPicture('"etag"', photo.etag)
    aws.failures |= {call: [code] for call in ("PutObject", "DeleteObject")}
    with pytest.raises(Overtaken):
        cloud.store_picture(photo, b"jpeg", replacing=earlier)
    with pytest.raises(Overtaken):
        cloud.delete_picture(photo, earlier)


def test_nothing_is_there_before_the_first_time(aws, photo):
    earlier = aws.cloud().earlier(photo)
    assert (earlier.result, earlier.result_etag) == (None, None)
    assert aws.cloud().picture(photo) is None


def test_rekognitions_limits_are_those_of_its_guide():
    """A photo between a limit of ours and a smaller one of AWS's would be refused for nothing."""
    assert (LARGEST_IN_CALL, LARGEST_IN_S3) == (5_242_880, 15 * 2**20)


def test_the_clients_retry_knowingly_and_stay_in_their_region(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3, rekognition = clients()
    assert s3.meta.config.retries == {"mode": "standard", "total_max_attempts": 5}
    assert rekognition.meta.config.retries == {"mode": "adaptive", "total_max_attempts": 6}
    for client in (s3, rekognition):
        config = client.meta.config
        assert 2 * (config.connect_timeout + config.read_timeout) < PHOTO_TIMEOUT
        assert "us-east-1" in client.meta.endpoint_url
