"""IndexFaces, and what lists and deletes what it stored."""

import uuid

import pytest

from tests.local_aws.rekognition.painted import jpeg, picture, png

ONE = jpeg(picture((100, 100, 120, 140)))
LARGE, MIDDLE, SMALL = (300, 100, 200, 240), (100, 100, 120, 140), (20, 300, 80, 100)
THREE = jpeg(picture(MIDDLE, LARGE, SMALL))
DEFAULTS = {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}


def index(client, image=ONE, **request):
    return client.index_faces(CollectionId="room-1", Image={"Bytes": image}, **request)


def ids(answer):
    return [record["Face"]["FaceId"] for record in answer["FaceRecords"]]


@pytest.fixture(autouse=True)
def _room(collection):
    """Every test here has an empty collection, room-1."""


def test_a_face_gets_an_id_and_keeps_the_external_one(client):
    (record,) = index(client, ExternalImageId="me:1")["FaceRecords"]
    face = record["Face"]
    assert str(uuid.UUID(face["FaceId"])) == face["FaceId"]
    assert str(uuid.UUID(face["ImageId"])) == face["ImageId"] != face["FaceId"]
    assert face["ExternalImageId"] == "me:1"
    assert face["BoundingBox"] == record["FaceDetail"]["BoundingBox"]


def test_a_box_is_in_fractions_of_the_picture(client):
    (record,) = index(client)["FaceRecords"]
    box = record["Face"]["BoundingBox"]
    assert [box[side] for side in ("Left", "Top", "Width", "Height")] == pytest.approx(
        [100 / 640, 100 / 480, 120 / 640, 140 / 480], abs=0.01
    )


def test_the_largest_face_comes_first(client):
    widths = [record["Face"]["BoundingBox"]["Width"] for record in index(client, THREE)["FaceRecords"]]
    assert widths == sorted(widths, reverse=True)
    assert len(widths) == 3


def test_the_same_picture_under_the_same_name_is_stored_once(client):
    first, second = index(client, ExternalImageId="a"), index(client, ExternalImageId="a")
    assert ids(first) == ids(second)
    assert first["FaceRecords"] == second["FaceRecords"]
    assert client.describe_collection(CollectionId="room-1")["FaceCount"] == 1


def test_the_same_picture_under_another_name_is_stored_again(client):
    assert ids(index(client, ExternalImageId="a")) != ids(index(client, ExternalImageId="b"))
    assert client.describe_collection(CollectionId="room-1")["FaceCount"] == 2


def test_the_same_picture_in_another_collection_has_the_same_ids(client):
    client.create_collection(CollectionId="room-2")
    other = client.index_faces(CollectionId="room-2", Image={"Bytes": ONE})
    assert ids(index(client)) == ids(other)


def test_another_file_is_another_picture(client):
    assert ids(index(client, ONE, ExternalImageId="a")) != ids(index(client, ONE + b"\0", ExternalImageId="a"))


def test_only_the_default_attributes_come_unasked(client):
    (record,) = index(client)["FaceRecords"]
    assert set(record["FaceDetail"]) == DEFAULTS
    assert {mark["Type"] for mark in record["FaceDetail"]["Landmarks"]} == {
        "eyeLeft",
        "eyeRight",
        "mouthLeft",
        "mouthRight",
        "nose",
    }


def test_a_named_attribute_comes_with_the_defaults(client):
    (record,) = index(client, DetectionAttributes=["EMOTIONS", "SMILE"])["FaceRecords"]
    assert set(record["FaceDetail"]) == DEFAULTS | {"Emotions", "Smile"}


def test_all_attributes_are_all_that_the_model_knows(client):
    (record,) = index(client, DetectionAttributes=["ALL"])["FaceRecords"]
    shape = client.meta.service_model.shape_for("FaceDetail")
    assert set(record["FaceDetail"]) == set(shape.members)
    assert len(record["FaceDetail"]["Landmarks"]) == 30


