import json
from pathlib import Path

import annotator.result
import pytest
from annotator.faces import AgeRange, BoundingBox, Emotion, Face, Judgement
from annotator.result import Picture, RawObject, Result
from jsonschema import Draft202012Validator, ValidationError

schema = json.loads(Path(annotator.result.__file__).with_name("result.schema.json").read_text())
contract = Draft202012Validator(schema)

HAPPY = Face(
    box=BoundingBox(-0.01, 0.2, 0.3, 0.4),
    confidence=99.9,
    emotions=(Emotion("HAPPY", 98.5), Emotion("FEAR", 0.5)),
    face_id="11111111-2222-3333-4444-555555555555",
    smile=Judgement(True, 97.0),
    gender=Judgement("Female", 96.0),
    age_range=AgeRange(20, 30),
)
BLURRED = Face(box=BoundingBox(0.9, 0.9, 0.2, 0.2), confidence=91.0, unindexed_reasons=("LOW_SHARPNESS",))


def result(**changes):
    about = {
        "status": "annotated",
        "raw": RawObject("raw-photos", "Café +1.jpg", "3HL4kqtJ", "9b2cf535", 1000),
        "collection_id": "faces-me",
        "external_image_id": "0123456789" * 4,
        "picture": Picture("processed", "pictures/Café +1.jpg/3HL4kqtJ.jpg", 2048, 1536),
        "faces": (HAPPY, BLURRED),
    }
    return Result(**{**about, **changes})


RESULTS = [
    result(),
    result(status="no_face", faces=()),
    result(status="rejected", picture=None, faces=(), reason="This is a PDF, not a photo: send a JPEG."),
]


@pytest.mark.parametrize("written", RESULTS, ids=lambda result: result.status)
def test_a_result_can_be_read_back_from_its_document(written):
    assert Result.from_document(json.loads(written.to_json())) == written


@pytest.mark.parametrize("written", RESULTS, ids=lambda result: result.status)
def test_every_result_matches_the_schema(written):
    contract.validate(json.loads(written.to_json()))


def test_the_schema_itself_is_valid():
    Draft202012Validator.check_schema(schema)


def _objects(part):
    if isinstance(part, dict):
        if ("properties" in part and "title" not in part) or part is schema:
            yield part
        for below in part.values():
            yield from _objects(below)
    elif isinstance(part, list):
        for below in part:
            yield from _objects(below)


def test_the_schema_requires_all_fields_and_allows_no_others():
    objects = list(_objects(schema))
    assert len(objects) >= 7
    for described in objects:
        assert described["additionalProperties"] is False
        assert set(described["required"]) == set(described["properties"])


@pytest.mark.parametrize(
    "broken",
    [
        result(picture=None),
        result(faces=()),
        result(status="no_face"),
        result(status="rejected", faces=(), picture=None),
        result(status="rejected", faces=(), reason="Too small: send a larger photo."),
        result(reason="but it is annotated"),
        result(status="queued"),
        result(external_image_id="my selfie.jpg"),
        result(faces=(Face(box=BoundingBox(0, 0, 1, 1), confidence=101.0),)),
    ],
)
def test_the_schema_rejects_inconsistent_results(broken):
    with pytest.raises(ValidationError):
        contract.validate(json.loads(broken.to_json()))


@pytest.mark.parametrize("version", [1, 3])
def test_a_document_of_another_version_is_rejected(version):
    with pytest.raises(ValueError, match=f"version {version}"):
        Result.from_document({**result().to_document(), "version": version})
