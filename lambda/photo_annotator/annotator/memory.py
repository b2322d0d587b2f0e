"""Estimates the memory that a photo needs before it is decoded, and limits the process's memory while it is."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotator.formats import Format, UnreadablePhoto
from annotator.pixels import size_after

LARGEST_DECODE = 340_000_000
"""Bytes of memory for a file and its decoding: what a function of 512 MB has left by its libraries and
MEMORY_BESIDE."""

# Bytes of memory per pixel of the file while it is decoded and shrunk to 2048, measured at 12 and 48 megapixels and
# rounded up. libwebp keeps two canvases, libavif a frame of its own.
MEMORY_PER_PIXEL = {"PNG": 5, "WebP": 16.5, "HEIC": 5.5, "AVIF": 11, "GIF": 7, "TIFF": 8, "BMP": 5.5}
MEMORY_PER_TRANSPARENT_PIXEL = 5
# The same for pictures with more than 8 bits (first) or with more colour samples than 4:2:0 (second). Rotated pictures
# need most, so they were measured.
MEMORY_PER_DEEPER_PIXEL = {
    ("HEIC", True, False): 8,
    ("HEIC", False, True): 9.5,
    ("HEIC", True, True): 16,
    ("AVIF", True, True): 14,
}
# Bytes per pixel of the decoded JPEG, at whatever fraction of its size.
MEMORY_PER_DECODED_PIXEL = 6.3
# For a JPEG of several scans, libjpeg also keeps two bytes for each of up to three coefficients per pixel.
MEMORY_PER_BUFFERED_PIXEL = 6

MEMORY_BESIDE = 64_000_000
"""Bytes that decoding may take besides the pixels: for metadata, the codec, and the threads that call AWS."""


@contextmanager
def limited_memory(memory: float, room: float) -> Iterator[None]:
    """Limit the growth of the process in this block to `memory` bytes, but at most `room`, plus MEMORY_BESIDE.

    For files whose header claims too small a size: decoding them ends with a MemoryError or the codec's own error.
    Works only on Linux, where the function runs: there the limit includes the codecs' own allocations (setrlimit(2),
    RLIMIT_DATA, since Linux 4.7).
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    large = memory > MEMORY_BESIDE
    if large:
        _keep_memory(False)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    most = int(pages * resource.getpagesize() + min(memory, room)) + MEMORY_BESIDE
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    try:
        yield
    finally:
        # Not to the previous limit: two decoders at a time would restore each other's.
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
        if large:
            _keep_memory(True)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_GIVEN_BACK = 1_000_000
"""While a large photo is decoded, freed blocks of at least this many bytes return to the system immediately."""


def _keep_memory(keep: bool) -> None:
    """Set whether freed memory stays with the process, as the image's environment configures it (glibc, mallopt(3)).

    Reusing memory is faster than getting it from the system. But decoders of large photos grow their buffers step by
    step, and the fragments that earlier photos left could exceed the limit together with the next photo.
    """
    import ctypes

    library = ctypes.CDLL(None)
    if not hasattr(library, "malloc_trim"):  # only glibc has it
        return
    for parameter, name in (
        (_M_TRIM_THRESHOLD, "MALLOC_TRIM_THRESHOLD_"),
        (_M_MMAP_THRESHOLD, "MALLOC_MMAP_THRESHOLD_"),
    ):
        if configured := os.environ.get(name):
            # mallopt takes a C int. A larger threshold means "never".
            library.mallopt(parameter, _GIVEN_BACK if not keep else min(int(configured), 2**31 - 1))
    if not keep:
        library.malloc_trim(0)


def memory_needed(
    width: int,
    height: int,
    format_: Format,
    long_edge: int,
    room: float,
    *,
    transparent: bool = False,
    deep: bool = False,
    full: bool = False,
) -> float:
    """Bytes that decoding needs. Raises UnreadablePhoto above `room`: a tiny file may claim to have billions of pixels.

    `deep`: more than 8 bits per sample. `full`: more colour samples than one for four pixels (4:2:0).
    """
    shrunk_width, shrunk_height = size_after(width, height, long_edge)
    per_pixel = MEMORY_PER_DEEPER_PIXEL.get((format_, deep, full), MEMORY_PER_PIXEL[format_])
    per_pixel += MEMORY_PER_TRANSPARENT_PIXEL if transparent else 0
    needed = width * height * per_pixel + shrunk_width * shrunk_height * 3
    if needed > room:
        raise too_many_pixels(width * height)
    return needed


def too_many_pixels(pixel_count: int | None = None) -> UnreadablePhoto:
    """The refusal of a photo with too many pixels."""
    size = f"{pixel_count / 1e6:.0f} megapixels" if pixel_count else "far more pixels"
    return UnreadablePhoto(f"This photo has {size}, more than we can open: send it smaller, or as an ordinary JPEG.")
