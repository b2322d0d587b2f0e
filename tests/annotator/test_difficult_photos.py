"""Photos as phones, cameras and apps really write them: what a colour-managed viewer shows is what comes out."""

import io
import struct

import cv2
import numpy as np
import pytest
from annotator.decoding import decode
from annotator.formats import UnreadablePhoto, sniff
from annotator.memory import LARGEST_DECODE, memory_needed
from PIL import Image

from tests.annotator import profiles
from tests.annotator.heic import heic, nclx
from tests.annotator.hostile import chunk, segment, tiff
from tests.annotator.photos import BLUE, LIME, RED, STORED, WHITE, encoded, looks_like, quarters


def opened(data, long_edge=0):
    return decode(bytearray(data), sniff(bytes(data[:64])), long_edge)


def painted(*colours, width=320, height=200):
    """Four quarters in these colours, as hexadecimal red, green and blue; BGR pixels."""
    pixels = np.empty((height, width, 3), np.uint8)
    for number, colour in enumerate(colours):
        rows = slice(0, height // 2) if number < 2 else slice(height // 2, None)
        columns = slice(0, width // 2) if number % 2 == 0 else slice(width // 2, None)
        pixels[rows, columns] = list(bytes.fromhex(colour))[::-1]
    return pixels


def shows(pixels, *colours, within=3):
    """Whether the four quarters have these colours, as the middle of each shows."""
    height, width = pixels.shape[:2]
    seen = [pixels[int(height * y), int(width * x)][::-1].astype(int) for y in (0.25, 0.75) for x in (0.25, 0.75)]
    return all(
        np.abs(one - list(bytes.fromhex(other))).max() <= within for one, other in zip(seen, colours, strict=True)
    )


def into_png(png, *chunks):
    return png[:33] + b"".join(chunks) + png[33:]


def with_profile(profile, format_, pixels, **options):
    """A file of any format that takes a profile."""
    if format_ == "HEIC":
        return heic(pixels, colours=b"prof" + profile)
    finest = {"JPEG": {"subsampling": 0, "quality": 95}, "WEBP": {"lossless": True}, "AVIF": {"quality": 100}}
    return encoded(pixels, format_, icc_profile=profile, **finest.get(format_, {}), **options)


# --- 1. profiles --------------------------------------------------------------------------------------------------

WITH_PROFILES = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "HEIC"]
SKIN = painted("c83c28", "3ca03c", "808080", "e0ac8c")
IN_P3 = ("d92a17", "00a328", "808080", "eaa987")
IN_OLD_MAC = ("d24d35", "4db04d", "929292", "e6ba9e")


@pytest.mark.parametrize("long_edge", [0, 160])
@pytest.mark.parametrize("format_", WITH_PROFILES)
@pytest.mark.parametrize(
    ("profile", "right"), [(profiles.P3, IN_P3), (profiles.OLD_MAC, IN_OLD_MAC)], ids=["P3", "Mac"]
)
def test_a_profile_is_applied(format_, profile, right, long_edge):
    assert shows(opened(with_profile(profile, format_, SKIN), long_edge), *right, within=5)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_a_turned_photo_with_a_profile_is_turned_and_converted(format_, orientation):
    """Every portrait photo of an iPhone."""
    assert shows(opened(with_profile(profiles.P3, format_, SKIN, orientation=orientation)), *IN_P3, within=5)


def test_a_large_photo_with_a_profile_is_converted_at_its_reduced_size():
    large = with_profile(profiles.P3, "JPEG", cv2.resize(SKIN, (4032, 3024), interpolation=cv2.INTER_NEAREST))
    pixels = opened(large, 2048)
    assert pixels.shape == (1512, 2016, 3)
    assert shows(pixels, *IN_P3, within=5)


@pytest.mark.parametrize("format_", WITH_PROFILES)
@pytest.mark.parametrize("profile", [b"junk" * 99, profiles.P3[:200], profiles.PRESS, profiles.GREY_1_8])
def test_a_broken_profile_or_one_for_other_photos_is_ignored(format_, profile):
    assert looks_like(opened(with_profile(profile, format_, quarters())), quarters())


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF"])
def test_a_grey_profile_is_applied_to_a_grey_photo(format_):
    greys = painted("ffffff", "c0c0c0", "808080", "404040")
    pixels = opened(encoded(greys, format_, mode="L", icc_profile=profiles.GREY_1_8))
    assert shows(pixels, "ffffff", "cacaca", "929292", "545454")


@pytest.mark.parametrize("long_edge", [0, 160])
@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_a_cmyk_photo_is_shown_as_its_press_prints_it(format_, long_edge):
    """Paper is white, and cyan, magenta and black are what the profile says, which is here put into sRGB by OpenCV."""
    inks = np.zeros((200, 320, 4), np.uint8)
    inks[:100, 160:, 0] = inks[100:, :160, 1] = inks[100:, 160:, 3] = 255
    file = io.BytesIO()
    Image.fromarray(inks, "CMYK").save(file, format_, icc_profile=profiles.PRESS, quality=95)
    right = [in_srgb(profiles.printed(*ink)) for ink in ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1))]
    assert shows(opened(file.getvalue(), long_edge), "ffffff", *right, within=6)


