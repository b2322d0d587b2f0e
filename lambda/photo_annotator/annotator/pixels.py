"""Shrinks pixels, turns them upright and puts them on white. Height x width x 3 arrays of uint8, blue first."""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.formats import UnreadablePhoto

Pixels = NDArray[np.uint8]

STRIP = 64
"""Rows that are converted at a time, because a copy of the whole photo might not fit into memory."""

SHORTEST_EDGE = 80
"""Pixels: "The minimum image dimensions is 80 pixels for both height and width" (Rekognition, "Guidelines and quotas").
"""

MOST_ELONGATED = 50
"""The largest ratio of the longer edge to the shorter one. Phones' panoramas have at most 10."""


def shrink(pixels: Pixels, long_edge: int) -> Pixels:
    """The photo with its longer edge at most `long_edge`; the same array if it is small enough already."""
    height, width = pixels.shape[:2]
    size = size_after(width, height, long_edge)
    if size == (width, height):
        return pixels
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """The photo upright; `orientation` is 1 to 8, the EXIF tag Orientation (CIPA DC-008)."""
    if orientation in (5, 6, 7, 8):
        pixels = cv2.transpose(pixels).astype(np.uint8, copy=False)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if flip is None else cv2.flip(pixels, flip).astype(np.uint8, copy=False)


def on_white(pixels: Pixels, convert: Callable[[Pixels], None] | None = None, *, premultiplied: bool = False) -> Pixels:
    """Pixels with opacity, converted to sRGB by `convert` and then blended with white."""
    opaque = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), STRIP):  # 16-bit copies of the whole photo would not fit
        colours = np.ascontiguousarray(pixels[top : top + STRIP, :, :3])
        opacity = pixels[top : top + STRIP, :, 3:].astype(np.uint16)
        if premultiplied:
            colours = np.minimum(colours * np.uint16(255) // np.maximum(opacity, 1), 255).astype(np.uint8)
        if convert:
            convert(colours)
        opaque[top : top + STRIP] = (colours * opacity + 255 * (255 - opacity) + 127) // 255
    return opaque


def size_after(width: int, height: int, long_edge: int) -> tuple[int, int]:
    """Width and height with the longer edge at most `long_edge`, but never too small for Rekognition."""
    scale = edge_after(width, height, long_edge) / max(width, height)
    return round(width * scale), round(height * scale)


def edge_after(width: int, height: int, long_edge: int) -> int:
    """The longer edge, at most `long_edge` unless the shorter one would be too small for Rekognition."""
    longer, shorter = max(width, height), min(width, height)
    if not long_edge:
        return longer
    return min(longer, max(long_edge, math.ceil(SHORTEST_EDGE * longer / shorter)))


def check_edges(width: int, height: int) -> None:
    """Raise UnreadablePhoto for pictures too small for Rekognition or too elongated for a photo."""
    if min(width, height) < SHORTEST_EDGE:
        raise UnreadablePhoto(
            f"This photo is {width} x {height} pixels, and each side must have at least {SHORTEST_EDGE}: "
            "send a larger photo."
        )
    if max(width, height) > MOST_ELONGATED * min(width, height):
        raise UnreadablePhoto(
            f"This photo is {width} x {height} pixels, too long and narrow to look at: send a part of it."
        )