def test_at_most_max_faces_are_indexed_and_the_rest_is_named(client):
    answer = index(client, THREE, MaxFaces=2)
    assert len(answer["FaceRecords"]) == 2
    (left_out,) = answer["UnindexedFaces"]
    assert left_out["Reasons"] == ["EXCEEDS_MAX_FACES"]
    assert set(left_out["FaceDetail"]) == DEFAULTS
    assert client.describe_collection(CollectionId="room-1")["FaceCount"] == 2


def test_above_max_faces_the_worst_face_is_dropped_even_if_largest(client):
    pixels = picture(MIDDLE, LARGE)
    left, top, width, height = LARGE
    pixels[top : top + height, left : left + width] = (255, 0, 255)  # no lines: not sharp at all
    answer = index(client, png(pixels), MaxFaces=1, QualityFilter="NONE")
    (kept,) = answer["FaceRecords"]
    assert kept["Face"]["BoundingBox"]["Left"] == pytest.approx(MIDDLE[0] / 640, abs=0.01)


def test_at_most_a_hundred_faces_are_indexed(client):
    faces = [(20 + 150 * column, 20 + 150 * row, 100, 120) for row in range(11) for column in range(11)]
    answer = index(client, jpeg(picture(*faces, size=(1700, 1700))), MaxFaces=500, QualityFilter="NONE")
    assert len(answer["FaceRecords"]) == 100


def test_a_small_face_is_named_but_not_indexed(client):
    answer = index(client, jpeg(picture(MIDDLE, (400, 300, 30, 36))))
    assert len(answer["FaceRecords"]) == 1
    (left_out,) = answer["UnindexedFaces"]
    assert "SMALL_BOUNDING_BOX" in left_out["Reasons"]


def test_without_a_filter_every_face_is_indexed(client):
    answer = index(client, jpeg(picture(MIDDLE, (400, 300, 30, 36))), QualityFilter="NONE")
    assert (len(answer["FaceRecords"]), answer["UnindexedFaces"]) == (2, [])


def test_a_picture_without_faces_is_no_error(client):
    answer = index(client, jpeg(picture()))
    assert (answer["FaceRecords"], answer["UnindexedFaces"]) == ([], [])


def test_orientation_correction_is_never_sent(client):
    assert "OrientationCorrection" not in index(client)


def test_faces_are_listed_in_pages_and_by_id(client):
    stored = ids(index(client, THREE))
    pages = list(client.get_paginator("list_faces").paginate(CollectionId="room-1", PaginationConfig={"PageSize": 2}))
    assert [[face["FaceId"] for face in page["Faces"]] for page in pages] == [stored[:2], stored[2:]]
    some = client.list_faces(CollectionId="room-1", FaceIds=stored[1:2])["Faces"]
    assert [face["FaceId"] for face in some] == stored[1:2]


def test_deleting_faces_says_which_were_not_there(client):
    (stored,) = ids(index(client))
    unknown = "11111111-2222-4333-8444-555555555555"
    answer = client.delete_faces(CollectionId="room-1", FaceIds=[stored, unknown])
    assert answer["DeletedFaces"] == [stored]
    assert answer["UnsuccessfulFaceDeletions"] == [{"FaceId": unknown, "Reasons": ["FACE_NOT_FOUND"]}]
    assert client.list_faces(CollectionId="room-1")["Faces"] == []


def test_detecting_faces_stores_nothing(client):
    answer = client.detect_faces(Image={"Bytes": THREE}, Attributes=["ALL"])
    assert len(answer["FaceDetails"]) == 3
    assert client.describe_collection(CollectionId="room-1")["FaceCount"] == 0


def test_asking_again_about_a_picture_does_not_look_again(client, sight):
    index(client, ExternalImageId="a")
    looks = len(sight.looks)
    index(client, ExternalImageId="b")
    client.detect_faces(Image={"Bytes": ONE})
    assert len(sight.looks) == looks
