"""Words that chance wrote: messages, keys and result documents."""

import copy
import json
import os
import re
from contextlib import suppress
from types import SimpleNamespace

import pytest
from annotator import handler, logs
from annotator.events import MessageNotUnderstood, photos_in
from annotator.faces import AgeRange, BoundingBox, Emotion, Face, Judgement
from annotator.photo import LONGEST_KEY, Photo
from annotator.result import Picture, RawObject, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.annotator.aws_in_memory import AwsInMemory
from tests.annotator.photos import VERSION, message, record
from tests.annotator.photos import photo as photo_called
from tests.annotator.test_result import contract

fuzzed = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

NUMBERS = st.integers() | st.integers(-(10**30), 10**30) | st.floats() | st.sampled_from([2**63, -1, -0.0, 1e308])
TEXTS = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["\ud800", "%", "%FF", "+", "\0", "aws:s3", "ObjectCreated:"]
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXTS, inside, max_size=4),
    max_leaves=12,
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1024).filter(
    lambda key: len(key.encode()) <= LONGEST_KEY
)
DEEP = "[" * 100_000 + "]" * 100_000


def places(value, path=()):
    """Every place in a document, as the keys that lead there."""
    yield path
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(below, (*path, key))


def replaced(document, path, value):
    if not path:
        return value
    document = copy.deepcopy(document)
    inside = document
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return document


NOTIFICATION = {"Records": [record("me.jpg"), record("you.jpg")]}


@st.composite
def notifications(draw):
    """S3's notification with something else in one or two places of it."""
    document = NOTIFICATION
    for _ in range(draw(st.integers(1, 2))):
        if isinstance(document, dict | list):
            document = replaced(document, draw(st.sampled_from(list(places(document)))), draw(JSON))
    return json.dumps(document)


def check(body):
    try:
        photos = photos_in({"messageId": "1", "body": body})
    except MessageNotUnderstood:
        return
    for photo in photos:
        assert isinstance(photo.bucket, str)
        assert 1 <= len(photo.key.encode()) <= LONGEST_KEY
        assert re.fullmatch(r"[!-~]+", photo.etag)
        assert isinstance(photo.size, int)
        assert photo.size >= 0
        assert re.fullmatch(r"[0-9a-f]{40}", photo.external_image_id)


@fuzzed
@given(notifications())
def test_a_notification_that_is_not_quite_one_has_photos_or_is_not_understood(body):
    check(body)


@fuzzed
@given(JSON.map(json.dumps) | TEXTS | JSON)
@example(DEEP)
@example('{"Records": ' + DEEP + "}")
@example("9" * 5000)
@example('{"Records": [' + "{}," * 99 + "{}]}")
def test_anything_at_all_has_photos_or_is_not_understood(body):
    check(body)


@pytest.mark.parametrize(
    "change",
    [
        {"size": "12"}, {"size": 1.5}, {"size": -1}, {"size": float("inf")}, {"size": True}, {"size": None},
        {"eTag": ""}, {"eTag": '"'}, {"eTag": "a\r\nb"}, {"eTag": 7},
        {"key": ""}, {"key": "\ud800"}, {"key": "x" * 1025}, {"key": 7},
    ],
    ids=str,
)  # fmt: skip
def test_a_photo_that_s3_cannot_have_is_not_understood(change):
    """An empty eTag would have been passed over as an old version of the photo, and the photo with it."""
    strange = record()
    strange["s3"]["object"].update(change)
    with pytest.raises(MessageNotUnderstood):
        photos_in(message(strange))


@pytest.mark.parametrize("bucket", [7, None, [], {}, "", "a/b", "x" * 300, "a\nb"], ids=repr)
def test_a_bucket_that_s3_cannot_have_is_not_understood(bucket):
    strange = record()
    strange["s3"]["bucket"]["name"] = bucket
    with pytest.raises(MessageNotUnderstood):
        photos_in(message(strange))


