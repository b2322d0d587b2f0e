"""One photo, one key: found by its key, by the name it was sent under, or by what is left of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from annotator.photo import results_folder

from tests.workshop.answering import Answering, account_with, refusal, stacks_with
from workshop.aws.stacks import Stacks
from workshop.photos.raw_bucket import key_of
from workshop.photos.uploads import upload_each
from workshop.terminal.errors import WorkshopError


def storing(raw: dict[str, int] | None = None, processed: dict[str, int] | None = None) -> Stacks:
    """Stacks in whose buckets these keys were stored at these seconds."""
    stored = {"raw": raw or {}, "processed": processed or {}}

    def answer(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        keys = stored[asked["Bucket"]]
        if operation.startswith("list_object"):
            listed = [(key, datetime.fromtimestamp(at, UTC)) for key, at in keys.items()]
            of = "Contents" if operation == "list_objects_v2" else "Versions"
            return {of: [{"Key": k, "LastModified": t} for k, t in listed if k.startswith(asked["Prefix"])]}
        if asked["Key"] not in keys:
            raise refusal("404")
        return {"ETag": '"etag"', "ContentLength": 1, "VersionId": "v1"}

    return stacks_with(s3=Answering(answer))


@pytest.mark.parametrize("key", ["x" * 1020, "é" * 511, f"me~{'0' * 32}"], ids=["long", "wide", "odd"])
def test_a_photo_is_found_by_the_shortened_name_of_its_result(key: str):
    """The photo itself has expired; a key that is too long for `results/…/….json`, or looks shortened, is shortened."""
    assert results_folder(key) != f"results/{key}/"
    assert key_of(storing(processed={results_folder(key) + "v1.json": 1}), key) == key


def test_of_several_photos_sent_under_one_name_the_newest_is_meant():
    sent = {"image-00000001.jpg": 1, "image-00000002.jpg": 3, "image-00000003.jpg": 2, "image-of-me-00000004.jpg": 4}
    assert key_of(storing(raw=sent), "image.jpg") == "image-00000002.jpg"


def test_a_photo_is_as_old_as_its_upload_and_not_as_its_result():
    sent = {"image-00000001.jpg": 1, "image-00000002.jpg": 2}
    results = {"results/image-00000002.jpg/v1.json": 3, "results/image-00000001.jpg/v1.json": 4}
    assert key_of(storing(sent, results), "image.jpg") == "image-00000002.jpg"
    assert key_of(storing({}, results), "image.jpg") == "image-00000001.jpg", "the photos have expired"


def test_one_key_is_not_for_two_photos():
    with pytest.raises(WorkshopError, match="--key is for one photo, and these are several"):
        list(upload_each(account_with(), "raw", ["a.jpg", "b.jpg"], key="me.jpg"))


@pytest.mark.parametrize("key", ["pictures/team.jpg", "results/team.json"])
@pytest.mark.parametrize("name", ["{}", "s3://raw/{}"])
def test_a_photo_may_lie_in_folders_that_are_called_as_ours(key: str, name: str):
    assert key_of(storing(raw={key: 1}), name.format(key)) == key


@pytest.mark.parametrize(
    "name", ["pictures/me.jpg/v1.jpg", "results/me.jpg/v1.json", "s3://processed/pictures/me.jpg/v1.jpg"]
)
def test_a_photo_is_found_by_what_was_made_of_it(name: str):
    assert key_of(storing(raw={"me.jpg": 1}), name) == "me.jpg"


@pytest.mark.parametrize("key", ["../../me.jpg", "a/./me.jpg", ".."])
def test_a_key_that_browsers_would_take_for_another_is_refused(key: str):
    with pytest.raises(WorkshopError, match="a part that is only dots"):
        list(upload_each(account_with(), "raw", ["a.jpg"], key=key))


def test_an_s3_address_also_names_the_bucket():
    """In the raw bucket a photo of that very name, in the other what was made of a photo."""
    both = storing(raw={"x.jpg": 1, "pictures/x.jpg/v1.jpg": 2})
    assert key_of(both, "s3://raw/pictures/x.jpg/v1.jpg") == "pictures/x.jpg/v1.jpg"
    assert key_of(both, "s3://processed/pictures/x.jpg/v1.jpg") == "x.jpg"
    assert key_of(storing(raw={"x.jpg": 1}), "s3://raw/pictures/x.jpg/v1.jpg") is None