def in_srgb(lab):
    rgb = cv2.cvtColor(np.array([[lab]], np.float32), cv2.COLOR_Lab2RGB)
    return np.clip(rgb * 255, 0, 255).round().astype(np.uint8).tobytes().hex()


def test_a_large_cmyk_jpeg_is_converted_at_its_reduced_size():
    inks = np.zeros((2000, 3200, 4), np.uint8)
    inks[..., 0] = 255
    file = io.BytesIO()
    Image.fromarray(inks, "CMYK").save(file, "JPEG", icc_profile=profiles.PRESS)
    pixels = opened(file.getvalue(), 800)
    assert pixels.shape == (500, 800, 3)
    assert shows(pixels, *[in_srgb(profiles.printed(1, 0, 0, 0))] * 4, within=6)


def test_a_jpeg_may_have_its_profile_in_pieces():
    """In an order of their own (ICC.1:2022, B.4)."""
    jpeg = encoded(SKIN, "JPEG", subsampling=0, quality=95)
    half = len(profiles.P3) // 2
    pieces = [
        segment(0xE2, b"ICC_PROFILE\0\2\2" + profiles.P3[half:]),
        segment(0xE2, b"ICC_PROFILE\0\1\2" + profiles.P3[:half]),
    ]
    assert shows(opened(jpeg[:2] + b"".join(pieces) + jpeg[2:]), *IN_P3, within=5)


# --- 2. code points, gamma, high dynamic range --------------------------------------------------------------------


def avif_with(code_points, pixels):
    """An AVIF whose `nclx` says other code points than Pillow wrote."""
    avif = encoded(pixels, "AVIF", quality=100, subsampling="4:4:4")
    at = avif.index(b"nclx") + 4
    return avif[:at] + struct.pack(">HH", *code_points) + avif[at + 4 :]


@pytest.mark.parametrize("long_edge", [0, 160])
@pytest.mark.parametrize("format_", ["PNG", "HEIC", "AVIF"])
@pytest.mark.parametrize(
    ("code_points", "right"),
    [
        ((12, 13), IN_P3),
        ((9, 16), ("ff0000", "00e100", "848484", "ff3e25")),
        ((9, 18), ("e60008", "008a18", "636363", "ff7c62")),
        ((1, 13), ("c83c28", "3ca03c", "808080", "e0ac8c")),
    ],
    ids=["P3", "PQ", "HLG", "sRGB"],
)
def test_code_points_are_shown_as_chromium_shows_them(format_, code_points, right, long_edge):
    if format_ == "PNG":
        data = into_png(encoded(SKIN, "PNG"), chunk(b"cICP", bytes([*code_points, 0, 1])))
    else:
        data = heic(SKIN, colours=nclx(*code_points)) if format_ == "HEIC" else avif_with(code_points, SKIN)
    assert shows(opened(data, long_edge), *right, within=3 if format_ == "PNG" else 8)


@pytest.mark.parametrize("transfer", [1, 6, 14, 15])
def test_a_video_cameras_curve_in_a_heic_or_avif_is_srgbs(transfer):
    """As browsers have it. In a PNG it is not."""
    as_it_is = ("c83c28", "3ca03c", "808080", "e0ac8c")
    assert shows(opened(heic(SKIN, colours=nclx(1, transfer))), *as_it_is)
    assert shows(opened(avif_with((1, transfer), SKIN)), *as_it_is)
    darker = into_png(encoded(SKIN, "PNG"), chunk(b"cICP", bytes([1, transfer, 0, 1])))
    assert shows(opened(darker), "c5311c", "319b31", "797979", "dea786")


