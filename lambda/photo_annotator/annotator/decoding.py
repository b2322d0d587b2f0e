"""From a file's bytes to upright pixels, and from pixels to a JPEG.

Pixels are height x width x 3 arrays of uint8, blue first, as OpenCV has them. JPEG, which nearly every photo is,
goes through OpenCV; HEIC through libheif and the rest through Pillow, both imported only when such a photo comes.
Decoding the same bytes always gives the same pixels.
"""

import io
import math
import re
import struct
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.formats import LARGEST_FILE, Format, UnreadablePhoto, file_too_large

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8]

STRIP = 64
"""Rows that are converted at a time where a copy of the whole photo would not fit."""

SHORTEST_EDGE = 80
"""Pixels: "The minimum image dimensions is 80 pixels for both height and width" (Rekognition, "Guidelines and quotas").
"""

MOST_ELONGATED = 50
"""Times that the longer edge may have the shorter one; panoramas of phones have ten times at most."""

JPEG_QUALITY = 90

LARGEST_DECODE = 340_000_000
"""Bytes of memory that a file and its decode may take: what a function of 512 MB has beside its libraries and
MEMORY_BESIDE."""

# Bytes of memory per pixel of the file while it is decoded and shrunk to 2048: measured at 12 and 48 megapixels,
# rounded up; HEIC as phones write it, in tiles. libwebp keeps two canvases, libavif a frame of its own.
MEMORY_PER_PIXEL = {"PNG": 5, "WebP": 16.5, "HEIC": 5.5, "AVIF": 11, "GIF": 7, "TIFF": 8, "BMP": 5.5}
MEMORY_PER_TRANSPARENT_PIXEL = 5
# The same per pixel that a JPEG is decoded to, whatever fraction of its size that is.
MEMORY_PER_DECODED_PIXEL = 6.3
# A progressive JPEG is held whole besides, as two bytes for each of up to three coefficients a pixel.
MEMORY_PER_PIXEL_HELD_BACK = 6

MEMORY_BESIDE = 64_000_000
"""Bytes that a decode may take beside what its pixels need: its metadata, the codec itself, and the other thread's."""

MOST_JPEG_PIXELS = 2**28
"""A JPEG can be decoded at a half, a quarter or an eighth of its size, so its limit is time rather than memory."""

# What no camera writes and what costs time out of proportion to a file's size.
MOST_JPEG_SEGMENTS = 10_000
MOST_JPEG_SCANNED = 20_000_000_000  # pixels times passes over them
MOST_EXIF = 1_000_000  # bytes; reading it holds several copies
MOST_READS = 1_000_000  # Pillow reads a file's small parts one by one, in Python


def decode(data: bytes | bytearray, format_: Format, long_edge: int, memory: int = LARGEST_DECODE) -> Pixels:
    """The photo upright and opaque, its longer edge at most `long_edge` pixels; 0 keeps the size.

    EXIF orientation is applied, transparency becomes white, grey, CMYK and 16-bit photos become 8-bit colour. A JPEG
    may come out up to a sixteenth smaller than `long_edge` where its own half, quarter or eighth is that close, and a
    JPEG too large for `memory`, the bytes that file and decode may take together, comes out at such a fraction even
    when its size was to be kept. The shorter edge never shrinks below SHORTEST_EDGE.
    Raises UnreadablePhoto for damaged, too small and too large photos.
    """
    if len(data) > LARGEST_FILE:
        raise file_too_large(len(data))
    if format_ == "JPEG":
        return _shrink(_decode_jpeg(data, long_edge, memory), long_edge)
    if format_ == "HEIC":
        return _decode_heic(data, long_edge, memory)
    return _decode_with_pillow(data, format_, long_edge, memory)


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


def _decode_jpeg(data: bytes | bytearray, long_edge: int, memory: int) -> Pixels:
    width, height, held_back = _jpeg_frame(data)
    room = memory - len(data)
    _check_edges(width, height)
    wanted = _edge_after(width, height, long_edge) * 15 / 16

    def large_enough(fraction: int) -> bool:
        return max(width, height) / fraction >= wanted and min(width, height) / fraction >= SHORTEST_EDGE

    def needed(fraction: int) -> float:
        reduced = MEMORY_PER_DECODED_PIXEL / fraction**2
        return width * height * (reduced + (MEMORY_PER_PIXEL_HELD_BACK if held_back else 0))

    fraction = 1
    while fraction < 8 and (large_enough(2 * fraction) or needed(fraction) > room):
        fraction *= 2
    if needed(fraction) > room or width * height > MOST_JPEG_PIXELS:
        raise _too_many_pixels(width * height)
    # Each scan goes over all pixels again, and an empty one takes next to no bytes.
    if held_back and width * height * data.count(b"\xff\xda") > MOST_JPEG_SCANNED:
        raise _damaged("JPEG")
    try:
        with _no_more_than(2 * needed(fraction) + len(data), room):
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _IMREAD_AT[fraction])
    except cv2.error as error:
        raise _damaged("JPEG") from error
    if pixels is None:
        raise _damaged("JPEG")
    return pixels.astype(np.uint8, copy=False)


