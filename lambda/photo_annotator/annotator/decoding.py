"""From a file's bytes to upright pixels in sRGB, and from pixels to a JPEG.

`opening.py` has a decoder for each format, `colour.py` the colours, `memory.py` the limits. Decoding the same bytes
always gives the same pixels: height x width x 3 arrays of uint8, blue first, as OpenCV has them.
"""

import math

import cv2
import numpy as np

from annotator.formats import LARGEST_FILE, Format, file_too_large
from annotator.memory import LARGEST_DECODE
from annotator.opening import opened
from annotator.pixels import SHORTEST_EDGE, Pixels, upright

__all__ = ["LARGEST_DECODE", "SHORTEST_EDGE", "Pixels", "decode", "encode_jpeg", "encode_jpeg_within"]

JPEG_QUALITY = 90


def decode(data: bytes | bytearray, format_: Format, long_edge: int, memory: int = LARGEST_DECODE) -> Pixels:
    """The photo upright, opaque and in sRGB, its longer edge at most `long_edge` pixels; 0 keeps the size.

    Crop and orientation are applied, transparency becomes white; grey, CMYK, wide-gamut, HDR and 16-bit photos become
    8-bit sRGB. A JPEG may come out up to a sixteenth smaller than `long_edge` where its own half, quarter or eighth is
    that close, and a JPEG too large for `memory`, the bytes that file and decode may take together, comes out at such a
    fraction even when its size was to be kept. The shorter edge never shrinks below SHORTEST_EDGE.
    A bytearray is the function's to change, and may be empty afterwards.
    Raises UnreadablePhoto for damaged, too small and too large photos.
    """
    if len(data) > LARGEST_FILE:
        raise file_too_large(len(data))
    return upright(*opened(data, format_, long_edge, memory))


def encode_jpeg(pixels: Pixels) -> bytes:
    """A baseline JPEG without metadata; the same pixels always give the same bytes."""
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return jpeg.tobytes()


def encode_jpeg_within(pixels: Pixels, most_bytes: int) -> bytes:
    """A JPEG of the whole picture in at most `most_bytes`, smaller in pixels where that is needed."""
    jpeg = encode_jpeg(pixels)
    while len(jpeg) > most_bytes:
        # A JPEG's bytes go roughly with its pixels; a little less, so that the next try is nearly always the last.
        scale = 0.95 * math.sqrt(most_bytes / len(jpeg))
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        jpeg = encode_jpeg(pixels)
    return jpeg