def gamma_chunk(gamma):
    return chunk(b"gAMA", struct.pack(">I", gamma))


@pytest.mark.parametrize(
    ("gamma", "right"), [(100_000, ("e5856e", "85d085", "bcbcbc", "f1d6c4")), (55_556, IN_OLD_MAC)]
)
def test_a_png_with_a_gamma_is_shown_as_chromium_shows_it(gamma, right):
    assert shows(opened(into_png(encoded(SKIN, "PNG"), gamma_chunk(gamma))), *right)


def test_colours_are_converted_before_they_are_mixed_with_white():
    half = cv2.imencode(".png", np.dstack([SKIN, np.full((200, 320), 128, np.uint8)]))[1].tobytes()
    assert shows(opened(into_png(half, gamma_chunk(100_000))), "f2c2b6", "c2eac2", "dddddd", "f8eae1")


@pytest.mark.parametrize(
    ("chunks", "right"),
    [
        ([gamma_chunk(100_000), chunk(b"sRGB", b"\0")], ("c83c28", "3ca03c", "808080", "e0ac8c")),
        ([gamma_chunk(100_000), chunk(b"cICP", bytes([12, 13, 0, 1]))], IN_P3),
        ([chunk(b"sRGB", b"\0"), chunk(b"cICP", bytes([12, 13, 0, 1]))], IN_P3),
    ],
)
def test_what_a_png_says_more_exactly_counts(chunks, right):
    assert shows(opened(into_png(encoded(SKIN, "PNG"), *chunks)), *right)
    assert shows(opened(into_png(with_profile(profiles.P3, "PNG", SKIN), gamma_chunk(100_000))), *IN_P3)


# --- 3. crops -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mirrored", [None, 0, 1])
@pytest.mark.parametrize("quarter_turns", range(4))
@pytest.mark.parametrize(("corner", "colour"), [((0, 0), RED), ((160, 0), LIME), ((0, 100), BLUE), ((160, 100), WHITE)])
def test_a_heic_is_cropped_before_it_is_turned(quarter_turns, mirrored, corner, colour):
    """libheif 1.23 refuses most crops as too large (strukturag/libheif #1856)."""
    pixels = opened(heic(quarters(), quarter_turns, mirrored=mirrored, crop=(*corner, 160, 100)))
    assert pixels.shape[:2] == ((100, 160) if quarter_turns % 2 == 0 else (160, 100))
    assert looks_like(pixels, np.full((100, 160, 3), colour, np.uint8))


