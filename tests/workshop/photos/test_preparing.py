"""A file becomes a photo that may leave: whichever way it was held, it arrives upright."""

import io

import cv2
import numpy as np
import pytest
from annotator.decoding import decode, encode_jpeg
from annotator.formats import BEGINNING, UnreadablePhoto, sniff
from annotator.headers.jpeg import header_of
from PIL import ExifTags, Image, ImageOps

from tests.annotator.hostile import ordinary
from tests.annotator.photos import looks_like
from tests.annotator.profiles import P3
from tests.annotator.test_difficult_photos import IN_P3, JPEGS, SKIN, WITH_PROFILES, shows, with_profile
from tests.workshop.attendee import picture
from workshop.photos.pasting import as_text
from workshop.photos.preparing import prepare, shrunk
from workshop.photos.sources import Source
from workshop.terminal.errors import WorkshopError


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_sent_upright_however_it_was_held(orientation: int):
    """Eight ways there are, four of them mirrored (EXIF 2.32, tag Orientation)."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    file = io.BytesIO()
    Image.open(io.BytesIO(picture(".png"))).save(file, "JPEG", quality=95, exif=exif)
    prepared = prepare(Source("selfie.jpg", file.getvalue()))
    upright = ImageOps.exif_transpose(Image.open(file))
    sent = Image.open(io.BytesIO(prepared.body))
    assert not sent.getexif()
    assert sent.size == upright.size
    assert np.abs(np.asarray(sent, np.int16) - np.asarray(upright, np.int16)).mean() < 3
    assert ("turned upright" in prepared.changes) == (orientation != 1)


@pytest.mark.filterwarnings("error")
def test_a_photo_with_broken_exif_is_sent_without_a_word():
    jpeg = picture()
    exif = b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"
    broken = jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]
    assert prepare(Source("selfie.jpg", broken)).body == jpeg


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_photo_that_only_a_laptop_can_open_whole_is_sent_whole(kind: str):
    """48 megapixels, which a function of 512 MB opens only to make them smaller, or not at all."""
    file = io.BytesIO()
    Image.new("RGB", (8064, 6048), "grey").save(file, kind, compress_level=1, method=0)
    sent = Image.open(io.BytesIO(prepare(Source("selfie", file.getvalue())).body))
    assert sent.size == (8064, 6048)


@pytest.mark.slow
def test_a_jpeg_may_have_more_pixels_than_pillow_opens():
    """An eighth of it is enough to see that it is whole."""
    jpeg = cv2.imencode(".jpg", np.full((12000, 18000), 128, np.uint8))[1].tobytes()
    assert prepare(Source("panorama.jpg", jpeg)).body == jpeg


@pytest.mark.slow
def test_a_jpeg_that_the_function_could_not_hold_is_made_an_ordinary_one():
    """A progressive JPEG is held whole before its first pixel: 6 bytes for each."""
    file = io.BytesIO()
    Image.new("L", (9000, 7000), 128).convert("RGB").save(file, "JPEG", progressive=True)
    prepared = prepare(Source("huge.jpg", file.getvalue()))
    assert prepared.changes == ("converted to an ordinary JPEG",)
    assert decode(prepared.body, "JPEG", 2048).shape[1] >= 2048 * 15 / 16


def with_segments(jpeg: bytes, *segments: bytes, after_the_scan: bytes = b"") -> bytes:
    """The JPEG with these APP1 segments after its beginning, or one before its end."""
    marked = [b"\xff\xe1" + (len(each) + 2).to_bytes(2, "big") + each for each in (*segments, after_the_scan)]
    return jpeg[:2] + b"".join(marked[:-1]) + jpeg[2:-2] + (marked[-1] if after_the_scan else b"") + jpeg[-2:]


def test_of_several_exif_segments_the_first_that_says_something_counts():
    lying = Image.Exif()
    lying[ExifTags.Base.Orientation] = 6
    jpeg = picture()
    assert "turned upright" in prepare(Source("a.jpg", with_segments(jpeg, b"Exif\x00\x00", lying.tobytes()))).changes
    behind = prepare(Source("b.jpg", with_segments(jpeg, after_the_scan=lying.tobytes())))
    assert "turned upright" not in behind.changes, "no decoder reads on after the scan"


# --- colours ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", WITH_PROFILES)
def test_a_photo_is_sent_with_its_colours(format_: str):
    sent = prepare(Source("portrait", with_profile(P3, format_, SKIN))).body
    assert shows(decode(sent, "JPEG", 0), *IN_P3, within=6)
    assert bool(Image.open(io.BytesIO(sent)).info.get("icc_profile")) == (format_ == "JPEG"), "sRGB needs none"


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_photo_that_is_turned_keeps_its_colours(orientation: int):
    """A portrait photo of an iPhone: its profile went as it was turned, so no viewer could show its colours."""
    sent = prepare(Source("portrait.jpg", with_profile(P3, "JPEG", SKIN, orientation=orientation))).body
    assert not Image.open(io.BytesIO(sent)).info.get("icc_profile")
    assert shows(decode(sent, "JPEG", 0), *IN_P3, within=6)


# --- JPEGs with a blemish: what is sent, the function opens too ---------------------------------------------------


@pytest.mark.parametrize("end", [b"", b"\xff", bytes(4096)], ids=["nothing", "half of it", "zeros"])
@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_without_its_end_is_sent_with_one(name: str, end: bytes):
    whole = JPEGS[name]
    prepared = prepare(Source("selfie.jpg", whole[:-2] + end))
    assert prepared.body.endswith(b"\xff\xd9")
    assert looks_like(decode(prepared.body, "JPEG", 0), decode(whole, "JPEG", 0))
    assert ("converted to an ordinary JPEG" in prepared.changes) == (name == "progressive"), (
        "which has no last scan by itself"
    )


@pytest.mark.parametrize("stray", [b"\0", b"hello", b"\xff\0", b"\xff\xe5\0\0"])
def test_a_jpeg_is_sent_without_stray_bytes(stray: bytes):
    jpeg = picture()
    prepared = prepare(Source("selfie.jpg", jpeg[:20] + stray + jpeg[20:]))
    assert (prepared.body, prepared.changes) == (jpeg, ())


def answer(data: bytes) -> str:
    """The function's, without its way out."""
    try:
        decode(data, sniff(data[:BEGINNING]), 2048)
    except UnreadablePhoto as refusal:
        return str(refusal)
    return "opened"


