"""What a photo is called in the bucket: the same photo always the same."""

import unicodedata

import pytest

from workshop.photos.keys import key_for, name_in


def test_a_photo_that_comes_back_from_the_bucket_keeps_its_key():
    key = key_for("selfie.heic", b"photo")
    assert key_for(key, b"photo") == key
    assert key_for(key, b"another photo") != key


@pytest.mark.parametrize("name", ["Zoë.jpg", "자화상.jpg", "Ångström.jpg"])
def test_a_name_from_a_mac_gives_the_key_that_it_gives_elsewhere(name: str):
    """A Mac's older file systems take letters apart: `ë` is an `e` and a mark after it."""
    apart = unicodedata.normalize("NFD", name)
    assert apart != name
    assert key_for(apart, b"photo") == key_for(name, b"photo")


@pytest.mark.parametrize(
    ("key", "name"),
    [(key_for("my selfie.heic", b"photo"), "my-selfie"), ("a/b.jpg", "a/b.jpg"), ("me-12.jpg", "me-12.jpg")],
)
def test_only_a_key_of_ours_is_shown_without_its_end(key: str, name: str):
    assert name_in(key) == name
