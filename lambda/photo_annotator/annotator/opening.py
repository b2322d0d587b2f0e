"""From a file's bytes to its pixels, each format by its own decoder.

OpenCV reads JPEG, which nearly every photo is, libheif HEIC, and Pillow the rest; the last two are imported only when
such a photo comes. What a file says about its colours, its crop and which way is up, `headers/` reads.
"""

import io
import logging
import struct
import warnings
import zlib
from typing import IO, TYPE_CHECKING, NamedTuple, cast

import cv2
import numpy as np

from annotator import colour
from annotator.formats import Format, UnreadablePhoto, camera_raw
from annotator.headers import heif, jpeg, png, tiff
from annotator.memory import (
    MEMORY_PER_DECODED_PIXEL,
    MEMORY_PER_PIXEL_HELD_BACK,
    needed_for,
    no_more_than,
    too_many_pixels,
)
from annotator.pixels import SHORTEST_EDGE, STRIP, Pixels, check_edges, edge_after, on_white, shrink, size_after
from annotator.quiet import without_messages

if TYPE_CHECKING:
    from PIL import Image, ImageFile

MOST_JPEG_PIXELS = 2**28
"""A JPEG can be decoded at a half, a quarter or an eighth of its size, so its limit is time rather than memory."""

# What no camera writes and what costs time out of proportion to a file's size.
MOST_JPEG_SCANNED = 20_000_000_000  # pixels times passes over them
MOST_READS = 1_000_000  # Pillow reads a file's small parts one by one, in Python

_ORIENTATION = 274  # the tag

_JPEG_END = b"\xff\xd9"
_SOMETHING = bytes(n * 37 % 251 for n in range(1, 512))  # without a marker or a pattern


class Opened(NamedTuple):
    """Pixels of the wanted size, opaque and in sRGB, and how they are turned: 1 to 8, as EXIF has it."""

    pixels: Pixels
    orientation: int = 1


def opened(data: bytes | bytearray, format_: Format, long_edge: int, memory: int) -> Opened:
    """As `decoding.decode` has it, but not yet upright."""
    if format_ == "JPEG":
        return _open_jpeg(data, long_edge, memory)
    if format_ == "HEIC":
        return _open_heic(data, long_edge, memory)
    return _open_with_pillow(data, format_, long_edge, memory)


# --- JPEG -----------------------------------------------------------------------------------------------------------


def _open_jpeg(data: bytes | bytearray, long_edge: int, memory: int) -> Opened:
    header = jpeg.header_of(data)
    if header is None:
        raise _damaged("JPEG")
    width, height = header.width, header.height
    room = memory - len(data)
    check_edges(width, height)
    wanted = edge_after(width, height, long_edge) * 15 / 16

    def large_enough(fraction: int) -> bool:
        return max(width, height) / fraction >= wanted and min(width, height) / fraction >= SHORTEST_EDGE

    def needed(fraction: int) -> float:
        reduced = MEMORY_PER_DECODED_PIXEL / fraction**2
        return width * height * (reduced + (MEMORY_PER_PIXEL_HELD_BACK if header.held_back else 0))

    fraction = 1
    while fraction < 8 and (large_enough(2 * fraction) or needed(fraction) > room):
        fraction *= 2
    if needed(fraction) > room or width * height > MOST_JPEG_PIXELS:
        raise too_many_pixels(width * height)
    # Each scan goes over all pixels again, and an empty one takes next to no bytes.
    if header.held_back and width * height * data.count(b"\xff\xda") > MOST_JPEG_SCANNED:
        raise _damaged("JPEG")
    with no_more_than(2 * needed(fraction) + len(data), room):
        if data.rfind(_JPEG_END, header.scan) < 0:
            # An eighth shows missing rows; of a progressive photo, whose later scans add detail, as much as fits does.
            looked_at = next(f for f in (1, 2, 4, 8) if needed(f) <= room) if header.held_back else 8
            data = _with_an_end(data, looked_at)
        if header.components == 4 and header.profile:
            return Opened(shrink(_cmyk_jpeg(data, fraction, header.profile), long_edge), header.orientation)
        pixels = shrink(_reduced_jpeg(data, fraction), long_edge)
    if convert := colour.from_profile(header.profile, grey=header.components == 1):
        convert(pixels)
    return Opened(pixels, header.orientation)


