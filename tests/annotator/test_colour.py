"""Colours become sRGB: LittleCMS, by Pillow, says what is right, and Chromium 156, whose answers are written down."""

import io

import numpy as np
import pytest
from annotator.colour import from_code_points, from_gamma, from_profile
from PIL import Image, ImageCms

from tests.annotator import profiles

EVERY_COLOUR = np.stack(np.meshgrid(*[np.arange(0, 256, 15, dtype=np.uint8)] * 3), axis=-1).reshape(18, -1, 3)
GREYS = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)


def shown(convert, rgb):
    """These colours as they come out, red first."""
    pixels = np.ascontiguousarray(np.asarray(rgb, np.uint8).reshape(-1, 1, 3)[..., ::-1])
    if convert:
        convert(pixels)
    return pixels[..., ::-1].reshape(np.shape(rgb))


def by_littlecms(profile, rgb, mode="RGB"):
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), mode, "RGB"
    )
    image = Image.fromarray(rgb[..., 0] if mode == "L" else rgb)
    return np.asarray(ImageCms.applyTransform(image, transform)).astype(int)


def hexadecimal(text):
    return [list(bytes.fromhex(each)) for each in text.split()]


def srgb_light(level):
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


SRGB_POINTS = profiles.curv(*(round(65535 * srgb_light(level)) for level in np.linspace(0, 1, 1024)))


@pytest.mark.parametrize(
    "profile",
    [
        profiles.P3,
        profiles.ADOBE,
        profiles.OLD_MAC,
        profiles.SWAPPED,
        profiles.matrix_profile(profiles.P3_COLORANTS, SRGB_POINTS),
        profiles.matrix_profile(profiles.P3_COLORANTS, profiles.curv()),
        profiles.matrix_profile(profiles.P3_COLORANTS, profiles.para(0, 2.2)),
        profiles.matrix_profile(profiles.P3_COLORANTS, profiles.para(1, 2, 1.1, -0.1)),
        profiles.matrix_profile(profiles.P3_COLORANTS, profiles.para(2, 2, 1.1, -0.1, 0)),
        profiles.matrix_profile(profiles.P3_COLORANTS, profiles.para(4, *profiles.SRGB_CURVE, 0, 0)),
    ],
    ids=[
        "P3",
        "Adobe RGB",
        "old Mac",
        "a table",
        "points",
        "linear",
        "gamma",
        "foot",
        "a foot too",
        "seven numbers",
    ],
)
def test_a_profile_is_applied_as_littlecms_applies_it(profile):
    difference = np.abs(shown(from_profile(profile), EVERY_COLOUR).astype(int) - by_littlecms(profile, EVERY_COLOUR))
    assert difference.max() <= 2
    assert difference.mean() < 0.3


def test_skin_in_display_p3_becomes_the_same_skin_in_srgb():
    assert shown(from_profile(profiles.P3), [[0xE0, 0xAC, 0x8C]]).tolist() == [[0xEA, 0xA9, 0x87]]


@pytest.mark.parametrize("curve", [profiles.para(3, *profiles.SRGB_CURVE), SRGB_POINTS], ids=["formula", "points"])
def test_srgb_is_left_alone(curve):
    assert from_profile(profiles.matrix_profile(profiles.SRGB_COLORANTS, curve)) is None


def test_littlecms_own_srgb_is_left_alone():
    assert from_profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()) is None


def test_a_grey_profile_is_for_grey_photos():
    grey = shown(from_profile(profiles.GREY_1_8, grey=True), GREYS)
    assert np.abs(grey - by_littlecms(profiles.GREY_1_8, GREYS, "L")).max() <= 1
    assert from_profile(profiles.GREY_1_8) is None


@pytest.mark.parametrize("size", [0, 3, 100, 128, 131, 140, 200, 300, 400, 419])
def test_a_profile_that_is_cut_off_says_nothing(size):
    assert size < len(profiles.P3)
    assert from_profile(profiles.P3[:size]) is None


@pytest.mark.parametrize(
    "profile",
    [
        b"junk" * 999,
        profiles.PRESS,
        profiles.table_profile(b"RGB ", 3, lambda *_: (50, 0, 0))[:400],
        profiles.matrix_profile([(0, 0, 0)] * 3, profiles.gamma(2.2)),
        profiles.matrix_profile(profiles.P3_COLORANTS, profiles.para(0, -2)),
        profiles.matrix_profile(profiles.P3_COLORANTS, profiles.para(9, 2)),
        profiles.matrix_profile(profiles.P3_COLORANTS, b"text" + bytes(20)),
    ],
    ids=["junk", "CMYK", "half a table", "black", "negative gamma", "unknown formula", "no curve"],
)
@pytest.mark.filterwarnings("error")
def test_a_profile_that_makes_no_sense_says_nothing(profile):
    assert from_profile(profile) is None


