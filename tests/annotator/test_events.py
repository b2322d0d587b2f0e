import json
from urllib.parse import quote_plus

import pytest
from annotator.events import MessageNotUnderstood, photos_in
from annotator.photo import Photo
from hypothesis import given
from hypothesis import strategies as st

from tests.annotator.photos import ETAG, VERSION, message, record


def test_a_photo_has_the_values_of_its_record():
    (photo,) = photos_in(message(record("me.jpg", size=4321)))
    assert photo == Photo("raw-photos", "me.jpg", VERSION, ETAG, 4321)


@pytest.mark.parametrize(
    ("announced", "key"),
    [
        ("my+selfie.jpg", "my selfie.jpg"),
        ("my%20selfie.jpg", "my selfie.jpg"),
        ("1%2B1.jpg", "1+1.jpg"),
        ("100%25.jpg", "100%.jpg"),
        ("Caf%C3%A9/Z%C3%BCrich+%F0%9F%98%80.jpg", "Café/Zürich 😀.jpg"),
        ("a%2Fb.jpg", "a/b.jpg"),
        ("line%0Abreak.jpg", "line\nbreak.jpg"),
    ],
)
def test_a_key_is_decoded(announced, key):
    """S3 encodes `my selfie.jpg` as `my+selfie.jpg`."""
    (photo,) = photos_in(message(record(announced)))
    assert photo.key == key


@given(st.text(min_size=1, max_size=200).filter(lambda key: not key.endswith("/")))
def test_any_key_survives_the_event(key):
    (photo,) = photos_in(message(record(quote_plus(key))))
    assert photo.key == key


def test_photos_keep_their_order_without_duplicates():
    photos = photos_in(message(record("b.jpg"), record("a.jpg"), record("b.jpg")))
    assert [photo.key for photo in photos] == ["b.jpg", "a.jpg"]


def test_two_versions_of_a_photo_are_two_photos():
    photos = photos_in(message(record("a.jpg"), record("a.jpg", versionId="another")))
    assert len({photo.external_image_id for photo in photos}) == 2


def test_quotes_around_an_etag_are_removed():
    (photo,) = photos_in(message(record(eTag='"0cc175b9c0f1b6a831c399e269772661-2"')))
    assert photo.etag == "0cc175b9c0f1b6a831c399e269772661-2"


@pytest.mark.parametrize("event", ["Put", "Post", "Copy", "CompleteMultipartUpload"])
def test_every_kind_of_upload_counts(event):
    assert photos_in(message(record(event=f"ObjectCreated:{event}")))


@pytest.mark.parametrize(
    "nothing",
    [
        message(body=json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "raw-photos"})),
        message(record("holiday/", size=0)),
        message(record(event="ObjectRemoved:Delete")),
        message(),
    ],
    ids=["test event", "folder marker", "deletion", "no records"],
)
def test_events_without_an_uploaded_photo_are_ignored(nothing):
    assert photos_in(nothing) == ()


def test_an_empty_file_counts_as_a_photo():
    assert photos_in(message(record("empty.jpg", size=0)))


def test_a_non_empty_object_with_a_folder_key_counts_as_a_photo():
    assert photos_in(message(record("holiday/", size=12)))


def _without(key):
    incomplete = record()
    del incomplete["s3"]["object"][key]
    return message(incomplete)


@pytest.mark.parametrize(
    ("strange", "says"),
    [
        (message(body="hello"), "not JSON"),
        (message(body="[]"), "list"),
        (message(body="{}"), "no list of Records"),
        (message(body='{"Records": {}}'), "no list of Records"),
        (message(body='{"Records": [7]}'), "unexpected structure"),
        (message({**record(), "eventSource": "aws:sns"}), "aws:sns"),
        (message(record("%FF.jpg")), "unexpected structure"),
        (_without("key"), "key"),
        (_without("eTag"), "eTag"),
        (_without("versionId"), "has no version, so its bucket is not versioned: deploy the Foundation stack again"),
        (message(record(versionId=None)), "has no version"),
        (message(record(versionId="null")), "has no version"),
        (message(record(versionId="")), "impossible values"),
        (message(record(versionId="v" * 65)), "impossible values"),
        (message(record(versionId="a\nb")), "impossible values"),
        (message(record(versionId=7)), "impossible values"),
        ({"messageId": "1"}, "not JSON"),
    ],
)
def test_an_invalid_message_is_rejected_with_a_reason(strange, says):
    with pytest.raises(MessageNotUnderstood, match=says):
        photos_in(strange)