def _jpeg_frame(data: bytes | bytearray) -> tuple[int, int, bool]:
    """Width, height, and whether the decoder must hold all of the JPEG before the first pixel.

    So it is with a progressive one, or one whose colours follow each other. Reads the header only (ITU-T T.81,
    annex B), and refuses whatever the decoder might read in another way than we do.
    """
    at = 2
    frame: tuple[int, int, int, int] | None = None
    for _ in range(MOST_JPEG_SEGMENTS):
        marked = _MARKER.match(data, at)
        if not marked or marked.end() + 2 > len(data):
            break
        at = marked.end() - 2
        marker = data[at + 1]
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:  # markers without a segment
            at += 2
            continue
        segment = data[at + 4 : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(segment) >= 6:
            height, width = int.from_bytes(segment[1:3], "big"), int.from_bytes(segment[3:5], "big")
            frame = (width, height, marker, segment[5])
        if marker == 0xDA and frame and segment:
            width, height, kind, components = frame
            if width == 0 or height == 0:  # a height that only the scan's end would tell
                break
            return width, height, kind not in (0xC0, 0xC1) or segment[0] != components
        at += 4 + len(segment)
    raise _damaged("JPEG")


def _decode_heic(data: bytes | bytearray, long_edge: int, memory: int) -> Pixels:
    import pi_heif

    room = memory - len(data)
    pi_heif.options.DECODE_THREADS = 1
    try:
        with _no_more_than(room, room):
            photo = pi_heif.open_heif(bytes(data), bgr_mode=True)
        width, height = photo.size
        needed = _needed_for(width, height, "HEIC", long_edge, room, transparent=photo.has_alpha)
        with _no_more_than(2 * needed + len(data), room):
            lent = np.asarray(photo)
    except MemoryError as error:
        raise _too_many_pixels() from error
    except _DAMAGE as error:
        raise _damaged("HEIC") from error
    if lent.ndim == 2:
        return _shrink(cv2.cvtColor(lent, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False), long_edge)
    if lent.shape[2] == 4:
        return _shrink(_on_white(lent), long_edge)
    # The array lies in memory that goes with `photo`, so what leaves here must not.
    shrunk = _shrink(lent, long_edge)
    return shrunk.copy() if shrunk is lent else shrunk


def _decode_with_pillow(data: bytes | bytearray, format_: Format, long_edge: int, memory: int) -> Pixels:
    from PIL import AvifImagePlugin, Image

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    room = memory - len(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's limit warns at a size that ours refuses
            with _no_more_than(room, room):
                image = Image.open(cast("IO[bytes]", _Patient(data)), formats=[format_])
            width, height = image.size
            needed = _needed_for(width, height, format_, long_edge, room, transparent=image.has_transparency_data)
            with _no_more_than(2 * needed + len(data), room):
                image.load()
                return _bgr(_upright(image, long_edge))
    except (Image.DecompressionBombError, MemoryError) as error:
        raise _too_many_pixels() from error
    except _DAMAGE as error:
        raise _damaged(format_) from error


class _Patient(io.RawIOBase):
    """A file that lets itself be read MOST_READS times, without a copy of its own."""

    def __init__(self, data: bytes | bytearray) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > MOST_READS:
            raise ValueError(f"read {MOST_READS} times and no end")
        end = len(self._data) if size is None or size < 0 else self._at + size
        read = bytes(self._data[self._at : end])
        self._at += len(read)
        return read

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """As `io.BytesIO.seek`: to before the beginning is an error, to after the end is not."""
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        if at < 0:
            raise ValueError(f"{at} lies before the file")
        self._at = at
        return at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


@contextmanager
def _no_more_than(memory: float, room: int) -> Iterator[None]:
    """Let the process grow by `memory` bytes, or by all the `room` there is, and MEMORY_BESIDE in the block.

    For headers that lie: what they claim was checked, what comes instead is a MemoryError, or damage to the codec.
    Only Linux, where the function runs, can do it: there a codec's own allocations count too (setrlimit(2),
    RLIMIT_DATA, since Linux 4.7).
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    if memory > MEMORY_BESIDE:
        _give_back_memory()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    most = int(pages * resource.getpagesize() + min(memory, room)) + MEMORY_BESIDE
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    try:
        yield
    finally:
        # Not to what it was: two decodes at a time would leave each other's limit behind.
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _give_back_memory() -> None:
    """Let the system have what earlier photos needed and the process kept, as the image's environment tells it to.

    Kept memory is quicker than new, and what two large photos leave in different places can be too much for a third.
    """
    import ctypes

    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc's; other C libraries keep nothing
        trim(0)


def _upright(image: "Image.Image", long_edge: int) -> "Image.Image":
    from PIL import Image, ImageOps

    if len(image.info.get("exif", b"")) > MOST_EXIF:
        del image.info["exif"]
    image = _eight_bit(image)
    if long_edge:
        # Smaller before anything else, so that everything after costs little memory.
        image = image.resize(_size_after(*image.size, long_edge), Image.Resampling.BOX, reducing_gap=1.0)
    with suppress(*_DAMAGE):  # metadata that cannot be read turns nothing
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _eight_bit(image: "Image.Image") -> "Image.Image":
    """The same photo as RGB, or RGBA where parts of it are transparent."""
    from PIL import Image

    if image.mode.startswith("I;16"):  # Pillow's own conversion clips
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def _bgr(image: "Image.Image") -> Pixels:
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):  # Pillow hands over a copy, and holds it twice meanwhile
        strip = np.asarray(image.crop((0, top, image.width, min(top + STRIP, image.height))))
        opaque = _on_white(strip) if image.mode == "RGBA" else strip
        pixels[top : top + STRIP] = opaque[..., ::-1]
    return pixels


def _on_white(pixels: Pixels) -> Pixels:
    """Blue, green, red and opacity become blue, green and red as seen on white paper."""
    opaque = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), STRIP):  # the 16-bit copies of it all at once would not fit
        strip = pixels[top : top + STRIP].astype(np.uint16)
        opacity = strip[..., 3:]
        opaque[top : top + STRIP] = (strip[..., :3] * opacity + 255 * (255 - opacity) + 127) // 255
    return opaque


def _shrink(pixels: Pixels, long_edge: int) -> Pixels:
    height, width = pixels.shape[:2]
    size = _size_after(width, height, long_edge)
    if size == (width, height):
        return pixels
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _size_after(width: int, height: int, long_edge: int) -> tuple[int, int]:
    """Width and height once the longer edge is `long_edge`; never larger, and never too small for Rekognition."""
    scale = _edge_after(width, height, long_edge) / max(width, height)
    return round(width * scale), round(height * scale)


def _edge_after(width: int, height: int, long_edge: int) -> int:
    longer, shorter = max(width, height), min(width, height)
    if not long_edge:
        return longer
    return min(longer, max(long_edge, math.ceil(SHORTEST_EDGE * longer / shorter)))


def _check_edges(width: int, height: int) -> None:
    if min(width, height) < SHORTEST_EDGE:
        raise UnreadablePhoto(
            f"This photo is {width} x {height} pixels, and each side must have at least {SHORTEST_EDGE}: "
            "send a larger photo."
        )
    if max(width, height) > MOST_ELONGATED * min(width, height):
        raise UnreadablePhoto(
            f"This photo is {width} x {height} pixels, too long and narrow to look at: send a part of it."
        )


def _needed_for(width: int, height: int, format_: Format, long_edge: int, room: int, *, transparent: bool) -> float:
    """Bytes that the decode takes; refuses more than `room`, since a few bytes may claim to be billions of pixels."""
    _check_edges(width, height)
    shrunk_width, shrunk_height = _size_after(width, height, long_edge)
    per_pixel = MEMORY_PER_PIXEL[format_] + (MEMORY_PER_TRANSPARENT_PIXEL if transparent else 0)
    needed = width * height * per_pixel + shrunk_width * shrunk_height * 3
    if needed > room:
        raise _too_many_pixels(width * height)
    return needed


def _too_many_pixels(pixel_count: int | None = None) -> UnreadablePhoto:
    size = f"{pixel_count / 1e6:.0f} megapixels" if pixel_count else "far more pixels"
    return UnreadablePhoto(f"This photo has {size}, more than we can open: send it smaller, or as an ordinary JPEG.")


def _damaged(format_: Format) -> UnreadablePhoto:
    return UnreadablePhoto(
        f"This {format_} file is damaged, incomplete or of a kind that we cannot open: "
        "send the photo again, as an ordinary JPEG if you can."
    )


# What Pillow's and libheif's decoders make of a damaged file: nearly anything.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    RuntimeError,
    ArithmeticError,
    AttributeError,
    struct.error,
)

# Fill bytes, then a marker that begins a segment or stands alone (T.81, table B.1): neither stuffing nor reserved.
_MARKER = re.compile(rb"\xff+[\x01\xc0-\xfe]")

_IMREAD_AT = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