def test_damaged_profiles_never_fail():
    chance = np.random.default_rng(5)
    for profile in (profiles.P3, profiles.ADOBE, profiles.SWAPPED, profiles.GREY_1_8):
        for _ in range(50):
            damaged = bytearray(profile)
            for at in chance.integers(0, min(len(damaged), 700), 6):
                damaged[at] = chance.integers(256)
            for grey in (False, True):
                assert shown(from_profile(bytes(damaged), grey=grey), EVERY_COLOUR).shape == EVERY_COLOUR.shape


# --- code points: what Chromium 156 shows of a PNG with cICP ------------------------------------------------------

COLOURS = hexadecimal("c83c28 3ca03c 808080 e0ac8c 102030 ffffff 000000")


@pytest.mark.parametrize(
    ("primaries", "transfer", "chromium"),
    [
        (12, 13, "d92a17 00a328 808080 eaa987 0a2131 ffffff 000000"),
        (9, 16, "ff0000 00e100 848484 ff3e25 000510 ffffff 000000"),
        (9, 18, "e60008 008a18 636363 ff7c62 000f1a ffffff 000000"),
        (12, 16, "ff0000 00dc00 848484 ff6c2c 000510 ffffff 000000"),
        (9, 14, "f40000 00a304 797979 fc9f7f 001526 ffffff 000000"),
        (1, 1, "c5311c 319b31 797979 dea786 041425 ffffff 000000"),
        (1, 8, "e5856e 85d085 bcbcbc f1d6c4 476378 ffffff 000000"),
        (1, 4, "c93923 39a139 818181 e1ad8d 071a2c ffffff 000000"),
        (5, 5, "c02411 128e27 6a6a6a db9c78 010a18 ffffff 000000"),
        (6, 6, "c0381b 3c9930 797979 dba885 061425 ffffff 000000"),
        (7, 7, "c95239 55a84d 8d8d8d e1b698 233242 ffffff 000000"),
        (11, 17, "d50800 009d06 767676 eca57d 001021 ffffff 000000"),
    ],
)
def test_code_points_are_shown_as_chromium_shows_them(primaries, transfer, chromium):
    difference = np.abs(shown(from_code_points(primaries, transfer), COLOURS).astype(int) - hexadecimal(chromium))
    assert difference.max() <= 2


@pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (2, 2), (2, 13), (0, 0), (255, 255)])
def test_code_points_of_srgb_and_of_nothing_known_are_left_alone(primaries, transfer):
    assert from_code_points(primaries, transfer) is None


def test_a_profile_may_say_code_points():
    """ICC.1:2022, 9.2.17: HDR screenshots have it."""
    profile = profiles.profile(b"RGB ", {b"cicp": b"cicp" + bytes(4) + bytes([9, 16, 0, 1])})
    assert shown(from_profile(profile), COLOURS).tolist() == shown(from_code_points(9, 16), COLOURS).tolist()


# --- a PNG's gamma, likewise --------------------------------------------------------------------------------------

SRGB_CHROMATICITIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
ADOBE_CHROMATICITIES = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)


@pytest.mark.parametrize(
    ("gamma", "chromaticities", "chromium"),
    [
        (100_000, None, "e5856e 85d085 bcbcbc f1d6c4"),
        (55_556, None, "d24d35 4db04d 929292 e6ba9e"),
        (40_000, None, "c32e19 2e982e 757575 dda482"),
        (45_455, SRGB_CHROMATICITIES, "c93923 39a139 818181 e1ae8d"),
        (45_455, ADOBE_CHROMATICITIES, "e73922 00a12e 818181 f1ae8c"),
        (100_000, ADOBE_CHROMATICITIES, "ff856d 4fd081 bcbcbc fad6c3"),
    ],
)
def test_a_gamma_is_shown_as_chromium_shows_it(gamma, chromaticities, chromium):
    difference = np.abs(shown(from_gamma(gamma, chromaticities), COLOURS[:4]).astype(int) - hexadecimal(chromium))
    assert difference.max() <= 2


@pytest.mark.parametrize("gamma", [0, 44_000, 45_455, 47_000])
def test_the_gamma_that_means_srgb_is_left_alone(gamma):
    assert from_gamma(gamma, None) is None


@pytest.mark.parametrize("chromaticities", [(0,) * 8, (31270, 0) * 4, (31270, 32900) * 4])
@pytest.mark.filterwarnings("error")
def test_chromaticities_of_no_colours_say_nothing(chromaticities):
    assert from_gamma(100_000, chromaticities) is None
