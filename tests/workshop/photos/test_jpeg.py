"""What a JPEG says besides the picture, and that the picture itself never changes."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.workshop.attendee import picture
from workshop.photos.jpeg import without_metadata


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def test_a_jpeg_that_says_nothing_comes_out_byte_for_byte():
    assert without_metadata(picture()) == (picture(), False)


@pytest.mark.parametrize(
    "secret",
    [
        segment(0xE1, b"Exif\x00\x00GPS"),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta/>"),
        segment(0xED, b"Photoshop 3.0\x00by-line"),
        segment(0xE2, b"MPF\x00another picture"),
        segment(0xE0, b"JFXX\x00thumbnail"),
        segment(0xFE, b"a comment"),
        segment(0xEB, b"anything"),
    ],
)
def test_every_kind_of_metadata_goes(secret: bytes):
    jpeg = picture()
    assert without_metadata(jpeg[:2] + secret + jpeg[2:]) == (jpeg, True)


def test_what_comes_after_the_picture_goes():
    """Motion photos: a whole video, with a location of its own, after the end of the JPEG."""
    assert without_metadata(picture() + b"\x00\x00\x00\x18ftypmp42") == (picture(), True)


def test_the_colour_profile_stays():
    jpeg = picture()
    profile = segment(0xE2, b"ICC_PROFILE\x00\x01\x01colours")
    assert profile in without_metadata(jpeg[:2] + profile + jpeg[2:])[0]


@pytest.mark.parametrize("mode", ["CMYK", "RGB"])
def test_adobes_word_for_how_to_read_the_colours_stays(mode: str):
    """Without its APP14 segment a CMYK picture is shown in other colours, and so is one in plain RGB."""
    file = io.BytesIO()
    image = Image.open(io.BytesIO(picture(".png"))).convert(mode)
    image.save(file, "JPEG", **({"keep_rgb": True} if mode == "RGB" else {}))
    assert b"\xff\xee\x00\x0eAdobe" in file.getvalue()
    assert without_metadata(file.getvalue()) == (file.getvalue(), False)


@pytest.mark.parametrize("how", [{"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 4}])
def test_progressive_jpegs_and_restart_markers_are_understood(how: dict[str, int]):
    file = io.BytesIO()
    Image.open(io.BytesIO(picture(".png"))).save(file, "JPEG", **how)
    bare, _ = without_metadata(file.getvalue())
    before, after = (cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1) for jpeg in (file.getvalue(), bare))
    assert np.array_equal(before, after)


@pytest.mark.parametrize(
    "stray", [b"\xff\xff", b"\x00", b"hello", b"\xff\x00", b"\xff\xe5\x00\x00", b"\xff\xe5\x00\x01"]
)
def test_stray_bytes_between_segments_go_and_are_not_called_metadata(stray: bytes):
    jpeg = picture()
    assert without_metadata(jpeg[:20] + stray + jpeg[20:])[0] == jpeg


def test_an_end_that_is_missing_stays_missing():
    """Whether rows are missing as well, only a decoder can say."""
    assert without_metadata(picture()[:-2]) == (picture()[:-2], False)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 10, 200])
def test_a_jpeg_of_half_a_header_is_no_reason_to_fail(length: int):
    assert len(without_metadata(picture()[:length])[0]) <= length
