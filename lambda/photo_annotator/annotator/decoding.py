"""Decodes a file to upright pixels in sRGB, and encodes pixels as a JPEG.

`opening.py` decodes each format, `colour.py` converts colours, `memory.py` limits the memory. The same bytes always
give the same pixels: height x width x 3 arrays of uint8, blue first, as in OpenCV.
"""

import math

import cv2
import numpy as np

from annotator.formats import LARGEST_FILE, Format, file_too_large
from annotator.memory import LARGEST_DECODE
from annotator.opening import open_photo
from annotator.pixels import SHORTEST_EDGE, Pixels, upright

__all__ = ["LARGEST_DECODE", "SHORTEST_EDGE", "Pixels", "decode", "encode_jpeg", "encode_jpeg_within"]

JPEG_QUALITY = 90


def decode(data: bytes | bytearray, format_: Format, long_edge: int, memory: int = LARGEST_DECODE) -> Pixels:
    """The photo upright, opaque and in sRGB, its longer edge at most `long_edge` pixels; 0 keeps the size.

    Crop and orientation are applied, transparency becomes white; grey, CMYK, wide-gamut, HDR and 16-bit photos become
    8-bit sRGB. A JPEG is decoded at a half, a quarter or an eighth of its size if that is at most a sixteenth smaller
    than `long_edge`, or if a larger fraction would need more than `memory`, the bytes for the file and its decoding
    together. The shorter edge never shrinks below SHORTEST_EDGE. A bytearray may be changed and emptied.
    Raises UnreadablePhoto for damaged, too small and too large photos.
    """
    if len(data) > LARGEST_FILE:
        raise file_too_large(len(data))
    return upright(*open_photo(data, format_, long_edge, memory))


def encode_jpeg(pixels: Pixels) -> bytes:
    """A baseline JPEG without metadata; the same pixels always give the same bytes."""
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return jpeg.tobytes()


def encode_jpeg_within(pixels: Pixels, most_bytes: int) -> bytes:
    """A JPEG of at most `most_bytes`, with fewer pixels if necessary."""
    jpeg = encode_jpeg(pixels)
    while len(jpeg) > most_bytes:
        # A JPEG's size is roughly proportional to its pixels; 0.95 makes a third try unlikely.
        scale = 0.95 * math.sqrt(most_bytes / len(jpeg))
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        jpeg = encode_jpeg(pixels)
    return jpeg
