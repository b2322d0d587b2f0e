"""Whatever a request says: where an answer can be sent, one is sent, and it says why not."""

import json
import os
import time
from typing import Any

import pytest
from face_collection.handler import handle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import FAMILY, STACK, Context

FACES = f"{FAMILY}.faces"
fuzzed = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=6,
)
PROPERTIES = ANYTHING | st.fixed_dictionaries(
    {},
    optional={
        "CollectionId": ANYTHING | st.just(FACES) | st.sampled_from(["", "x" * 300, "no/slashes", "..", "\ud800"]),
        "Tags": ANYTHING | st.dictionaries(st.text(max_size=5), ANYTHING, max_size=3),
        "ServiceToken": ANYTHING,
    },
)
REQUESTS = st.sampled_from(["Create", "Update", "Delete", "create", "", "Import"]) | ANYTHING


def answers_to(event: dict[str, Any], letterbox: Any) -> list[dict[str, Any]]:
    before = len(letterbox.answers)
    handle(event, Context())
    return letterbox.answers[before:]


@fuzzed
@given(
    changes=st.fixed_dictionaries(
        {},
        optional={
            "RequestType": REQUESTS,
            "ResourceProperties": PROPERTIES,
            "OldResourceProperties": PROPERTIES,
            "PhysicalResourceId": st.text(min_size=1, max_size=20) | st.just(FACES),
            "ResourceType": ANYTHING,
        },
    )
)
def test_whatever_is_asked_gets_exactly_one_answer(changes, cloudformation, letterbox, server):
    event = cloudformation.event("Create") | changes
    (answer,) = answers_to(event, letterbox)
    assert (answer["StackId"], answer["RequestId"]) == (STACK, event["RequestId"])
    assert answer["LogicalResourceId"] == event["LogicalResourceId"]
    assert answer["Status"] in ("SUCCESS", "FAILED")
    assert isinstance(answer["PhysicalResourceId"], str)
    assert 1 <= len(answer["PhysicalResourceId"]) <= 1024
    if answer["Status"] == "FAILED":
        assert len(answer["Reason"]) > 20


@pytest.mark.parametrize("missing", ["RequestType", "StackId", "ResourceProperties"])
def test_a_request_that_lacks_something_is_refused_by_name(missing, cloudformation, letterbox, server):
    event = cloudformation.event("Create")
    del event[missing]
    (answer,) = answers_to(event, letterbox)
    assert answer["Status"] == "FAILED"
    assert missing in answer["Reason"]


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        (None, "CollectionId"),
        ([], "CollectionId"),
        ("text", "CollectionId"),
        ({"CollectionId": 7}, "CollectionId"),
        ({"CollectionId": ["a"]}, "CollectionId"),
        ({"CollectionId": "x" * 300}, "collectionId|CollectionId"),
        ({"CollectionId": FACES, "Tags": "none"}, "str"),
        ({"CollectionId": FACES, "Tags": {"a": 7}}, "Tags|tags"),
    ],
)
def test_properties_that_make_no_collection_are_refused_with_the_reason(
    properties, says, cloudformation, letterbox, server, rekognition
):
    (answer,) = answers_to(cloudformation.event("Create") | {"ResourceProperties": properties}, letterbox)
    assert answer["Status"] == "FAILED"
    assert any(word in answer["Reason"] for word in says.split("|"))
    assert rekognition.list_collections()["CollectionIds"] == []


@pytest.mark.parametrize("missing", ["RequestId", "LogicalResourceId"])
def test_a_request_of_nobody_is_answered_all_the_same(missing, cloudformation, letterbox, server):
    event = cloudformation.event("Create")
    del event[missing]
    (answer,) = answers_to(event, letterbox)
    assert answer[missing] == "unknown"


def test_a_huge_property_does_not_make_a_huge_answer(cloudformation, letterbox, server):
    """CloudFormation takes 4,096 bytes."""
    (answer,) = answers_to(cloudformation.event("y" * 100_000), letterbox)
    assert answer["Status"] == "FAILED"
    assert len(json.dumps(answer)) < 4096


@pytest.mark.parametrize("address", [None, "", "nowhere", "http://", 7])
def test_a_request_that_cannot_be_answered_ends_with_an_error_and_soon(address, cloudformation, server):
    """Lambda then calls again, twice."""
    began = time.monotonic()
    with pytest.raises(Exception, match=r"."):
        handle(cloudformation.event("Create") | {"ResponseURL": address}, Context())
    assert time.monotonic() - began < 30
