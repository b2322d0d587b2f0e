"""Reading the results: which there are, in which order, and what is not taken for one."""

import io
import time
from typing import Any

import pytest
from annotator.photo import result_key
from annotator.result import RawObject, Result
from botocore.exceptions import ClientError

from tests.workshop.answering import Answering, refusal, stacks_with
from workshop.results import all_results, result_of, wait_for_result


def test_a_result_that_may_not_be_read_is_not_taken_for_none():
    with pytest.raises(ClientError, match="AccessDenied"):
        result_of(stacks_with(s3=Answering(refusal("AccessDenied"))), "me.jpg")


def test_results_come_in_the_order_of_the_photos_keys():
    """S3 lists `results/a.b.json` before `results/a.json`."""
    documents = {
        result_key(key): Result("no_face", RawObject("raw", key, "etag", 1), "faces", "id").to_json().encode()
        for key in ("a.b", "a", "c")
    }

    def answer(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "get_object":
            return {"Body": io.BytesIO(documents[asked["Key"]])}
        return {"Contents": [{"Key": key} for key in sorted(documents)]}

    assert [result.raw.key for result in all_results(stacks_with(s3=Answering(answer)))] == ["a", "a.b", "c"]


def test_a_result_is_waited_for_as_long_as_was_said_and_no_longer():
    began, told = time.monotonic(), []
    nothing = stacks_with(s3=Answering(refusal("NoSuchKey")))
    assert wait_for_result(nothing, "me.jpg", "etag", seconds=0.4, on_wait=told.append) is None
    assert time.monotonic() - began >= 0.4
    assert max(told) < 0.4
