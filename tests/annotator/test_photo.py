import re
from dataclasses import replace

from annotator.photo import LONGEST_KEY, filed_under, picture_key, result_key
from hypothesis import given
from hypothesis import strategies as st

from tests.annotator.photos import photo


def test_outputs_are_named_by_the_photo():
    assert photo("a b/ç.png").picture_key == "pictures/a b/ç.png.jpg"
    assert photo("a b/ç.png").result_key == "results/a b/ç.png.json"


@given(st.text("abé😀/", min_size=1, max_size=1024))
def test_no_output_has_a_longer_key_than_s3_allows(key):
    assert len(picture_key(key).encode()) <= LONGEST_KEY
    assert len(result_key(key).encode()) <= LONGEST_KEY


def test_long_keys_that_begin_alike_get_outputs_of_their_own():
    assert picture_key("x" * 1023 + "a") != picture_key("x" * 1023 + "b")


@given(st.text(min_size=1, max_size=64))
def test_rekognition_accepts_the_name_of_any_photo(key):
    """ExternalImageId is `[a-zA-Z0-9_.\\-:]+`, at most 255 (Rekognition, API reference, IndexFaces)."""
    assert re.fullmatch(r"[a-zA-Z0-9_.\-:]{1,255}", photo(key).external_image_id)


def test_a_photo_keeps_its_name_and_new_bytes_get_a_new_one():
    assert photo().external_image_id == photo().external_image_id
    for other in (photo(key="you.jpg"), photo(etag="0cc175b9"), replace(photo(), bucket="other")):
        assert other.external_image_id != photo().external_image_id


def test_all_versions_of_a_photo_are_filed_under_one_beginning_and_no_other_photo_is():
    """So `forget` finds faces whose photo and result have expired."""
    assert filed_under("ab", "c") != filed_under("a", "bc")
    beginning = filed_under(photo().bucket, photo().key)
    assert replace(photo(), etag="0cc175b9").external_image_id.startswith(beginning)
    assert not photo(key="you.jpg").external_image_id.startswith(beginning)