@pytest.fixture
def handled(monkeypatch):
    """The function's answer to a body; no photo that a message makes up is there."""
    in_memory = AwsInMemory().function()
    monkeypatch.setattr(handler, "_in_this_process", lambda: in_memory)
    logs.log.handlers.clear()
    context = SimpleNamespace(aws_request_id="8f5ad8a1-0d7a-4a3c-9b8e-2f4f5b1c9d11")
    yield lambda body: handler.handle({"Records": [message(body=body, id_="strange"), message(record())]}, context)
    logs.log.handlers.clear()


@settings(fuzzed, max_examples=40)
@given(body=notifications() | JSON.map(json.dumps))
@example(body=DEEP)
def test_a_strange_message_never_takes_the_others_of_its_batch_with_it(handled, body):
    failed = [each["itemIdentifier"] for each in handled(body)["batchItemFailures"]]
    assert failed in ([], ["strange"])


# --- names ----------------------------------------------------------------------------------------------------------


@fuzzed
@given(KEYS, KEYS)
def test_every_photo_has_outputs_of_its_own_in_their_folders(one, other):
    for output, prefix in (("picture_key", "pictures/"), ("result_key", "results/")):
        names = [getattr(photo_called(key), output) for key in (one, other)]
        assert names[0].startswith(prefix)
        assert len(names[0].encode()) <= LONGEST_KEY
        assert (names[0] == names[1]) == (one == other)


@fuzzed
@given(st.text("abé😀/", max_size=20), st.sampled_from(["x", "é", "語", "😀"]), st.integers(990, 1024))
def test_nobody_can_name_a_photo_after_the_shortened_outputs_of_another(beginning, letter, size):
    long = (beginning + letter * 1024).encode()[:size].decode(errors="ignore")
    real = photo_called(long).result_key
    impostor = real.removeprefix("results/").removesuffix(f"/{VERSION}.json")
    assert impostor == long or photo_called(impostor).result_key != real


# --- result documents -----------------------------------------------------------------------------------------------

PERCENT = st.floats(0, 100)
FRACTION = st.floats(-1, 2)
WORD = st.from_regex(r"[A-Z_]{1,12}", fullmatch=True)
FACES = st.builds(
    Face,
    box=st.builds(BoundingBox, FRACTION, FRACTION, FRACTION, FRACTION),
    confidence=PERCENT,
    emotions=st.lists(st.builds(Emotion, WORD, PERCENT), max_size=3).map(tuple),
    face_id=st.none() | st.uuids().map(str),
    unindexed_reasons=st.lists(WORD, max_size=2).map(tuple),
    smile=st.none() | st.builds(Judgement, st.booleans(), PERCENT),
    gender=st.none() | st.builds(Judgement, st.sampled_from(["Female", "Male"]), PERCENT),
    age_range=st.none() | st.builds(AgeRange, st.integers(0, 120), st.integers(0, 120)),
)
PHOTOS = st.builds(
    Photo,
    st.just("raw-photos"),
    KEYS,
    st.from_regex(r"[!-~]{1,64}", fullmatch=True),
    st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    st.integers(0, 10**14),
)


@st.composite
def results(draw):
    """A result of each status, as the function makes them."""
    photo, status = draw(PHOTOS), draw(st.sampled_from(["annotated", "no_face", "rejected"]))
    picture = Picture("processed", photo.picture_key, draw(st.integers(1, 9999)), draw(st.integers(1, 9999)))
    return Result(
        status,
        RawObject(photo.bucket, photo.key, photo.version_id, photo.etag, photo.size),
        "faces-me",
        photo.external_image_id,
        picture=None if status == "rejected" else picture,
        reason=draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1)) if status == "rejected" else None,
        faces=tuple(draw(st.lists(FACES, min_size=1, max_size=3))) if status == "annotated" else (),
    )


@fuzzed
@given(results())
def test_every_result_survives_its_document_and_keeps_the_contract(result):
    document = json.loads(result.to_json().encode())
    contract.validate(document)
    assert Result.from_document(document) == result


@fuzzed
@given(st.data(), results())
def test_a_document_that_is_not_quite_a_result_is_read_or_is_a_value_error(data, result):
    document = json.loads(result.to_json())
    strange = replaced(document, data.draw(st.sampled_from(list(places(document)))), data.draw(JSON))
    with suppress(ValueError):
        assert isinstance(Result.from_document(strange), Result)