@pytest.mark.parametrize(
    ("width", "height", "wide", "high"), [(1280, 720, 1000, 700), (4032, 3024, 3000, 3000), (320, 200, 300, 180)]
)
def test_a_heic_of_any_size_may_be_cropped(width, height, wide, high):
    crop = ((width - wide) // 2, (height - high) // 2, wide, high)
    pixels = opened(heic(quarters(width, height), crop=crop))
    assert pixels.shape == (high, wide, 3)
    assert looks_like(pixels, quarters())


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def avif_cropped(pixels, left, top, wide, high, **options):
    """Pillow's AVIF with a clean aperture."""
    height, width = pixels.shape[:2]
    avif = bytearray(encoded(pixels, "AVIF", quality=95, **options))
    right, down = 2 * left + wide - width, 2 * top + high - height
    clap = box(b"clap", struct.pack(">IIIIiIiI", wide, 1, high, 1, right, 2, down, 2))
    ipco, ipma = avif.index(b"ipco") - 4, avif.index(b"ipma") - 4
    properties = count_boxes(avif, ipco)
    sizes = {avif.index(kind) - 4: len(clap) + (kind != b"ipco") for kind in (b"meta", b"iprp", b"ipco")}
    sizes[ipma] = 1
    for at, more in sizes.items():
        avif[at : at + 4] = struct.pack(">I", int.from_bytes(avif[at : at + 4], "big") + more)
    (mdat,) = (avif.index(b"mdat") + 4,)
    place = avif.index(struct.pack(">I", mdat), avif.index(b"iloc"))
    avif[place : place + 4] = struct.pack(">I", mdat + len(clap) + 1)
    many = ipma + 8 + 4 + 4 + 2
    avif[many] += 1
    avif.insert(many + avif[many], 0x80 | (properties + 1))
    avif[ipma:ipma] = clap
    return bytes(avif)


def count_boxes(file, at):
    end, at, count = at + int.from_bytes(file[at : at + 4], "big"), at + 8, 0
    while at < end:
        at, count = at + int.from_bytes(file[at : at + 4], "big"), count + 1
    return count


@pytest.mark.parametrize("long_edge", [0, 140])
@pytest.mark.parametrize(("corner", "colour"), [((0, 0), RED), ((160, 0), LIME), ((0, 100), BLUE), ((160, 100), WHITE)])
def test_who_was_cropped_away_from_an_avif_is_not_shown(corner, colour, long_edge):
    pixels = opened(avif_cropped(quarters(), *corner, 160, 100), long_edge)
    assert pixels.shape[1] == (long_edge or 160)
    assert looks_like(pixels, np.full((100, 160, 3), colour, np.uint8))


def test_an_avif_is_cropped_before_it_is_turned():
    pixels = opened(avif_cropped(np.ascontiguousarray(np.rot90(quarters())), 0, 0, 200, 160, exif=orientation(6)))
    assert pixels.shape == (200, 160, 3)
    assert looks_like(pixels, np.repeat(np.array([[[*LIME]], [[*WHITE]]], np.uint8), 100, 0).repeat(160, 1))


def test_a_crop_to_less_than_rekognition_takes_is_refused_with_its_size():
    for data in (heic(quarters(), crop=(0, 0, 60, 100)), avif_cropped(quarters(), 0, 0, 60, 100)):
        with pytest.raises(UnreadablePhoto, match="60 x 100 pixels"):
            opened(data)


def test_a_crop_that_lies_outside_the_picture_is_none():
    assert opened(avif_cropped(quarters(), 200, 100, 160, 100)).shape == (200, 320, 3)


def orientation(value, kind=3):
    """An EXIF block that says nothing else, the value as a SHORT (3), a LONG (4) or a BYTE (1), in little-endian."""
    number = {1: "<BBH", 3: "<HH", 4: "<I"}[kind]
    value = struct.pack(number, *([value] if kind == 4 else [value, 0, 0][: len(number) - 1]))
    return b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHI", 0x112, kind, 1) + value + bytes(4)


# --- 4. JPEGs with a blemish --------------------------------------------------------------------------------------

NOISE = cv2.resize(np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8), (800, 600))
JPEGS = {
    "quarters": encoded(quarters(), "JPEG"),
    "noise": encoded(NOISE, "JPEG", quality=85),
    "turned": encoded(quarters(), "JPEG", orientation=6),
    "progressive": encoded(NOISE, "JPEG", progressive=True),
    "restarts": encoded(NOISE, "JPEG", restart_marker_rows=1),
    "grey": encoded(NOISE, "JPEG", mode="L"),
    "2400 x 1800": encoded(cv2.resize(NOISE, (2400, 1800)), "JPEG"),
}


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("end", [b"", b"\xff", b"\0", bytes(4096), b"\xff\0\0\0"], ids=str)
def test_a_jpeg_that_lacks_nothing_but_its_end_is_opened(name, end):
    whole = JPEGS[name]
    assert np.array_equal(opened(whole[:-2] + end, 2048), opened(whole, 2048))


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("part", [0.5, 0.9, 0.98])
@pytest.mark.parametrize("filling", [0, 5000], ids=["cut off", "zeros in place"])
def test_a_jpeg_that_lacks_rows_is_refused_with_the_reason(name, part, filling):
    """A download that broke off, or of which only a part arrived. A viewer shows the rest grey."""
    whole = JPEGS[name]
    with pytest.raises(UnreadablePhoto, match="ends before the picture does: send the whole file"):
        opened(whole[: int(len(whole) * part)] + bytes(filling), 2048)


@pytest.mark.parametrize(
    "stray", [b"\0", b"hello", bytes(14), b"\xff\0", b"\xff\xff", b"\xff\xe5\0\0", b"\xff\xe5\0\1"], ids=str
)
@pytest.mark.parametrize("name", JPEGS)
def test_stray_bytes_between_segments_are_passed_over(name, stray):
    """As libjpeg does, and so nearly every viewer (python-pillow/Pillow #630)."""
    whole = JPEGS[name]
    for marker in (b"\xff\xdb", b"\xff\xc4", b"\xff\xda"):
        at = whole.index(marker)
        assert np.array_equal(opened(whole[:at] + stray + whole[at:]), opened(whole))


# --- 5. orientation -----------------------------------------------------------------------------------------------

