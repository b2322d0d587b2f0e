"""Converts a photo's colours to sRGB, so that they look right in every viewer and labels keep their own colours.

A photo's colours are described by an ICC profile, by code points (ITU-T H.273, in HEIC, AVIF and PNG), or by a PNG's
gamma. Each `from_…` function returns a `Convert`, or None if the photo is sRGB already or the description is broken.
Nearly all descriptions are a curve and a matrix, which OpenCV applies. LittleCMS handles other profiles and CMYK.
"""

import functools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.pixels import STRIP, Pixels

if TYPE_CHECKING:
    from PIL import Image, ImageCms

Numbers = NDArray[np.float64]
Light = NDArray[np.float32]

Convert = Callable[[Pixels], None]
"""Converts height x width x 3 pixels, blue first, to sRGB in place."""

_LEVELS = np.arange(256) / 255

_TOLERANCE = 1.5
"""The most levels, of 255, by which a curve may differ from sRGB's and still count as sRGB: profiles round theirs."""


def from_profile(profile: bytes, *, grey: bool = False) -> Convert | None:
    """The conversion for a photo with this ICC profile (ICC.1:2022); `grey` if the photo has no colours.

    None for a profile that is broken or made for another kind of photo.
    """
    try:
        with np.errstate(all="ignore"):
            return _from_profile(profile, grey)
    except (struct.error, LookupError, ValueError, OverflowError, FloatingPointError, ZeroDivisionError):
        return None


def from_code_points(primaries: int, transfer: int) -> Convert | None:
    """The conversion for these primaries (ITU-T H.273, table 2) and transfer (table 3). Unknown numbers mean sRGB's."""
    if transfer in _HDR:
        chromaticities = _PRIMARIES.get(primaries, _PRIMARIES[_BT_2020])
        to_bt_2020 = _from_xyz(_BT_2020) @ _to_xyz(chromaticities)
        return _HdrConverter(_HDR[transfer](_LEVELS), to_bt_2020, is_scene=transfer == _HLG)
    chromaticities, curve = _PRIMARIES.get(primaries, _SRGB), _TRANSFERS.get(transfer, _srgb_light)
    return _converter_unless_srgb(curve(_LEVELS), _to_srgb(chromaticities))


def from_gamma(gamma: int, chromaticities: tuple[int, ...] | None) -> Convert | None:
    """The conversion for a PNG's gAMA and cHRM, both times 100,000. A profile or code points take precedence.

    A gamma within 5 % of 1/2.2 without chromaticities means sRGB: libpng's threshold, which browsers share.
    """
    if not gamma or (not chromaticities and abs(gamma * 2.2 / 100_000 - 1) < 0.05):
        return None
    light = _LEVELS ** (100_000 / gamma)
    if not chromaticities:
        return _converter_unless_srgb(light, np.eye(3))
    try:
        return _converter_unless_srgb(light, _to_srgb(tuple(number / 100_000 for number in chromaticities)))
    except np.linalg.LinAlgError:
        return None


def cmyk_to_rgb(image: "Image.Image", profile: bytes) -> "Image.Image":
    """A CMYK image in sRGB, converted by its profile, or by Pillow's formula if the profile is missing or broken."""
    if profile[16:20] == b"CMYK":
        from PIL import ImageCms

        try:
            transform = _transform(profile, "CMYK")
            return ImageCms.applyTransform(image, transform) or image.convert("RGB")
        except (ImageCms.PyCMSError, ValueError, OSError):
            pass
    return image.convert("RGB")


# --- a curve and a matrix ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Converter:
    """`light` holds the light of each of 256 levels, for red, green and blue separately or together; 1 is white.

    `matrix` converts that red, green and blue light to sRGB's.
    """

    light: Numbers
    matrix: Numbers

    def __call__(self, pixels: Pixels) -> None:
        table = np.broadcast_to(self.light.reshape(256, -1), (256, 3))[:, ::-1].astype(np.float32).reshape(1, 256, 3)
        for top in range(0, len(pixels), STRIP):
            strip = pixels[top : top + STRIP]
            light = self._for_screen(_apply_matrix(cv2.LUT(strip, table).astype(np.float32, copy=False), self.matrix))
            strip[...] = cv2.LUT((np.clip(light, 0, 1) * 65535 + 0.5).astype(np.uint16), _srgb_levels())

    def _for_screen(self, light: Light) -> Light:
        return light


