"""From a photo to its annotated picture, through the real templates, the real CLI and the real handler."""

import json

import cv2
import numpy as np
import pytest
from annotator.photo import pictures_folder
from annotator.result import Result
from jsonschema import Draft202012Validator

from local_aws.local import PROJECT

from .conftest import more, photos, sample

pytestmark = pytest.mark.slow

SCHEMA = json.loads((PROJECT / "lambda" / "photo_annotator" / "annotator" / "result.schema.json").read_text())
SEVERAL = 4
"""Faces in the group photo, counted by eye."""


def test_every_upload_ends_in_exactly_one_outcome(evening):
    assert {key: result["status"] for key, result in evening.results.items()} == {
        "several.jpg": "annotated",
        "one.jpg": "annotated",
        "nobody.jpg": "no_face",
        "a phone/held sideways.jpg": "annotated",
        "scanned.png": "annotated",
        "iphone.HEIC": "annotated",
        "1 + 1 = 2 & müde 你好 %41.jpg": "annotated",
        "really a HEIC.jpg": "annotated",
        "notes.txt": "rejected",
        "empty.jpg": "rejected",
    }
    assert (evening.waiting, evening.dead_letters) == (0, 0)


def test_every_face_is_found_however_the_photo_comes(evening):
    found = {key: len(result["faces"]) for key, result in evening.results.items()}
    for key in ("several.jpg", "a phone/held sideways.jpg", "scanned.png", "iphone.HEIC"):
        assert found[key] == SEVERAL, key
    for key in ("one.jpg", "1 + 1 = 2 & müde 你好 %41.jpg", "really a HEIC.jpg"):
        assert found[key] == 1, key
    assert found["nobody.jpg"] == 0


def test_boxes_lie_on_the_same_faces_however_the_photo_was_held(evening):
    """In fractions of the upright picture."""

    def boxes(key: str) -> np.ndarray:
        return np.array(sorted(tuple(face["box"].values()) for face in evening.results[key]["faces"]))

    for key in ("a phone/held sideways.jpg", "scanned.png", "iphone.HEIC"):
        assert np.abs(boxes(key) - boxes("several.jpg")).max() < 0.03, key


def test_the_picture_is_the_photo_upright_with_something_drawn_on_it(evening):
    photo = sample(6)
    for key in ("several.jpg", "a phone/held sideways.jpg", "scanned.png", "iphone.HEIC"):
        picture = cv2.resize(evening.pictures[key], photo.shape[1::-1], interpolation=cv2.INTER_AREA)
        changed = np.abs(picture.astype(int) - photo).max(axis=2) > 60
        assert 0.005 < changed.mean() < 0.1, key


def test_a_frame_is_drawn_around_each_face_and_nothing_inside(evening):
    photo, picture = sample(6), evening.pictures["several.jpg"]
    height, width = picture.shape[:2]
    photo = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    changed = np.abs(picture.astype(int) - photo).max(axis=2) > 60
    for face in evening.results["several.jpg"]["faces"]:
        box = face["box"]
        left, top = round(box["left"] * width), round(box["top"] * height)
        right, bottom = left + round(box["width"] * width), top + round(box["height"] * height)
        inside = changed[top + 6 : bottom - 6, left + 6 : right - 6]
        around = changed[max(top - 8, 0) : bottom + 8, max(left - 8, 0) : right + 8]
        assert inside.mean() < 0.01
        assert around.sum() - inside.sum() > 2 * (right - left)


def test_a_photo_without_faces_gets_a_banner(evening):
    picture = evening.pictures["nobody.jpg"]
    photo = cv2.imdecode(np.frombuffer(photos()["nobody.jpg"], np.uint8), cv2.IMREAD_COLOR)
    assert (np.abs(picture.astype(int) - photo).max(axis=2) > 60).mean() > 0.01


def test_what_is_no_photo_is_refused_with_what_to_do(evening):
    for key in ("notes.txt", "empty.jpg"):
        result = evening.results[key]
        assert "send a JPEG" in result["reason"]
        assert result["processed"] is None
        assert key not in evening.pictures


def test_every_result_matches_the_schema(evening):
    contract = Draft202012Validator(SCHEMA)
    for result in evening.results.values():
        contract.validate(result)
        assert json.loads(Result.from_document(result).to_json()) == result


