"""`emotions index`: the faces it prints, and what happens while the function may be at the same photo."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from annotator.cloud import NoAnswer
from annotator.faces import BoundingBox, Emotion, Face
from annotator.photo import Photo
from annotator.result import RawObject, Result

from tests.workshop.answering import Answering, stacks_with
from tests.workshop.attendee import GROUP_PHOTO, Attendee, faces_of
from workshop.commands import index as module
from workshop.photos.raw_bucket import UNVERSIONED
from workshop.terminal.errors import WorkshopError

PHOTO = Photo("raw", "me.jpg", "v1", "etag", 1)
RESULT = Result("no_face", RawObject("raw", "me.jpg", "v1", "etag", 1), "faces", "id")


def indexed(monkeypatch: pytest.MonkeyPatch, annotate: Callable[..., Any], photo: Photo = PHOTO) -> Result:
    """What `index` answers where annotating does this and leaves no result."""
    monkeypatch.setattr(module, "annotate", annotate)
    monkeypatch.setattr(module, "result_of", lambda *_: None)
    return module.index(stacks_with(s3=Answering({}), rekognition=Answering({})), photo, 2048)


def test_a_photo_that_went_meanwhile_has_no_result(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(WorkshopError, match=r"me\.jpg was deleted or replaced in the meantime"):
        indexed(monkeypatch, lambda *_: "superseded")


def test_an_answer_that_cannot_be_read_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    def annotate(*_: Any) -> None:
        raise NoAnswer("Rekognition's answer to IndexFaces for me.jpg cannot be read")

    with pytest.raises(WorkshopError, match=r"^Rekognition's answer to IndexFaces for me\.jpg cannot be read\.$"):
        indexed(monkeypatch, annotate)


def test_a_photo_from_before_the_bucket_kept_versions_is_explained(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(WorkshopError, match=r"me\.jpg has no version") as error:
        indexed(monkeypatch, lambda *_: pytest.fail("Rekognition was asked"), replace(PHOTO, version_id=UNVERSIONED))
    assert "deploy Foundation" in str(error.value.hint)


def test_faces_have_the_numbers_of_the_picture_and_no_emotion_of_0_percent(capsys: pytest.CaptureFixture[str]):
    emotions = (Emotion("HAPPY", 98.0), Emotion("CALM", 1.0), Emotion("SAD", 0.9))
    faces = tuple(Face(BoundingBox(0, 0, 0.1, 0.1), 99.0, emotions, face_id=name) for name in ("a", "b"))
    module._print(replace(RESULT, status="annotated", faces=faces))
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[1] for line in printed if line[:1] in (["Face"], ["Id"])] == ["1", "a", "2", "b"]
    assert ["Looks", "happy", "98", "%,", "calm", "1", "%"] in printed


def test_index_prints_every_face_and_stores_picture_and_result(deployed: Attendee):
    ran = deployed.run("index", str(GROUP_PHOTO))
    assert ran.exit_code == 0, ran.output
    assert len(re.findall(r"^Face ", ran.stdout, re.MULTILINE)) == 3
    for word in ("Id", "Looks", "Smile", "Gender", "Age"):
        assert len(re.findall(rf"^{word} ", ran.stdout, re.MULTILINE)) == 3
    assert all(len(line) <= 80 for line in ran.stdout.splitlines())
    assert faces_of(deployed) == 3
    (key,) = deployed.keys()
    assert [made.rpartition("/")[0] for made in deployed.keys("ProcessedBucket")] == [
        f"pictures/{key}",
        f"results/{key}",
    ]


def test_indexing_twice_changes_nothing(deployed: Attendee):
    deployed.run("index", str(GROUP_PHOTO))
    again = deployed.run("index", "sample1.jpg")
    assert again.exit_code == 0, again.output
    assert "already has a result" in again.stderr
    assert faces_of(deployed) == 3


def test_index_writes_the_result_document_for_scripts(deployed: Attendee):
    ran = deployed.run("index", str(deployed.photo_file()), "--json")
    assert json.loads(ran.stdout)["status"] == "no_face"
