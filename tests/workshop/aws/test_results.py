"""Reading the results: which there are, in which order, and what is not taken for one."""

import io
import time
from dataclasses import replace
from typing import Any

import pytest
from annotator.photo import Photo
from annotator.result import RawObject, Result
from botocore.exceptions import ClientError

from tests.workshop.answering import Answering, refusal, stacks_with
from workshop.aws.results import all_results, latest_result, result_of, wait_for_result
from workshop.aws.stacks import Stacks

PHOTO = Photo("raw", "me.jpg", "v1", "etag", 1)


def storing(*photos: Photo) -> Stacks:
    """Stacks in which these versions have results; each was uploaded an hour after the one before."""
    documents = {}
    for hour, photo in enumerate(photos, 10):
        raw = RawObject("raw", photo.key, photo.version_id, "etag", 1, f"2026-11-22T{hour}:00:00+00:00")
        documents[photo.result_key] = Result("no_face", raw, "faces", "id").to_json().encode()

    def answer(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "get_object":
            return {"Body": io.BytesIO(documents[asked["Key"]])}
        keys = [key for key in sorted(documents) if key.startswith(asked["Prefix"])]
        if "Delimiter" in asked:
            keys = [key for key in keys if "/" not in key.removeprefix(asked["Prefix"])]
        return {"Contents": [{"Key": key} for key in keys]}

    return stacks_with(s3=Answering(answer))


def test_an_access_error_is_not_a_missing_result():
    with pytest.raises(ClientError, match="AccessDenied"):
        result_of(stacks_with(s3=Answering(refusal("AccessDenied"))), PHOTO)


def test_results_come_in_the_order_of_the_photos_keys():
    """S3 lists `results/a.b/…` before `results/a/…`."""
    stacks = storing(*(replace(PHOTO, key=key) for key in ("a.b", "a", "c")))
    assert [result.raw.key for result in all_results(stacks)] == ["a", "a.b", "c"]


def test_of_two_versions_the_newer_one_counts():
    """For the moment until the older one's result is removed."""
    old, new = replace(PHOTO, version_id="z"), replace(PHOTO, version_id="a")
    stacks = storing(old, new, replace(PHOTO, key="me.jpg/other"))
    assert [result.raw.version_id for result in all_results(stacks)] == ["a", "v1"]
    newest = latest_result(stacks, "me.jpg")
    assert newest is not None
    assert newest.raw.version_id == "a"
    assert latest_result(stacks, "me") is None


def test_wait_for_result_waits_no_longer_than_asked():
    began, waited = time.monotonic(), []
    nothing = stacks_with(s3=Answering(refusal("NoSuchKey")))
    assert wait_for_result(nothing, PHOTO, seconds=0.4, on_wait=waited.append) is None
    assert time.monotonic() - began >= 0.4
    assert max(waited) < 0.4