XMP = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    b"<rdf:Description rdf:about='' xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation=\"6\"/>"
    b"</rdf:RDF></x:xmpmeta>"
)
ITXT = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)


def with_xmp(format_, pixels, **options):
    if format_ == "PNG":
        return into_png(encoded(pixels, "PNG", **options), ITXT)
    if format_ == "JPEG":
        jpeg = encoded(pixels, "JPEG", **options)
        return jpeg[:2] + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP) + jpeg[2:]
    return encoded(pixels, format_, **({"tiffinfo": {700: XMP}} if format_ == "TIFF" else {"xmp": XMP}), **options)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_what_xmp_says_of_orientation_turns_nothing(format_):
    """It is left from before an app turned the pixels (lovell/sharp #4585); browsers do not read it."""
    assert looks_like(opened(with_xmp(format_, quarters())), quarters())


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_what_is_said_twice_turns_once(format_):
    """Photoshop and Lightroom write both."""
    turned = np.ascontiguousarray(np.rot90(quarters()))
    if format_ == "TIFF":
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(turned[..., ::-1])).save(file, "TIFF", tiffinfo={274: 6, 700: XMP})
        data = file.getvalue()
    else:
        data = with_xmp(format_, turned, exif=orientation(6)[6:] if format_ == "PNG" else orientation(6))
    assert looks_like(opened(data), quarters())


@pytest.mark.parametrize("kind", [1, 4], ids=["BYTE", "LONG"])
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_an_orientation_of_another_type_than_the_standards_turns_nothing(format_, kind):
    """Neither in Chromium nor in Firefox; Pillow and OpenCV disagree about it."""
    assert looks_like(opened(encoded(quarters(), format_, exif=orientation(6, kind))), quarters())


@pytest.mark.parametrize("value", [0, 9, 255, 65535])
def test_an_orientation_that_is_none_of_the_eight_turns_nothing(value):
    assert looks_like(opened(encoded(quarters(), "JPEG", exif=orientation(value))), quarters())


SIXTEEN_BITS = cv2.imencode(".png", quarters().astype(np.uint16) * 257)[1].tobytes()


def sixteen_bit_grey(turned=1, **options):
    grey = np.repeat(np.repeat(np.array([[65535, 40000], [20000, 3000]], np.uint16), 100, 0), 160, 1)
    stored = np.ascontiguousarray(STORED[turned](grey[..., None])[..., 0])
    file = io.BytesIO()
    Image.fromarray(stored).save(file, **options)
    return file.getvalue()


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_grey_png_of_16_bits_comes_out_upright(turned):
    data = sixteen_bit_grey(format="PNG", turned=turned, exif=orientation(turned)[6:])
    assert shows(opened(data), "ffffff", "9c9c9c", "4e4e4e", "0b0b0b")


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_grey_tiff_of_16_bits_comes_out_upright(turned):
    data = sixteen_bit_grey(format="TIFF", turned=turned, tiffinfo={274: turned})
    assert shows(opened(data), "ffffff", "9c9c9c", "4e4e4e", "0b0b0b")


def test_the_transparent_grey_of_a_png_of_16_bits_becomes_white():
    data = into_png(sixteen_bit_grey(format="PNG"), chunk(b"tRNS", struct.pack(">H", 20000)))
    assert shows(opened(data), "ffffff", "9c9c9c", "ffffff", "0b0b0b")


def test_the_transparent_colour_of_a_png_of_16_bits_becomes_white():
    png = cv2.imencode(".png", quarters().astype(np.uint16) * 257)[1].tobytes()
    assert shows(
        opened(into_png(png, chunk(b"tRNS", struct.pack(">3H", 0, 65535, 0)))), "ff0000", "ffffff", "0000ff", "ffffff"
    )


# --- 6. camera raw ------------------------------------------------------------------------------------------------


def preview(**more):
    """A TIFF of a 160 x 120 preview, with tags named t254 and so on."""
    pixels = bytes(160 * 120 * 3)
    tags = {256: 160, 257: 120, 258: 8, 259: 1, 262: 2, 273: -1, 277: 3, 278: 120, 279: len(pixels)}
    tags |= {int(name[1:]): value for name, value in more.items()}
    return tiff({tag: (4, 1, value) for tag, value in tags.items()}, pixels)