def answer_of_send(data: bytes) -> str:
    try:
        sent = prepare(Source("photo", data)).body
    except WorkshopError as refusal:
        return str(refusal)
    assert answer(sent) == "opened"
    return "opened"


@pytest.mark.parametrize("name", ["jpeg", "progressive"])
def test_send_and_the_function_give_the_same_answer(name: str):
    """Cut anywhere, with a marker in the middle of a scan, with bytes between segments."""
    whole = ordinary()[name]
    chance = np.random.default_rng(1)
    for at in chance.integers(2, len(whole) - 2, 60):
        for data in (whole[:at], whole[:at] + b"\xff\x9f" + whole[at + 2 :], whole[:at] + b"\0" + whole[at:]):
            ours, its = answer_of_send(data), answer(data)
            assert (ours == "opened") == (its == "opened"), f"at {at}: {ours} / {its}"
            assert ours == its or its[1:] in ours


def test_a_photo_to_paste_has_no_more_pixels_than_the_picture():
    large, small = encode_jpeg(np.zeros((1500, 3000, 3), np.uint8)), encode_jpeg(np.zeros((600, 2048, 3), np.uint8))
    header = header_of(shrunk(large, 2048))
    assert header
    assert (header.width, header.height) == (2048, 1024)
    assert shrunk(small, 2048) is small


def test_a_photo_as_text_is_sent_to_decode():
    text = "\n".join(as_text("me.jpg", b"a photo")).encode()
    with pytest.raises(WorkshopError, match=r"not a photo in a format we know") as refused:
        prepare(Source("me.txt", text))
    assert refused.value.hint == "It is a photo as text. Turn it back into one first: emotions decode me.txt"