def test_results_name_the_upload_and_the_picture(evening):
    for key, result in evening.results.items():
        assert result["raw"]["bucket"] == evening.outputs["RawBucket"]
        assert (result["raw"]["key"], result["raw"]["size"]) == (key, len(evening.sent[key]))
        if processed := result["processed"]:
            assert processed["bucket"] == evening.outputs["ProcessedBucket"]
            assert processed["key"] == f"{pictures_folder(key)}{result['raw']['version_id']}.jpg"
            assert (processed["height"], processed["width"]) == evening.pictures[key].shape[:2]


def test_each_face_has_emotions_in_falling_order_and_what_else_people_ask_for(evening):
    for face in evening.results["several.jpg"]["faces"]:
        confidences = [emotion["confidence"] for emotion in face["emotions"]]
        assert len(confidences) >= 7
        assert confidences == sorted(confidences, reverse=True)
        assert face["smile"]["value"] in (True, False)
        assert face["gender"]["value"] in ("Female", "Male")
        assert 0 <= face["age_range"]["low"] <= face["age_range"]["high"] < 120


def test_the_collection_holds_exactly_the_indexed_faces(evening):
    indexed = {face["face_id"] for result in evening.results.values() for face in result["faces"] if face["face_id"]}
    assert {face["FaceId"] for face in evening.faces_in_collection} == indexed
    ids = {result["external_image_id"] for result in evening.results.values()}
    assert {face["ExternalImageId"] for face in evening.faces_in_collection} <= ids
    assert len(ids) == len(evening.results)


def test_a_second_delivery_of_the_same_event_changes_nothing(evening):
    assert evening.faces_after_second_delivery == len(evening.faces_in_collection)
    assert evening.results_rewritten == []


def test_pictures_carry_no_metadata_of_the_photo(evening):
    for picture in evening.metadata.values():
        assert picture["type"] == "image/jpeg"
        assert b"Exif" not in picture["bytes"]


def test_logs_name_the_request_and_the_object_and_say_nothing_of_faces(evening):
    lines = [json.loads(line) for line in evening.log_lines if line.startswith('{"time"')]
    done = [line for line in lines if line.get("status") == "annotated"]
    assert {line["key"] for line in done} >= {"several.jpg", "1 + 1 = 2 & müde 你好 %41.jpg"}
    for line in lines:
        assert line["request_id"]
        assert line["message_id"]
    said = "".join(evening.log_lines)
    for word in ("HAPPY", "CALM", "Female", "AgeRange", "BoundingBox"):
        assert word not in said


def test_a_deployed_stack_has_nothing_to_deploy(evening):
    assert "Number of stacks with differences: 0" in evening.diff


def test_the_zip_package_does_what_the_image_does(evening):
    assert evening.zipped.outputs["FunctionName"] != evening.outputs["FunctionName"]
    for key, result in evening.results.items():
        zipped = evening.zipped.results[f"zip/{key}"]
        same = ("status", "reason")
        assert [zipped[name] for name in same] == [result[name] for name in same], key
        assert [face["box"] for face in zipped["faces"]] == [face["box"] for face in result["faces"]], key
        if key in evening.pictures:
            assert np.array_equal(evening.zipped.pictures[f"zip/{key}"], evening.pictures[key]), key


def test_the_look_round_sees_what_was_there(evening):
    """Otherwise `nothing left` would mean nothing."""
    assert {kind: len(names) for kind, names in more(evening.there, evening.before).items()} == {
        "images": 1,
        "assets": 6,
        "stacks": 3,
        "buckets": 2,
        "queues": 2,
        "functions": 4,
        "http apis": 1,
        "event sources": 1,
        "log groups": 4,
        "alarms": 1,
        "roles": 4,
        "exports": 6,
        "collections": 1,
    }


def test_a_preview_of_teardown_lists_what_is_simons_and_deletes_nothing(evening):
    assert evening.previewed >= {"ShowYourEmotions-simon-Foundation", "ShowYourEmotions-simon-Serverless"}
    assert not [name for name in evening.previewed if "simon-2" in name]
    assert evening.there_after_the_preview == evening.there


def test_teardown_leaves_what_was_there_before_and_a_second_one_finds_nothing(evening):
    assert evening.last_words == ["nothing left\n", "nothing left of simon\n"]
    assert evening.left == evening.before