@pytest.mark.parametrize(
    "data",
    [
        preview(t254=1, t330=8, t50706=0x401),
        preview(t50706=0x401),
        preview(t254=1, t330=8),
        preview(t271=8, t330=8),
        b"II*\0\x10\0\0\0CR\2\0" + bytes(200),
        b"IIRO\x08\0\0\0" + bytes(200),
        b"IIU\0\x18\0\0\0" + bytes(200),
        b"FUJIFILMCCD-RAW 0201FF389501X-T3" + bytes(200),
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(200),
    ],
    ids=["DNG", "DNG of one directory", "NEF", "ARW", "CR2", "ORF", "RW2", "RAF", "CR3"],
)
def test_a_cameras_raw_file_is_called_one(data):
    with pytest.raises(UnreadablePhoto, match=r"camera's raw file.*: send a JPEG"):
        opened(data)


def test_a_tiff_with_a_smaller_copy_of_itself_is_no_raw_file():
    assert opened(preview(t330=8)).shape == (120, 160, 3)


# --- 8 and 9. grey of more bits, opacity, canvases ----------------------------------------------------------------


@pytest.mark.parametrize("long_edge", [0, 160])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_a_grey_heic_keeps_its_greys(bits, long_edge):
    grey = np.repeat(np.repeat(np.array([[65535, 40000], [20000, 3000]], np.uint16), 100, 0), 160, 1) >> (16 - bits)
    assert shows(opened(heic(grey, bits=bits), long_edge), "ffffff", "9c9c9c", "4e4e4e", "0b0b0b")


