import struct
import tracemalloc
import zlib
from contextlib import suppress
from io import BytesIO

import cv2
import numpy as np
import pytest
from annotator.decoding import SHORTEST_EDGE, decode, encode_jpeg, encode_jpeg_within
from annotator.formats import LARGEST_FILE, UnreadablePhoto, sniff
from PIL import Image

from tests.annotator.heic import heic
from tests.annotator.photos import BLUE, LIME, RED, WHITE, encoded, looks_like, quarters


def opened(data, long_edge=0):
    return decode(bytearray(data), sniff(bytes(data[:64])), long_edge)


def sixteen_bit_png(pixels):
    return cv2.imencode(".png", pixels.astype(np.uint16) * 257)[1].tobytes()


FILES = {
    "JPEG": encoded(quarters(), "JPEG"),
    "progressive JPEG": encoded(quarters(), "JPEG", progressive=True),
    "grey JPEG": encoded(quarters(), "JPEG", mode="L"),
    "CMYK JPEG": encoded(quarters(), "JPEG", mode="CMYK"),
    "PNG": encoded(quarters(), "PNG"),
    "palette PNG": encoded(quarters(), "PNG", mode="P"),
    "16-bit PNG": sixteen_bit_png(quarters()),
    "16-bit PNG with alpha": sixteen_bit_png(np.dstack([quarters(), np.full((200, 320), 255)])),
    "WebP": encoded(quarters(), "WEBP"),
    "lossless WebP": encoded(quarters(), "WEBP", lossless=True),
    "HEIC": heic(quarters()),
    "AVIF": encoded(quarters(), "AVIF"),
    "GIF": encoded(quarters(), "GIF", mode="P"),
    "TIFF": encoded(quarters(), "TIFF"),
    "CMYK TIFF": encoded(quarters(), "TIFF", mode="CMYK"),
    "BMP": encoded(quarters(), "BMP"),
    "rotated JPEG": encoded(quarters(), "JPEG", orientation=6),
    "rotated PNG": encoded(quarters(), "PNG", orientation=6),
    "rotated WebP": encoded(quarters(), "WEBP", orientation=6),
}


@pytest.mark.parametrize("name", FILES)
def test_a_format_is_known_by_its_bytes(name):
    assert sniff(FILES[name][:64]) in name


@pytest.mark.parametrize("name", FILES)
def test_every_format_comes_out_as_the_same_pixels(name):
    pixels = opened(FILES[name])
    assert pixels.shape == (200, 320, 3)
    assert pixels.dtype == np.uint8
    expected = quarters()
    if name.startswith("grey"):
        expected = cv2.cvtColor(cv2.cvtColor(expected, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert looks_like(pixels, expected)


@pytest.mark.parametrize("long_edge", [0, 160], ids=["size kept", "shrunk"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_a_photo_comes_out_upright(format_, orientation, long_edge):
    pixels = opened(encoded(quarters(), format_, orientation=orientation), long_edge)
    assert max(pixels.shape) == (long_edge or 320)
    assert looks_like(pixels, quarters())


@pytest.mark.parametrize("quarter_turns", range(4))
def test_a_heic_comes_out_upright(quarter_turns):
    """HEIC is turned by a property of its container, irot, anticlockwise; its EXIF orientation only repeats that."""
    stored = np.ascontiguousarray(np.rot90(quarters(), -quarter_turns))
    assert looks_like(opened(heic(stored, quarter_turns)), quarters())


def test_a_large_jpeg_comes_out_upright_from_its_reduced_decode():
    assert looks_like(opened(encoded(quarters(3200, 2000), "JPEG", orientation=6), 800), quarters())


def test_sixteen_bits_of_grey_keep_their_scale():
    grey = np.linspace(0, 65535, 200 * 320).reshape(200, 320).astype(np.uint16)
    pixels = opened(cv2.imencode(".png", grey)[1].tobytes())
    assert looks_like(pixels, np.repeat((grey >> 8).astype(np.uint8)[..., None], 3, axis=2))


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "AVIF", "TIFF"])
def test_what_is_transparent_becomes_white(format_):
    opacity = np.full((200, 320), 255, np.uint8)
    opacity[:100] = 0
    opacity[100:, :160] = 128
    rgba = np.dstack([quarters()[..., ::-1], opacity])
    file = BytesIO()
    Image.fromarray(rgba).save(file, format_)
    expected = quarters()
    expected[:100] = WHITE
    expected[100:, :160] = (255, 127, 127)
    assert looks_like(opened(file.getvalue()), expected)


def test_transparency_is_mixed_to_the_nearest_level():
    opacity, level = np.indices((256, 256), np.uint8)
    file = BytesIO()
    Image.fromarray(np.dstack([level, level, level, opacity])).save(file, "PNG")
    exact = (level * (opacity / 255) + 255 - opacity)[..., None]
    assert np.abs(opened(file.getvalue()) - exact).max() <= 0.5


def test_a_transparent_palette_becomes_white():
    image = Image.fromarray(quarters()[..., ::-1].copy()).quantize(4)
    red = image.getpixel((0, 0))
    file = BytesIO()
    image.save(file, "PNG", transparency=red)
    expected = quarters()
    expected[:100, :160] = WHITE
    assert looks_like(opened(file.getvalue()), expected)


@pytest.mark.parametrize(
    ("width", "height", "long_edge", "expected"),
    [
        (640, 400, 0, (640, 400)),
        (640, 400, 320, (320, 200)),
        (400, 640, 320, (200, 320)),
        (640, 400, 2048, (640, 400)),
        (641, 401, 320, (320, 200)),
        (4032, 3024, 2048, (2016, 1512)),  # half of a phone's 12 megapixels is near enough
        (3000, 2000, 2048, (2048, 1365)),
        (3850, 158, 2048, (2048, 84)),  # half would be too low
        (2000, 100, 320, (1600, 80)),  # a panorama keeps what Rekognition needs
    ],
)
def test_the_longer_edge_is_what_was_asked_for(width, height, long_edge, expected):
    pixels = opened(encoded(quarters(width, height), "JPEG"), long_edge)
    assert pixels.shape[1::-1] == expected
    if (width, height) != (4032, 3024):
        assert opened(encoded(quarters(width, height), "PNG"), long_edge).shape[1::-1] == expected


def test_shrinking_in_the_decoder_looks_like_shrinking_after_it():
    noise = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (1200, 1600, 3), np.uint8), (0, 0), 4)
    file = encoded(noise, "JPEG", quality=95)
    assert looks_like(opened(file, 400), cv2.resize(noise, (400, 300), interpolation=cv2.INTER_AREA))


