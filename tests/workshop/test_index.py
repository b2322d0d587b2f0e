"""Indexing from here while the function may be at the same photo."""

from dataclasses import replace
from typing import Any

import pytest
from annotator.cloud import NoAnswer, Overtaken
from annotator.faces import BoundingBox, Face
from annotator.photo import Photo
from annotator.result import RawObject, Result

from tests.workshop.answering import Answering, stacks_with
from workshop.commands import index as module
from workshop.errors import WorkshopError

PHOTO = Photo("raw", "me.jpg", "etag", 1)
RESULT = Result("no_face", RawObject("raw", "me.jpg", "etag", 1), "faces", "id")


def indexed(monkeypatch: pytest.MonkeyPatch, *raised: type[Exception], result: Result | None = RESULT) -> Result:
    """What `index` answers where annotating raises these, one each time, and this result is there at the end."""
    to_raise = iter(raised)

    def annotate(*_: Any) -> None:
        if error := next(to_raise, None):
            raise error

    monkeypatch.setattr(module, "annotate", annotate)
    monkeypatch.setattr(module, "result_of", lambda *_: result)
    answer = module.index(stacks_with(s3=Answering({}), rekognition=Answering({})), PHOTO, 2048)
    assert next(to_raise, None) is None, "it was not tried again"
    return answer


@pytest.mark.parametrize("times", [1, 2], ids=["with the result", "with the picture, then with the result"])
def test_when_the_function_was_faster_by_a_moment_its_result_is_shown(monkeypatch: pytest.MonkeyPatch, times: int):
    assert indexed(monkeypatch, *[Overtaken] * times) == RESULT


@pytest.mark.parametrize("result", [None, replace(RESULT, raw=replace(RESULT.raw, etag="another"))])
def test_a_photo_that_went_meanwhile_has_no_result(monkeypatch: pytest.MonkeyPatch, result: Result | None):
    with pytest.raises(WorkshopError, match=r"me\.jpg was deleted or replaced meanwhile"):
        indexed(monkeypatch, result=result)


def test_an_answer_that_cannot_be_read_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(WorkshopError, match="nothing of it could be read"):
        indexed(monkeypatch, NoAnswer)


def test_faces_are_numbered_from_the_left_as_send_does(capsys: pytest.CaptureFixture[str]):
    faces = tuple(Face(BoundingBox(left, 0, 0.1, 0.1), 99.0, face_id=f"at-{left}") for left in (0.8, 0.1))
    module._print(replace(RESULT, status="annotated", faces=faces))
    ids = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("Id")]
    assert ids == ["at-0.1", "at-0.8"]