@dataclass(frozen=True, slots=True)
class _HdrConverter(_Converter):
    """The same for high dynamic range: 1 is a sheet of paper, and `matrix` converts to BT.2020's red, green and blue.

    `is_scene` means that `light` is the scene's, as in HLG, rather than the screen's.
    """

    is_scene: bool = False

    def _for_screen(self, light: Light) -> Light:
        if self.is_scene:
            # Recommendation ITU-R BT.2100, table 5, for a screen of 1000 cd/m².
            light = light * (
                (np.maximum(light, 0) @ _BT_2020_LUMINANCE)[..., None] ** np.float32(0.2) * np.float32(PEAK)
            )
        brightest = np.maximum(light.max(axis=2, keepdims=True), np.float32(1e-6))
        light = light * (np.interp(brightest, *_tones()).astype(np.float32) / brightest)
        return _apply_matrix(light, _from_xyz(1) @ _to_xyz(_PRIMARIES[_BT_2020]))


def _apply_matrix(light: Light, matrix: Numbers) -> Light:
    return cv2.transform(light, matrix[::-1, ::-1].astype(np.float32)).astype(np.float32, copy=False)


def _converter_unless_srgb(light: Numbers, to_srgb: Numbers) -> Convert | None:
    if not (np.isfinite(light).all() and np.isfinite(to_srgb).all()):
        return None
    levels = np.clip(_srgb_level(light) * 255, 0, 255)
    curve_differs = np.abs(levels - (_LEVELS * 255).reshape(256, *[1] * (light.ndim - 1))).max() > _TOLERANCE
    return _Converter(light, to_srgb) if curve_differs or np.abs(to_srgb - np.eye(3)).max() > 0.01 else None


def _srgb_light(level: Numbers) -> Numbers:
    """IEC 61966-2-1."""
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def _srgb_level(light: Numbers) -> Numbers:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


@functools.cache
def _srgb_levels() -> Pixels:
    """The level for each of 65,536 steps of light."""
    return np.round(_srgb_level(np.arange(65536) / 65535) * 255).astype(np.uint8)


def _smpte_240_light(level: Numbers) -> Numbers:
    return np.where(level < 0.0913, level / 4, ((level + 0.1115) / 1.1115) ** (1 / 0.45))


# --- high dynamic range -------------------------------------------------------------------------------------------

WHITE = 203
"""cd/m² of a sheet of paper in HDR (Report ITU-R BT.2408)."""

PEAK = 1000 / WHITE
"""The brightest light, as a multiple of WHITE. Brighter light, which PQ allows, is shown like this."""


def _pq_light(level: Numbers) -> Numbers:
    """SMPTE ST 2084, as a multiple of WHITE."""
    root = level ** (32 / 2523)
    return np.asarray(
        (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (8192 / 1305) * 10000 / WHITE
    )


def _hlg_light(level: Numbers) -> Numbers:
    """The scene's light, 1 at most (Recommendation ITU-R BT.2100, table 5)."""
    return np.where(level <= 0.5, level**2 / 3, (np.exp((level - 0.55991073) / 0.17883277) + 0.28466892) / 12)


@functools.cache
def _tones() -> tuple[Numbers, Numbers]:
    """Brightnesses, and how bright they are shown: Chromium's tone mapping of HDR for an ordinary screen.

    Light up to WHITE is shown half as bright, and light from WHITE to PEAK is compressed into the other half
    (SMPTE ST 2094-50, annex C, "reference white tone mapping", for no headroom).
    """
    t = np.linspace(0, 1, 100)
    knee, end, middle = np.array((1, 0.5)), np.array((PEAK, 1)), np.array((1.65, 0.825))
    curve = np.outer((1 - t) ** 2, knee) + np.outer(2 * t * (1 - t), middle) + np.outer(t**2, end)
    bright, shown = np.vstack([(0, 0), curve, (1e6, 1)]).T
    return bright, shown


_BT_2020_LUMINANCE = np.array((0.0593, 0.6780, 0.2627), np.float32)  # of blue, green and red

_BT_2020, _PQ, _HLG = 9, 16, 18
_HDR = {_PQ: _pq_light, _HLG: _hlg_light}

# ITU-T H.273, table 3.
_TRANSFERS: dict[int, Callable[[Numbers], Numbers]] = {
    # Video cameras' curves. Screens and browsers show them with BT.1886's exponent, 2.4.
    **dict.fromkeys((1, 6, 11, 12, 14, 15), lambda level: level**2.4),
    4: lambda level: level**2.2,
    5: lambda level: level**2.8,
    7: _smpte_240_light,
    8: lambda level: level,
    17: lambda level: level**2.6 * 52.37 / 48,
}

_D65, _C = (0.3127, 0.3290), (0.310, 0.316)
_SRGB = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
# ITU-T H.273, table 2: white, red, green and blue, x and y each.
_PRIMARIES = {
    1: _SRGB,
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    **dict.fromkeys((6, 7), (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070)),
    8: (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    _BT_2020: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}

_D50 = np.array((0.9642, 1, 0.8249))  # of ICC's connection space
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))