CHECKS = np.repeat((np.indices((400, 640)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ("data", "long_edge"),
    [(encoded(CHECKS, "JPEG", quality=95), 400), (encoded(CHECKS, "PNG"), 320), (heic(CHECKS), 320)],
    ids=["JPEG", "PNG", "HEIC"],
)
def test_what_is_too_fine_for_the_smaller_photo_becomes_its_average(data, long_edge):
    """Rather than a pattern that was never there."""
    pixels = opened(data, long_edge)
    assert pixels.shape[1] == long_edge
    assert np.abs(pixels.astype(int) - 127).max() < 40


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "HEIC"])
def test_more_memory_opens_more(kind):
    """For a computer that has more of it than the function."""
    data = heic(quarters()) if kind == "HEIC" else encoded(quarters(), kind)
    format_ = sniff(data[:64])
    with pytest.raises(UnreadablePhoto, match="more than we can open"):
        decode(data, format_, 0, memory=400_000)
    assert decode(data, format_, 0, memory=2_000_000).shape == (200, 320, 3)


def test_more_memory_opens_a_jpeg_at_more_of_its_size():
    jpeg = encoded(quarters(), "JPEG")
    assert decode(jpeg, "JPEG", 0, memory=200_000 + len(jpeg)).shape == (100, 160, 3)
    assert decode(jpeg, "JPEG", 0, memory=2_000_000).shape == (200, 320, 3)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("part", [0.02, 0.5], ids=["hardly begun", "half"])
def test_a_truncated_file_is_refused_with_a_sentence(name, part):
    data = FILES[name][: max(16, int(len(FILES[name]) * part))]
    with pytest.raises(UnreadablePhoto, match=r"send .*\.$"):
        opened(data)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_never_brings_the_function_down(name):
    noise = np.random.default_rng(7)
    for _ in range(25):
        data = bytearray(FILES[name])
        for at in noise.integers(16, len(data), 8):
            data[at] = noise.integers(256)
        with suppress(UnreadablePhoto):
            assert opened(data).shape[2] == 3


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("size", [(79, 200), (200, 79), (1, 1)])
def test_a_photo_that_rekognition_would_not_take_is_refused_with_its_size(format_, size):
    with pytest.raises(UnreadablePhoto, match=f"{size[0]} x {size[1]} pixels.*at least {SHORTEST_EDGE}.*larger"):
        opened(encoded(np.zeros((size[1], size[0], 3), np.uint8), format_))


def test_the_smallest_photo_that_rekognition_takes_is_taken():
    assert opened(encoded(quarters(80, 80), "JPEG")).shape == (80, 80, 3)


def _png_bomb(width, height, colour_type=2):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