def _reduced_jpeg(data: bytes | bytearray, fraction: int) -> Pixels:
    try:
        with without_messages("JPEG"):
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _IMREAD_AT[fraction] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise _damaged("JPEG") from error
    if pixels is None:
        raise _damaged("JPEG")
    return pixels.astype(np.uint8, copy=False)


def _with_an_end(data: bytes | bytearray, fraction: int) -> bytes:
    """A JPEG that lost its end marker, or has zeros in its place, with one; refuses one that lost rows as well.

    libjpeg makes up what a picture lacks. If that depends on what comes after the file's own bytes, it is not whole.
    """
    whole = bytes(data).rstrip(b"\0") + b"\0\0"  # in case that the picture ends with them
    pictures = {zlib.crc32(_reduced_jpeg(whole + end, fraction).data) for end in (_JPEG_END, _SOMETHING + _JPEG_END)}
    if len(pictures) > 1:
        raise UnreadablePhoto("This file ends before the picture does: send the whole file again.")
    return whole + _JPEG_END


def _cmyk_jpeg(data: bytes | bytearray, fraction: int, profile: bytes) -> Pixels:
    """By Pillow, since OpenCV hands over no four colours, which the profile is about."""
    from PIL import Image

    try:
        with warnings.catch_warnings(action="ignore"):
            image = Image.open(cast("IO[bytes]", _Patient(data)), formats=["JPEG"])
            image.draft("CMYK", (image.width // fraction, image.height // fraction))
            return _bgr(colour.cmyk_to_rgb(image, profile))
    except _DAMAGE as error:
        raise _damaged("JPEG") from error


# --- HEIC -----------------------------------------------------------------------------------------------------------


def _open_heic(data: bytes | bytearray, long_edge: int, memory: int) -> Opened:
    header = heif.header_of(data)
    if header.coding == b"av01":
        # A file may name no more than the general brands (ISO/IEC 23008-12, 10.2), and libavif wants its own.
        data = _changeable(data)
        data[8:12] = b"avif"
        return _open_with_pillow(data, "AVIF", long_edge, memory)
    crop = header.upright_crop()
    # libheif and libde265 copy what they decode: more than twice the file's bytes, beside those.
    copies = 2.5 * len(data)
    room = memory - len(data) - copies
    if header.width and header.height:
        needed_for(header.width, header.height, "HEIC", long_edge, room)
    import pi_heif

    if crop:
        # libheif 1.23 takes the crop's size for the largest that a picture may have (strukturag/libheif #1856).
        data = _changeable(data)
        heif.without_crop(data, header)
    pi_heif.options.DECODE_THREADS = 1
    try:
        with no_more_than(room, room):
            photo = pi_heif.open_heif(_taken_from(data), bgr_mode=True)
        check_edges(*(crop[2:] if crop else photo.size))
        deep, full = photo.info["bit_depth"] > 8, photo.info.get("chroma", 420) != 420
        width, height = photo.size
        needed = needed_for(width, height, "HEIC", long_edge, room, transparent=photo.has_alpha, deep=deep, full=full)
        with no_more_than(2 * needed, room + copies):
            lent = np.asarray(photo)
    except MemoryError as error:
        raise too_many_pixels() from error
    except _DAMAGE as error:
        if "emory" in str(error):  # as libheif says it
            raise too_many_pixels(header.width * header.height) from error
        raise _damaged("HEIC") from error
    if crop:
        left, top, width, height = crop
        lent = lent[top : top + height, left : left + width]
    convert = _heif_colours(photo.info.get("icc_profile"), _nclx(photo.info.get("nclx_profile")), grey=lent.ndim == 2)
    if lent.ndim == 3 and lent.shape[2] == 4:
        return Opened(shrink(on_white(lent, convert, premultiplied=photo.premultiplied_alpha), long_edge))
    if lent.dtype == np.uint16:  # grey of 10 and 12 bits
        lent = (lent >> 8).astype(np.uint8)
    # The array lies in memory that goes with `photo`, so what leaves here must be a copy.
    shrunk = shrink(lent, long_edge)
    coloured = cv2.cvtColor(shrunk, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False) if lent.ndim == 2 else shrunk
    pixels = coloured.copy() if coloured is lent else coloured
    if convert:
        convert(pixels)
    return Opened(pixels)


def _changeable(data: bytes | bytearray) -> bytearray:
    return data if isinstance(data, bytearray) else bytearray(data)


def _taken_from(data: bytes | bytearray) -> bytes:
    """The same as bytes, which libheif wants; a bytearray is empty afterwards, so that nothing is held twice."""
    taken = bytes(data)
    if isinstance(data, bytearray):
        data.clear()
    return taken


def _nclx(described: dict[str, int] | None) -> tuple[int, int] | None:
    return (described["color_primaries"], described["transfer_characteristics"]) if described else None


def _heif_colours(
    profile: bytes | None, code_points: tuple[int, int] | None, *, grey: bool = False
) -> colour.Convert | None:
    """Of a HEIC or AVIF. Browsers show the curves of video cameras as sRGB's in these, though not in a PNG."""
    if profile:
        return colour.from_profile(profile, grey=grey)
    if code_points:
        primaries, transfer = code_points
        return colour.from_code_points(primaries, 13 if transfer in (1, 6, 14, 15) else transfer)
    return None


# --- what Pillow opens ----------------------------------------------------------------------------------------------


def _open_with_pillow(data: bytes | bytearray, format_: Format, long_edge: int, memory: int) -> Opened:
    from PIL import AvifImagePlugin, Image

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    logging.getLogger("PIL").setLevel(logging.CRITICAL)  # it logs what it also raises
    if format_ == "TIFF" and tiff.is_camera_raw(data):
        raise camera_raw()
    room = memory - len(data)
    try:
        # Pillow's limit warns at a size that ours refuses.
        with without_messages(format_), warnings.catch_warnings(action="ignore"):
            chunks = png.header_of(data) if format_ == "PNG" else None
            boxes = heif.header_of(data) if format_ == "AVIF" else heif.Header()
            if boxes.width and boxes.height:  # libavif has a limit of its own, and no word for it
                needed_for(boxes.width, boxes.height, format_, long_edge, room)
            file = _Patient(data, chunks.picture if chunks else None)
            with no_more_than(room, room):
                image = Image.open(cast("IO[bytes]", file), formats=[format_])
                if format_ == "TIFF":
                    # Pillow turns it as it loads it, and would be told by its XMP as well.
                    image.getexif()[_ORIENTATION] = getattr(image, "tag_v2", {}).get(_ORIENTATION, 1)
            if image.mode in ("I", "F"):
                raise UnreadablePhoto(
                    f"This {format_} file has decimal, signed or 32-bit samples: send it with 16 or 8 bits, or a JPEG."
                )
            check_edges(*(boxes.crop[2:] if boxes.crop else image.size))
            width, height = image.size
            needed = needed_for(
                width,
                height,
                format_,
                long_edge,
                room,
                transparent=image.has_transparency_data,
                deep=boxes.deep,
                full=boxes.full,
            )
            grey = image.mode in ("1", "L", "LA") or image.mode.startswith("I;16")
            convert = (
                _png_colours(chunks, grey=grey)
                if chunks
                else _heif_colours(image.info.get("icc_profile"), boxes.code_points, grey=grey)
            )
            with no_more_than(2 * needed + len(data), room):
                pixels = _pixels_of(image, long_edge, boxes.crop, chunks.bits if chunks else 8, convert)
    except (Image.DecompressionBombError, MemoryError) as error:
        raise too_many_pixels() from error
    except _DAMAGE as error:
        raise _damaged(format_) from error
    if format_ == "TIFF":
        return Opened(pixels)
    return Opened(pixels, chunks.orientation if chunks else tiff.orientation_in(image.info.get("exif", b"")))


def _pixels_of(
    image: "ImageFile.ImageFile", long_edge: int, crop: heif.Crop | None, bits: int, convert: colour.Convert | None
) -> Pixels:
    """The image's part that is to be seen; `bits` are the file's own for each colour."""
    frame = image.tile[0].extents if image.format == "GIF" and image.tile else None
    image.load()
    shown = _eight_bit(image, bits)
    if crop:
        left, top, width, height = crop
        shown = shown.crop((left, top, left + width, top + height))
    if frame and frame != (0, 0, *image.size):
        shown = _on_canvas(shown.crop(frame), frame, image.size)
    shown = _smaller(shown, long_edge)
    if shown.mode == "CMYK":
        return _bgr(colour.cmyk_to_rgb(shown, image.info.get("icc_profile") or b""))
    return _bgr(shown, convert)


def _on_canvas(frame: "Image.Image", extents: tuple[int, int, int, int], size: tuple[int, int]) -> "Image.Image":
    """What a GIF's first frame leaves free is transparent, not of the colour that the file calls background."""
    from PIL import Image

    canvas = Image.new("RGB", size, "white")
    canvas.paste(frame, extents, frame if frame.mode == "RGBA" else None)
    return canvas


def _png_colours(chunks: png.Header, *, grey: bool) -> colour.Convert | None:
    """What counts for more comes first (PNG third edition, 4.3)."""
    if chunks.code_points:
        return colour.from_code_points(*chunks.code_points)
    if chunks.profile:
        return colour.from_profile(chunks.profile, grey=grey)
    if chunks.is_srgb or chunks.gamma is None:
        return None
    return colour.from_gamma(chunks.gamma, chunks.chromaticities)


class _Patient(io.RawIOBase):
    """The `parts` of a file, from and to, that lets itself be read MOST_READS times; without a copy of its own."""

    def __init__(self, data: bytes | bytearray, parts: list[tuple[int, int]] | None = None) -> None:
        self._data = memoryview(data)
        self._parts = parts or [(0, len(data))]
        self._size = sum(end - start for start, end in self._parts)
        self._at = 0
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > MOST_READS:
            raise ValueError(f"read {MOST_READS} times and no end")
        wanted = self._size - self._at if size is None or size < 0 else size
        if len(self._parts) == 1 and wanted == len(self._data):
            self._at = self._size
            return cast("bytes", self._data)  # a decoder that wants all of it needs no copy
        found = []
        before = 0
        for start, end in self._parts:
            inside = max(0, self._at - before)
            before += end - start
            if inside < end - start and wanted > 0:
                found.append(self._data[start + inside : min(end, start + inside + wanted)])
                wanted -= len(found[-1])
                self._at += len(found[-1])
        return b"".join(found)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """As `io.BytesIO.seek`: to before the beginning is an error, to after the end is not."""
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
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


def _eight_bit(image: "Image.Image", bits: int) -> "Image.Image":
    """The same photo as RGB, or RGBA where parts of it are transparent, or CMYK; `bits` are the file's."""
    from PIL import Image

    clear = image.info.get("transparency")
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips, and forgets which grey is transparent
        grey = np.asarray(image)
        shown = (grey >> 8).astype(np.uint8)
        return Image.fromarray(shown if clear is None else np.dstack([shown] * 3 + [np.uint8(255) * (grey != clear)]))
    if bits == 16 and isinstance(clear, tuple):  # Pillow has halved the samples, but not this
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    if image.mode == "CMYK":
        return image
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def _smaller(image: "Image.Image", long_edge: int) -> "Image.Image":
    """Smaller before anything else, so that everything after costs little memory."""
    from PIL import Image

    size = size_after(*image.size, long_edge)
    return image.resize(size, Image.Resampling.BOX, reducing_gap=1.0) if size != image.size else image


def _bgr(image: "Image.Image", convert: colour.Convert | None = None) -> Pixels:
    """Of an RGB or RGBA image, or one that becomes that."""
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGB")
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):  # Pillow hands over a copy, and holds it twice meanwhile
        strip = np.asarray(image.crop((0, top, image.width, min(top + STRIP, image.height))))
        if image.mode == "RGBA":
            pixels[top : top + STRIP] = on_white(strip[..., [2, 1, 0, 3]], convert)
        else:
            pixels[top : top + STRIP] = strip[..., ::-1]
    if convert and image.mode == "RGB":
        convert(pixels)
    return pixels


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

_IMREAD_AT = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
