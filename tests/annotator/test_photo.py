import re
from dataclasses import replace

from annotator.photo import LONGEST_KEY, LONGEST_VERSION, filed_under, results_folder, version_of
from hypothesis import given
from hypothesis import strategies as st

from tests.annotator.photos import photo


def test_output_keys_contain_the_photo_and_its_version():
    assert photo("a b/ç.png", "v.1").picture_key == "pictures/a b/ç.png/v.1.jpg"
    assert photo("a b/ç.png", "v.1").result_key == "results/a b/ç.png/v.1.json"
    assert results_folder("a b/ç.png") == "results/a b/ç.png/"


@given(st.text("abé😀/", min_size=1, max_size=1024))
def test_output_keys_stay_within_the_limit_of_s3(key):
    longest = photo(key, "/" * LONGEST_VERSION)
    assert len(longest.picture_key.encode()) <= LONGEST_KEY
    assert len(longest.result_key.encode()) <= LONGEST_KEY
    assert longest.result_key.startswith(results_folder(key))


def test_long_keys_with_a_common_prefix_have_separate_outputs():
    one, two = photo("x" * 1023 + "a"), photo("x" * 1023 + "b")
    assert one.picture_key != two.picture_key
    shortened = one.result_key.split("/")[1]
    assert photo(shortened).result_key != one.result_key


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=LONGEST_VERSION))
def test_a_version_is_read_back_from_its_result_key(version_id):
    """Version IDs are opaque (S3 user guide, "Retaining multiple versions of objects")."""
    key = photo("a.json/b", version_id).result_key
    assert version_of(key) == version_id
    assert key.removeprefix(results_folder("a.json/b")).count("/") == 0


@given(st.text(min_size=1, max_size=64))
def test_every_external_image_id_is_valid(key):
    """ExternalImageId is `[a-zA-Z0-9_.\\-:]+`, at most 255 (Rekognition, API reference, IndexFaces)."""
    assert re.fullmatch(r"[a-zA-Z0-9_.\-:]{1,255}", photo(key).external_image_id)


def test_every_version_has_its_own_stable_external_image_id():
    assert photo().external_image_id == photo().external_image_id
    for other in (photo(key="you.jpg"), photo(version_id="0cc175b9"), replace(photo(), bucket="other")):
        assert other.external_image_id != photo().external_image_id


def test_only_versions_of_the_same_photo_share_an_id_prefix():
    """So `forget` finds faces whose photo and result have expired."""
    assert filed_under("ab", "c") != filed_under("a", "bc")
    prefix = filed_under(photo().bucket, photo().key)
    assert photo(version_id="0cc175b9").external_image_id.startswith(prefix)
    assert not photo(key="you.jpg").external_image_id.startswith(prefix)