def test_a_grey_heic_of_10_bits_is_a_ramp_and_no_noise():
    ramp = np.repeat(np.linspace(0, 1023, 320).astype(np.uint16)[None], 200, 0)
    expected = np.repeat((ramp >> 2).astype(np.uint8)[..., None], 3, axis=2)
    assert np.abs(opened(heic(ramp, bits=10)) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("premultiplied", [False, True])
@pytest.mark.parametrize("opacity", [0, 128, 255])
def test_what_is_transparent_in_a_heic_becomes_white(opacity, premultiplied):
    """Premultiplied or not, which a reference in the file says (ISO/IEC 23008-12; strukturag/libheif #471)."""
    seen = quarters().astype(int)
    stored = seen * opacity // 255 if premultiplied else seen
    data = heic(stored.astype(np.uint8), opacity=np.full((200, 320), opacity, np.uint8), premultiplied=premultiplied)
    assert looks_like(opened(data), (seen * opacity + 255 * (255 - opacity)) // 255)


def gif(frame, size=(320, 200), background=1, transparent=False):
    """A GIF whose one frame, red, covers `frame` of its canvas; its colours are lime, red, blue and white."""
    image = Image.new("P", (frame[2] - frame[0], frame[3] - frame[1]), 1)
    palette = bytes([0, 255, 0, 255, 0, 0, 0, 0, 255, 255, 255, 255])
    image.putpalette(palette)
    file = io.BytesIO()
    image.save(file, "GIF", optimize=False)
    whole = file.getvalue()
    picture = bytearray(whole[whole.index(b",", 13 + 12) : -1])
    picture[1:5] = struct.pack("<HH", *frame[:2])
    extension = b"!\xf9\4\1\0\0\1\0" if transparent else b""
    return b"GIF89a" + struct.pack("<HHBBB", *size, 0x91, background, 0) + palette + extension + bytes(picture) + b";"


@pytest.mark.parametrize("background", range(4))
@pytest.mark.parametrize("frame", [(80, 50, 240, 150), (0, 0, 160, 200), (100, 0, 320, 200)])
def test_what_a_gifs_frame_leaves_free_is_white(frame, background):
    """Browsers show it as transparent (python-pillow/Pillow #5548)."""
    expected = np.full((200, 320, 3), 255, np.uint8)
    expected[frame[1] : frame[3], frame[0] : frame[2]] = RED
    assert np.array_equal(opened(gif(frame, background=background)), expected)
    assert (opened(gif(frame, background=background, transparent=True)) == 255).all()


# --- 10. sentences ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [b"iCCP", b"tEXt", b"pHYs", b"gAMA", b"eXIf", b"cICP", b"tRNS", b"zzZz"])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_png_chunk_with_a_wrong_checksum_is_left_out(kind, depth):
    """By viewers too (python-pillow/Pillow #4592); unless the picture itself is in it."""
    png = (
        encoded(quarters(), "PNG")
        if depth == 8
        else cv2.imencode(".png", quarters().astype(np.uint16) * 257)[1].tobytes()
    )
    wrong = chunk(kind, b"x\0\0" + bytes(30))[:-1] + b"?"
    assert np.array_equal(opened(into_png(png, wrong)), quarters())
    damaged = bytearray(png)
    damaged[29] ^= 1
    with pytest.raises(UnreadablePhoto, match="damaged"):
        opened(damaged)


@pytest.mark.parametrize("lacking", [1, 4, 8])
def test_a_png_that_lacks_nothing_but_its_end_is_opened(lacking):
    assert np.array_equal(opened(encoded(quarters(), "PNG")[:-lacking]), quarters())


def test_a_profile_with_a_wrong_checksum_is_not_applied():
    data = with_profile(profiles.P3, "PNG", quarters())
    at = data.index(b"iCCP")
    end = at + 4 + int.from_bytes(data[at - 4 : at], "big")
    assert np.array_equal(opened(data[:end] + b"????" + data[end + 4 :]), quarters())


@pytest.mark.parametrize("brands", [b"mif1", b"miafmif1", b"mif1miaf"])
def test_a_heif_that_names_only_general_brands_is_opened(brands):
    """ISO/IEC 23008-12, 10.2. Its coding is HEVC or AV1."""
    assert looks_like(opened(heic(quarters(), brands=brands)), quarters())
    avif = encoded(quarters(), "AVIF")
    size = int.from_bytes(avif[:4], "big")
    file_type = avif[8:size].replace(b"avif", b"mif1")
    assert looks_like(opened(avif[:8] + file_type + avif[size:]), quarters())


@pytest.mark.parametrize("samples", [np.float32, np.int32], ids=["decimal", "32 bits"])
def test_samples_that_no_photo_has_are_refused_in_words(samples):
    file = io.BytesIO()
    Image.fromarray(np.zeros((200, 320), samples)).save(file, "TIFF")
    with pytest.raises(UnreadablePhoto, match="decimal, signed or 32-bit samples: send it with 16 or 8 bits"):
        opened(file.getvalue())


def test_libjpeg_says_nothing_between_our_lines(capfd):
    """A webcam's JPEG that lost a restart marker (opencv/opencv #9477)."""
    whole = encoded(NOISE, "JPEG", restart_marker_blocks=1)
    at = whole.index(b"\xff\xd3", whole.index(b"\xff\xda"))
    assert opened(whole[:at] + whole[at + 2 :]).shape == (600, 800, 3)
    opened(whole[: whole.index(b"\xff\xdb")] + b"stray" + whole[whole.index(b"\xff\xdb") :])
    assert capfd.readouterr() == ("", "")


def test_libtiff_and_pillow_say_nothing_between_our_lines(capfd, caplog):
    lzw = encoded(NOISE, "TIFF", compression="tiff_lzw")
    for damaged in (
        lzw[:1000] + bytes(2000) + lzw[3000:],
        tiff({256: (3, 1, 100), 257: (3, 1, 100), 277: (3, 1, 9999)}),
    ):
        with pytest.raises(UnreadablePhoto, match="damaged"):
            opened(damaged)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


@pytest.mark.parametrize("format_", ["HEIC", "AVIF"])
def test_a_picture_that_is_too_large_is_not_called_damaged(format_):
    """libheif and libavif have limits of their own, and say of what is above them that it cannot be read."""
    data = heic(quarters()) if format_ == "HEIC" else encoded(quarters(), "AVIF")
    with pytest.raises(UnreadablePhoto, match="has 289 megapixels, more than we can open"):
        opened(data.replace(struct.pack(">II", 320, 200), struct.pack(">II", 17_000, 17_000)), 2048)


@pytest.mark.parametrize(
    ("deep", "full", "megapixels"), [(False, False, 62), (True, False, 43), (False, True, 36), (True, True, 24)]
)
def test_a_heic_of_more_bits_or_colours_may_have_fewer_pixels(deep, full, megapixels):
    """Sony, Canon and Fujifilm write 10 bits in 4:2:2, and 24 megapixels of that are too many for the function."""
    with pytest.raises(UnreadablePhoto, match=f"has {megapixels} megapixels, more than we can open"):
        memory_needed(megapixels * 1000, 1000, "HEIC", 2048, LARGEST_DECODE, deep=deep, full=full)
    assert memory_needed(megapixels * 800, 1000, "HEIC", 2048, LARGEST_DECODE, deep=deep, full=full) < LARGEST_DECODE