def _to_xyz(chromaticities: tuple[float, ...]) -> Numbers:
    """The matrix from red, green and blue light to XYZ, with white adapted to D50."""
    x, y = np.array(chromaticities[0::2]), np.array(chromaticities[1::2])
    white, *primaries = np.stack([x / y, np.ones(4), (1 - x - y) / y], axis=1)
    mixed = np.array(primaries).T
    mixed = mixed * np.linalg.solve(mixed, white)
    moved = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    return np.asarray(np.linalg.inv(_BRADFORD) @ moved @ _BRADFORD @ mixed)


@functools.cache
def _from_xyz(primaries: int) -> Numbers:
    """The matrix from XYZ to the light of these primaries."""
    return np.asarray(np.linalg.inv(_to_xyz(_PRIMARIES[primaries])), np.float64)


def _to_srgb(chromaticities: tuple[float, ...]) -> Numbers:
    with np.errstate(all="ignore"):
        return np.asarray(_from_xyz(1) @ _to_xyz(chromaticities))


# --- ICC ------------------------------------------------------------------------------------------------------------


def _from_profile(profile: bytes, grey: bool) -> Convert | None:
    space, connection = profile[16:20], profile[20:24]
    if profile[36:40] != b"acsp" or space not in ((b"GRAY", b"RGB ") if grey else (b"RGB ",)):
        return None
    tags = _tags(profile)
    if b"cicp" in tags:
        return from_code_points(tags[b"cicp"][8], tags[b"cicp"][9])
    if connection == b"XYZ " and space == b"GRAY":
        return _converter_unless_srgb(_curve(tags[b"kTRC"]), np.eye(3))
    if connection == b"XYZ " and space == b"RGB " and b"A2B0" not in tags:
        curves = np.stack([_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")], axis=1)
        colorants = np.stack([_fixed(tags[name], 8, 3) for name in (b"rXYZ", b"gXYZ", b"bXYZ")], axis=1)
        matrix = _from_xyz(1) @ colorants
        # A profile whose white is not white is broken.
        return _converter_unless_srgb(curves, matrix) if np.abs(matrix.sum(axis=1) - 1).max() < 0.1 else None
    return _with_littlecms(profile, "L" if space == b"GRAY" else "RGB")


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * n) for n in range(min(count, 100))]
    return {name: profile[at : at + size] for name, at, size in entries}


def _fixed(tag: bytes, at: int, count: int) -> Numbers:
    return np.asarray(np.array(struct.unpack_from(f">{count}i", tag, at)) / 65536)


def _curve(tag: bytes) -> Numbers:
    """The light of each of 256 levels: a `curv` or `para` tag (ICC.1:2022, 10.6 and 10.18)."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        points = np.frombuffer(tag, ">u2", count, 12)
        if count == 0:
            return _LEVELS
        return (
            _LEVELS ** (points[0] / 256) if count == 1 else np.interp(_LEVELS, np.linspace(0, 1, count), points / 65535)
        )
    if tag[:4] != b"para":
        raise ValueError(f"a curve of type {tag[:4]!r}")
    (kind,) = struct.unpack_from(">H", tag, 8)
    numbers: list[float] = [*_fixed(tag, 12, (1, 3, 4, 5, 7)[kind]), 0, 0, 0, 0, 0, 0]
    g, a, b, c, d, e, f = numbers[:7]
    if kind == 0:
        a, b = 1, 0
    elif kind in (1, 2):  # the curve is flat below -b / a
        c, d, e, f = 0, -b / a, c, c
    return np.where(d <= _LEVELS, np.maximum(a * _LEVELS + b, 0) ** g + e, c * _LEVELS + f)


def _with_littlecms(profile: bytes, mode: str) -> Convert | None:
    from PIL import Image, ImageCms

    try:
        transform = _transform(profile, mode)
    except (ImageCms.PyCMSError, ValueError, OSError):
        return None

    def convert(pixels: Pixels) -> None:
        for top in range(0, len(pixels), STRIP):
            strip = pixels[top : top + STRIP]
            numbers = np.ascontiguousarray(strip[..., 0] if mode == "L" else strip[..., ::-1])
            strip[...] = np.asarray(ImageCms.applyTransform(Image.fromarray(numbers), transform))[..., ::-1]

    return convert


def _transform(profile: bytes, mode: str) -> "ImageCms.ImageCmsTransform":
    import io

    from PIL import ImageCms

    described = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(described, ImageCms.createProfile("sRGB"), mode, "RGB")