def _jpeg_bomb(width, height, **options):
    data = bytearray(encoded(quarters(), "JPEG", **options))
    at = data.index(b"\xff\xc2" if options else b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _gif_bomb(width, height):
    return b"GIF89a" + struct.pack("<HH", width, height) + encoded(quarters(), "GIF", mode="P")[10:]


def _tiff_bomb(width, height):
    data = encoded(quarters(), "TIFF")
    for tag, size, claimed in ((256, 320, width), (257, 200, height)):
        entry = struct.pack("<HHII", tag, 4, 1, size)
        assert entry in data
        data = data.replace(entry, struct.pack("<HHII", tag, 4, 1, claimed))
    return data


def _heic_bomb():
    return heic(quarters()).replace(struct.pack(">II", 320, 200), struct.pack(">II", 20000, 20000))


@pytest.mark.parametrize(
    "bomb",
    [
        _png_bomb(12000, 12000),
        _png_bomb(6000, 6000, colour_type=6),
        _png_bomb(60000, 60000),
        _jpeg_bomb(65000, 65000),
        _jpeg_bomb(20000, 20000, progressive=True),
        _heic_bomb(),
    ],
    ids=["PNG", "PNG with alpha", "PNG beyond Pillow", "JPEG", "progressive JPEG", "HEIC"],
)
def test_a_bomb_is_refused_before_it_is_decoded(bomb):
    tracemalloc.start()
    try:
        with pytest.raises(UnreadablePhoto, match=r"more than we can open|damaged"):
            opened(bomb, 2048)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("bomb", "more_bytes"),
    [
        (_gif_bomb(8000, 7250), 0),
        (_tiff_bomb(8000, 7250), 0),
        (_png_bomb(8000, 7250), 60_000_000),
        (_jpeg_bomb(8000, 6250, progressive=True), 60_000_000),
    ],
    ids=["GIF", "TIFF", "PNG beside its own bytes", "progressive JPEG beside its own bytes"],
)
def test_more_pixels_than_the_memory_can_hold_are_counted_not_decoded(bomb, more_bytes):
    with pytest.raises(UnreadablePhoto, match=r"has 5[08] megapixels, more than we can open"):
        opened(bomb + bytes(more_bytes), 2048)


def test_a_48_megapixel_jpeg_may_be_of_any_kind():
    plain = np.full((6048, 8064, 3), 200, np.uint8)
    assert opened(encode_jpeg(plain), 2048).shape == (1512, 2016, 3)


def test_keeping_the_size_of_a_photo_that_the_memory_cannot_hold_halves_it():
    plain = np.full((7000, 8000, 3), 200, np.uint8)
    assert opened(encode_jpeg(plain), 0).shape == (3500, 4000, 3)


def test_a_file_that_the_memory_cannot_hold_is_refused_with_its_size():
    with pytest.raises(UnreadablePhoto, match="has 80 MB"):
        decode(bytearray(LARGEST_FILE + 1), "PNG", 2048)


def test_decoding_twice_gives_the_same_jpeg():
    """IndexFaces stores nothing twice only for the very same image, so a second delivery must send the same bytes."""
    for name in FILES:
        assert encode_jpeg(opened(FILES[name], 160)) == encode_jpeg(opened(FILES[name], 160))


def test_a_jpeg_of_ours_is_baseline_and_says_nothing_but_the_picture():
    jpeg = encode_jpeg(quarters())
    assert b"\xff\xc0" in jpeg
    assert b"\xff\xc2" not in jpeg
    assert b"Exif" not in jpeg
    tables = [Image.open(BytesIO(file)).quantization for file in (jpeg, encoded(quarters(), "JPEG", quality=90))]
    assert tables[0] == tables[1]
    assert looks_like(opened(jpeg), quarters())


def test_a_jpeg_within_a_limit_keeps_the_whole_picture():
    noise = np.random.default_rng(1).integers(0, 255, (1000, 1600, 3), np.uint8)
    assert len(encode_jpeg(noise)) > 500_000
    jpeg = encode_jpeg_within(noise, 500_000)
    assert 250_000 < len(jpeg) <= 500_000
    height, width = opened(jpeg).shape[:2]
    assert abs(width / height - 1.6) < 0.01
    assert encode_jpeg_within(quarters(), 500_000) == encode_jpeg(quarters())
    finest = opened(encode_jpeg_within(CHECKS, 20_000))
    assert finest.shape[1] < 500
    assert np.abs(finest.astype(int) - 127).max() < 60


def test_even_a_strip_comes_within_the_limit():
    """Though Rekognition will not take what is left of its shorter edge."""
    noise = np.random.default_rng(1).integers(0, 255, (80, 4000, 3), np.uint8)
    assert len(encode_jpeg_within(noise, 100_000)) <= 100_000


def test_the_quarters_are_where_they_should_be():
    pixels = quarters()
    assert [tuple(pixels[y, x].tolist()) for y, x in ((0, 0), (0, -1), (-1, 0), (-1, -1))] == [RED, LIME, BLUE, WHITE]
