"""Lines and plates that show on any photograph: each has an edge of the opposite lightness."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.drawing.palette import Colour
from annotator.drawing.placement import Rect

_SHIFT = 4
_ONE = 1 << _SHIFT


def frame(
    pixels: NDArray[np.uint8], rect: Rect, thickness: int, colour: Colour, halo: Colour, *, dashed: bool = False
) -> None:
    """A rounded frame whose outer edge is `rect`: a stroke of `thickness` pixels between two thin lines of `halo`."""
    edge = halo_of(thickness)
    inset = edge + thickness / 2
    path = _rounded(rect, inset, radius=min(rect.width, rect.height) * 0.08 + thickness)
    strokes = _dashes(path, thickness) if dashed else [path]
    for width, shade in ((thickness + 2 * edge, halo), (thickness, colour)):
        cv2.polylines(pixels, [_fixed(stroke) for stroke in strokes], not dashed, shade, width, cv2.LINE_AA, _SHIFT)


def halo_of(thickness: int) -> int:
    """How wide the thin line on either side of a stroke is, in pixels."""
    return max(1, round(thickness * 0.22))


def leader(
    pixels: NDArray[np.uint8],
    start: tuple[int, int],
    end: tuple[int, int],
    thickness: int,
    colour: Colour,
    halo: Colour,
) -> None:
    """The line that ties a label to its face."""
    for width, shade in ((thickness + 2 * halo_of(thickness), halo), (thickness, colour)):
        cv2.line(pixels, start, end, shade, width, cv2.LINE_AA)


def plate(pixels: NDArray[np.uint8], rect: Rect, fill: Colour, edge: Colour, border: int) -> None:
    """A filled rounded rectangle with a border of `border` pixels inside it."""
    radius = min(rect.width, rect.height) * 0.28
    cv2.fillPoly(pixels, [_fixed(_rounded(rect, 0, radius))], edge, cv2.LINE_AA, _SHIFT)
    if border and fill != edge:
        cv2.fillPoly(pixels, [_fixed(_rounded(rect, border, radius))], fill, cv2.LINE_AA, _SHIFT)


def shade(pixels: NDArray[np.uint8], rect: Rect, colour: Colour, opacity: float) -> None:
    """Let `colour` cover the rectangle so that `1 - opacity` of the photograph shines through."""
    part = pixels[rect.top : rect.bottom, rect.left : rect.right]
    part[:] = cv2.addWeighted(part, 1 - opacity, np.full_like(part, colour), opacity, 0)


def _rounded(rect: Rect, inset: float, radius: float) -> NDArray[np.float64]:
    """The outline of a rounded rectangle, clockwise from the upper left corner's end; pixel centres are whole."""
    left, top = rect.left + inset - 0.5, rect.top + inset - 0.5
    right, bottom = rect.right - inset - 0.5, rect.bottom - inset - 0.5
    right, bottom = max(left, right), max(top, bottom)
    radius = max(0.0, min(radius - inset, (right - left) / 2, (bottom - top) / 2))
    quarter = np.linspace(0, np.pi / 2, 9)
    arc = np.stack([np.sin(quarter), -np.cos(quarter)], axis=1) * radius
    corners = []
    for x, y in (
        (right - radius, top + radius),
        (right - radius, bottom - radius),
        (left + radius, bottom - radius),
        (left + radius, top + radius),
    ):
        corners.append(arc + np.array([x, y]))
        arc = np.stack([-arc[:, 1], arc[:, 0]], axis=1)
    return np.concatenate(corners)


def _dashes(path: NDArray[np.float64], thickness: int) -> Sequence[NDArray[np.float64]]:
    """The closed path cut into equal dashes with gaps between them."""
    closed = np.concatenate([path, path[:1]])
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    count = max(4, round(along[-1] / (thickness * 7)))
    starts = np.arange(count) * along[-1] / count
    marks = starts[:, None] + np.linspace(0, along[-1] / count * 0.55, 5)
    return list(np.stack([np.interp(marks, along, closed[:, 0]), np.interp(marks, along, closed[:, 1])], axis=2))


def _fixed(path: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.round(path * _ONE).astype(np.int32)
