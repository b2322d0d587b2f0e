"""Indexing from here while the function may be at the same photo."""

from typing import Any

import pytest
from annotator.cloud import Overtaken
from annotator.photo import Photo
from annotator.result import RawObject, Result

from tests.workshop.answering import Answering, stacks_with
from workshop.commands import index as module


def test_when_the_function_was_faster_by_a_moment_its_result_is_shown(monkeypatch: pytest.MonkeyPatch):
    tried: list[Photo] = []

    def annotate(photo: Photo, *_: Any) -> None:
        tried.append(photo)
        if len(tried) == 1:
            raise Overtaken

    result = Result("no_face", RawObject("raw", "me.jpg", "etag", 1), "faces", "id")
    monkeypatch.setattr(module, "annotate", annotate)
    monkeypatch.setattr(module, "result_of", lambda *_: result)
    photo = Photo("raw", "me.jpg", "etag", 1)
    assert module.index(stacks_with(s3=Answering({}), rekognition=Answering({})), photo, 2048) == result
    assert tried == [photo, photo]
