"""How much memory a photo may take: estimated before it is decoded, and held to while it is."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotator.formats import Format, UnreadablePhoto
from annotator.pixels import size_after

LARGEST_DECODE = 340_000_000
"""Bytes of memory that a file and its decode may take: what a function of 512 MB has beside its libraries and
MEMORY_BESIDE."""

# Bytes of memory per pixel of the file while it is decoded and shrunk to 2048: measured at 12 and 48 megapixels,
# rounded up. libwebp keeps two canvases, libavif a frame of its own.
MEMORY_PER_PIXEL = {"PNG": 5, "WebP": 16.5, "HEIC": 5.5, "AVIF": 11, "GIF": 7, "TIFF": 8, "BMP": 5.5}
MEMORY_PER_TRANSPARENT_PIXEL = 5
# The same for pictures of more than 8 bits (first) or with colours at full width, 4:2:2 and 4:4:4 (second); turned ones
# are the dearest.
MEMORY_PER_DEEPER_PIXEL = {
    ("HEIC", True, False): 8,
    ("HEIC", False, True): 9.5,
    ("HEIC", True, True): 16,
    ("AVIF", True, True): 14,
}
# The same per pixel that a JPEG is decoded to, whatever fraction of its size that is.
MEMORY_PER_DECODED_PIXEL = 6.3
# A progressive JPEG is held whole besides, as two bytes for each of up to three coefficients a pixel.
MEMORY_PER_PIXEL_HELD_BACK = 6

MEMORY_BESIDE = 64_000_000
"""Bytes that a decode may take beside what its pixels need: its metadata, the codec itself, and the other thread's."""


@contextmanager
def no_more_than(memory: float, room: float) -> Iterator[None]:
    """Let the process grow by `memory` bytes, or by all the `room` there is, and MEMORY_BESIDE in the block.

    For headers that lie: what they claim was checked, what comes instead is a MemoryError, or damage to the codec.
    Only Linux, where the function runs, can do it: there a codec's own allocations count too (setrlimit(2),
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
        # Not to what it was: two decodes at a time would leave each other's limit behind.
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
        if large:
            _keep_memory(True)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_GIVEN_BACK = 1_000_000
"""Bytes from which on memory is given back as soon as it is freed, while a large photo is decoded."""


def _keep_memory(keep: bool) -> None:
    """Whether memory that is freed stays with the process, as the image's environment tells it to (glibc's mallopt(3)).

    Kept memory is quicker than new. But a decoder of a large photo lets its buffers grow and leaves more of them behind
    than it uses, and what earlier photos left in different places can be too much for the next one.
    """
    import ctypes

    library = ctypes.CDLL(None)
    if not hasattr(library, "malloc_trim"):  # other C libraries keep nothing
        return
    for parameter, name in (
        (_M_TRIM_THRESHOLD, "MALLOC_TRIM_THRESHOLD_"),
        (_M_MMAP_THRESHOLD, "MALLOC_MMAP_THRESHOLD_"),
    ):
        if configured := os.environ.get(name):
            # Its parameters are C's int: more than that is "never", which -1 means to it.
            library.mallopt(parameter, _GIVEN_BACK if not keep else min(int(configured), 2**31 - 1))
    if not keep:
        library.malloc_trim(0)


def needed_for(
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
    """Bytes that the decode takes; refuses more than `room`, since a few bytes may claim to be billions of pixels.

    `deep` is of more than 8 bits for each colour, `full` of more samples for colours than one for four pixels.
    """
    shrunk_width, shrunk_height = size_after(width, height, long_edge)
    per_pixel = MEMORY_PER_DEEPER_PIXEL.get((format_, deep, full), MEMORY_PER_PIXEL[format_])
    per_pixel += MEMORY_PER_TRANSPARENT_PIXEL if transparent else 0
    needed = width * height * per_pixel + shrunk_width * shrunk_height * 3
    if needed > room:
        raise too_many_pixels(width * height)
    return needed


def too_many_pixels(pixel_count: int | None = None) -> UnreadablePhoto:
    """The refusal of a photo of so many pixels."""
    size = f"{pixel_count / 1e6:.0f} megapixels" if pixel_count else "far more pixels"
    return UnreadablePhoto(f"This photo has {size}, more than we can open: send it smaller, or as an ordinary JPEG.")
