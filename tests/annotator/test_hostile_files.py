"""Whatever is uploaded, the function lives, and says what became of it."""

import re

import numpy as np
import pytest
from annotator import memory, opening
from annotator.decoding import decode
from annotator.formats import UnreadablePhoto, sniff

from tests.annotator.heic import heic
from tests.annotator.hostile import AWKWARD_KEYS, Hostile, chunk, files, jpeg, png, tiled_tiff, two_headed_jpeg
from tests.annotator.photos import encoded, quarters
from tests.annotator.playing import play

pytestmark = pytest.mark.slow

MEMORY = 512
"""Megabytes that the function has."""


@pytest.fixture(scope="module")
def light():
    return {each.name: each for each in files() if not each.heavy}


@pytest.fixture(scope="module")
def played(light, tmp_path_factory):
    """What became of every file that is quickly made."""
    results, last_words = play(tmp_path_factory.mktemp("hostile"), list(light.values()), timeout=300)
    assert len(results) == len(light), f"{list(light)[len(results)]} ended the function: {last_words}"
    return {each.name: each for each in results}


def test_there_are_enough_of_them(light):
    assert len(light) >= 300


def test_no_file_fails_the_function(played):
    """A failed message comes back four times and ends in the dead-letter queue."""
    assert [each for each in played.values() if each.failed] == []


def test_every_file_has_one_outcome(played):
    assert {each.status for each in played.values()} == {"annotated", "rejected"}


@pytest.mark.parametrize(("expected", "status"), [("opened", "annotated"), ("rejected", "rejected")])
def test_what_is_a_photo_is_annotated_and_what_is_none_is_rejected(light, played, expected, status):
    wrong = [each for each in played.values() if light[each.name].expected == expected and each.status != status]
    assert wrong == []


def test_every_rejection_is_a_sentence_that_says_what_to_do(played):
    reasons = {each.reason for each in played.values() if each.status == "rejected"}
    assert len(reasons) > 15
    for reason in reasons:
        assert re.fullmatch(r"(This|Rekognition) [^\n:]+: send [^\n:]+\.", reason), reason
        assert not re.search(r"Error|Exception|Traceback|0x|0 x 0|b'|lib[a-z]+|PIL|OpenCV|cv2", reason), reason
        assert len(reason) < 200


def test_no_file_takes_more_memory_than_the_function_has(played):
    """With S3 and the photo's bytes there in the same process, so it is less in the function itself."""
    assert [each for each in played.values() if each.megabytes > MEMORY] == []


@pytest.mark.parametrize("name", ["png-of-25-megapixels-and-exif-data", "png-of-59-megapixels-and-private-data"])
def test_a_large_file_beside_large_pixels_fits_too(name, tmp_path):
    """Pillow keeps a copy of each chunk; the file's size is taken from what its pixels may have."""
    (heavy,) = (each for each in files() if each.name == name)
    (played,), _ = play(tmp_path, [heavy], timeout=60)
    assert played.megabytes <= MEMORY


def test_the_awkward_keys_are_all_that_s3_allows():
    keys = AWKWARD_KEYS.values()
    assert all(1 <= len(key.encode()) <= 1024 for key in keys)
    assert {len(key.encode()) for key in keys} >= {1, 1023, 1024}


@pytest.mark.skipif("sys.platform != 'linux'")
def test_what_earlier_photos_left_decides_nothing(tmp_path):
    """A HEIC of plain samples, which take as much room as a file can, before and after other large photos."""
    samples = np.random.default_rng(1).integers(0, 255, (4736, 6304, 3), np.uint8)
    whole = heic(samples)
    others = ["webp-of-18-megapixels", "progressive-jpeg-of-49-megapixels", "gif-of-42-megapixels"]
    between = [next(each for each in files() if each.name == name) for name in others]
    series = [
        Hostile("first", lambda: whole, key="first.heic"),
        *between,
        Hostile("again", lambda: whole, key="again.heic"),
    ]
    results, last_words = play(tmp_path, series, timeout=120)
    assert [each.status for each in results] == ["annotated"] * len(series), last_words
    # S3's copy of the photo is in the same process.
    assert max(each.megabytes for each in results) <= MEMORY + len(whole) / 2**20


# --- each way in, by itself -------------------------------------------------------------------------------------


def test_a_jpeg_with_more_passes_than_a_photo_has_is_refused():
    """Each pass over 49 megapixels takes 98 bytes to ask for and milliseconds to do."""
    with pytest.raises(UnreadablePhoto):
        decode(jpeg(7000, 7000, scans=5000, progressive=True), "JPEG", 2048)
    assert decode(jpeg(800, 800, scans=20, progressive=True), "JPEG", 2048).shape == (800, 800, 3)


def test_a_jpeg_that_two_readers_read_in_two_ways_is_refused():
    """Its frame of 900 megapixels would have taken five gigabytes."""
    with pytest.raises(UnreadablePhoto):
        decode(two_headed_jpeg(), "JPEG", 2048)


def test_a_tiff_whose_tile_is_larger_than_the_memory_is_refused():
    with pytest.raises(UnreadablePhoto):
        decode(tiled_tiff(30_000, 8 << 20), "TIFF", 2048)


@pytest.mark.skipif("sys.platform != 'linux'")
def test_memory_that_a_codec_may_not_have_is_given_back_afterwards():
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(UnreadablePhoto):
        decode(png(300, 300), "PNG", 2048)
    decode(encoded(quarters(), "PNG"), "PNG", 2048)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_file_that_is_read_bit_by_bit_is_refused(monkeypatch):
    whole = encoded(quarters(), "PNG")
    many_parts = whole[:33] + chunk(b"IDAT", b"") * 1000 + whole[33:]
    assert decode(many_parts, "PNG", 2048).shape == (200, 320, 3)
    monkeypatch.setattr(opening, "MOST_READS", 1000)
    with pytest.raises(UnreadablePhoto):
        decode(many_parts, "PNG", 2048)


@pytest.mark.parametrize(("size", "taken"), [((4000, 80), True), ((80, 4000), True), ((4001, 80), False)])
def test_a_strip_is_no_photo(size, taken):
    """Drawing on one of 80 x 65,000 took a minute and a half."""
    strip = encoded(np.zeros((size[1], size[0], 3), np.uint8), "JPEG")
    if taken:
        assert decode(strip, "JPEG", 2048).shape == (size[1], size[0], 3)
    else:
        with pytest.raises(UnreadablePhoto, match="4001 x 80 pixels, too long and narrow"):
            decode(strip, "JPEG", 2048)


def test_metadata_that_cannot_be_read_turns_nothing():
    whole = encoded(quarters(), "PNG")
    photo = whole[:33] + chunk(b"eXIf", b"XX*\0\x08\0\0\0") + whole[33:]
    assert decode(photo, sniff(photo[:64]), 0).shape == (200, 320, 3)


def test_only_a_large_photo_waits_for_memory_to_be_given_back(monkeypatch):
    """Large photos of several kinds after each other took 900 MB; giving back costs milliseconds, so phones' do not."""
    asked = []
    monkeypatch.setattr(memory, "_keep_memory", asked.append)
    decode(jpeg(4032, 3024), "JPEG", 2048)
    assert not asked
    decode(jpeg(6000, 5000, scans=3, progressive=True), "JPEG", 2048)
    assert asked == [False, True]
