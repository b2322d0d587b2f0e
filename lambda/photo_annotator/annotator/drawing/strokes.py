"""Frames, plates and lines that are visible on any photo.

Straight edges are on whole pixels and only round corners are smoothed, so that edges stay sharp.
"""

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.drawing.palette import Colour
from annotator.drawing.rectangles import Rect


def frame(pixels: NDArray[np.uint8], rect: Rect, thickness: int, colour: Colour, halo: Colour, *, dashed: bool) -> None:
    """A rounded frame whose outer edge is `rect`: a stroke of `thickness` pixels between two thin lines of `halo`."""
    edge = halo_of(thickness)
    whole = thickness + 2 * edge
    radius = whole + round(min(rect.width, rect.height) * 0.05)
    dash = 4 * thickness if dashed else 0
    _ring(pixels, rect, radius, whole, halo, dash, longer=edge)
    _ring(pixels, rect.grown(-edge), radius - edge, thickness, colour, dash)


def halo_of(thickness: int) -> int:
    """The width of the thin line on either side of a stroke, in pixels."""
    return max(1, round(thickness * 0.25))


def leader(
    pixels: NDArray[np.uint8],
    start: tuple[int, int],
    end: tuple[int, int],
    thickness: int,
    colour: Colour,
    halo: Colour,
) -> None:
    """The line between a label and its face."""
    for width, shade in ((thickness + 2 * halo_of(thickness), halo), (thickness, colour)):
        cv2.line(pixels, start, end, shade, width, cv2.LINE_AA)


def plate(pixels: NDArray[np.uint8], rect: Rect, fill: Colour, edge: Colour, border: int) -> None:
    """A filled rounded rectangle with a border of `border` pixels inside it."""
    radius = round(min(rect.width, rect.height) * 0.28)
    _ring(pixels, rect, radius, min(rect.width, rect.height), edge)
    if border and fill != edge:
        inner = rect.grown(-border)
        _ring(pixels, inner, radius - border, min(inner.width, inner.height), fill)


def shade(pixels: NDArray[np.uint8], rect: Rect, colour: Colour, opacity: float) -> None:
    """Fill the rectangle with `colour` at this opacity."""
    part = pixels[rect.top : rect.bottom, rect.left : rect.right]
    part[:] = cv2.addWeighted(part, 1 - opacity, np.full_like(part, colour), opacity, 0)


def _ring(
    pixels: NDArray[np.uint8], rect: Rect, radius: int, width: int, colour: Colour, dash: int = 0, longer: int = 0
) -> None:
    """A rounded line of `width` pixels just inside `rect`; a filled rounded rectangle if `width` is large enough.

    With `dash`, only the corners and dashes of that many pixels between them; `longer` extends each dash at both ends.
    """
    left, top, right, bottom = rect
    if rect.width < 1 or rect.height < 1:
        return
    radius = max(0, min(radius, rect.width // 2, rect.height // 2))
    width = max(1, min(width, (rect.width + 1) // 2, (rect.height + 1) // 2))
    for start, end in _dashes(left + radius, right - radius, dash, longer):
        _fill(pixels, start, top, end, top + width, colour)
        _fill(pixels, start, bottom - width, end, bottom, colour)
    for start, end in _dashes(top + radius, bottom - radius, dash, longer):
        _fill(pixels, left, start, left + width, end, colour)
        _fill(pixels, right - width, start, right, end, colour)
    if radius < width:
        # The line is wider than the corner's radius, so also fill the area inside the corners.
        for x, y in ((left, top), (right - width, top), (left, bottom - width), (right - width, bottom - width)):
            _fill(pixels, x, y + (y == top) * radius, x + width, y + width - (y != top) * radius, colour)
            _fill(pixels, x + (x == left) * radius, y, x + width - (x != left) * radius, y + width, colour)
    covered = _quarter(radius, width)
    for x, across in ((left, 1), (right - radius, -1)):
        for y, down in ((top, 1), (bottom - radius, -1)):
            part = pixels[y : y + radius, x : x + radius]
            part[:] = np.round(part + (colour - part.astype(np.float32)) * covered[::down, ::across])


def _fill(pixels: NDArray[np.uint8], left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
    """Colour the pixels from left and top to right and bottom, exclusive."""
    if left < right and top < bottom:
        cv2.rectangle(pixels, (left, top), (right - 1, bottom - 1), colour, cv2.FILLED)


def _dashes(start: int, end: int, dash: int, longer: int) -> Iterator[tuple[int, int]]:
    """The dashes between two corners: equal dashes with equal gaps, and a gap next to each corner.

    `longer` extends every dash at both ends without moving it.
    """
    if not dash:
        yield start, end
        return
    gap = dash * 0.8
    count = max(0, round((end - start - gap) / (dash + gap)))
    pitch = (end - start - count * dash) / (count + 1) + dash
    for number in range(count):
        at = round(start + pitch * (number + 1) - dash)
        yield at - longer, at + dash + longer


@lru_cache(maxsize=256)
def _quarter(radius: int, width: int) -> NDArray[np.float32]:
    """How much of each pixel a line covers in the upper left corner, radius x radius x 1, from 0 to 1."""
    along = radius - np.arange(radius, dtype=np.float32) - 0.5
    far: NDArray[np.float32] = np.hypot(along[:, None], along)
    covered: NDArray[np.float32] = np.clip(radius - far + 0.5, 0, 1)
    if width < radius:
        covered *= np.clip(far - (radius - width) + 0.5, 0, 1)
    return covered[..., None]
