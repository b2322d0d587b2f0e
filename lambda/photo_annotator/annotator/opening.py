"""Decodes a file to pixels, each format with its own decoder.

OpenCV decodes JPEG, the format of nearly all photos, libheif HEIC, and Pillow all others. libheif and Pillow are
imported only for such a photo. `headers/` reads colours, crop and orientation.
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
    MEMORY_PER_BUFFERED_PIXEL,
    MEMORY_PER_DECODED_PIXEL,
    limited_memory,
    memory_needed,
    too_many_pixels,
)
from annotator.pixels import SHORTEST_EDGE, STRIP, Pixels, check_edges, edge_after, on_white, shrink, size_after
from annotator.quiet import without_messages

if TYPE_CHECKING:
    from PIL import Image, ImageFile

MOST_JPEG_PIXELS = 2**28
"""A JPEG can be decoded at a half, a quarter or an eighth of its size, so its limit is time rather than memory."""

# More than any camera writes. Without a limit, a small file could take a long time.
MOST_JPEG_SCANNED = 20_000_000_000  # pixels times scans
MOST_READS = 1_000_000  # Pillow reads small parts of a file one by one, in Python

_ORIENTATION = 274  # the EXIF tag

_JPEG_END = b"\xff\xd9"
_FILLER = bytes(n * 37 % 251 for n in range(1, 512))  # no marker, no pattern


class OpenedPhoto(NamedTuple):
    """Opaque sRGB pixels of the requested size, not yet upright; `orientation` is EXIF's, 1 to 8."""

    pixels: Pixels
    orientation: int = 1


def open_photo(data: bytes | bytearray, format_: Format, long_edge: int, memory: int) -> OpenedPhoto:
    """Decode as `decoding.decode` describes, but leave the pixels as they are turned in the file."""
    if format_ == "JPEG":
        return _open_jpeg(data, long_edge, memory)
    if format_ == "HEIC":
        return _open_heic(data, long_edge, memory)
    return _open_with_pillow(data, format_, long_edge, memory)


# --- JPEG -----------------------------------------------------------------------------------------------------------


def _open_jpeg(data: bytes | bytearray, long_edge: int, memory: int) -> OpenedPhoto:
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
        return width * height * (reduced + (MEMORY_PER_BUFFERED_PIXEL if header.multiple_scans else 0))

    fraction = 1
    while fraction < 8 and (large_enough(2 * fraction) or needed(fraction) > room):
        fraction *= 2
    if needed(fraction) > room or width * height > MOST_JPEG_PIXELS:
        raise too_many_pixels(width * height)
    # Each scan takes a pass over all pixels, and an empty scan takes only a few bytes.
    if header.multiple_scans and width * height * data.count(b"\xff\xda") > MOST_JPEG_SCANNED:
        raise _damaged("JPEG")
    with limited_memory(2 * needed(fraction) + len(data), room):
        if data.rfind(_JPEG_END, header.scan) < 0:
            # An eighth of the size shows missing rows. Later scans of a progressive photo add only detail, which shows
            # at the largest size that fits.
            fraction_to_compare = next(f for f in (1, 2, 4, 8) if needed(f) <= room) if header.multiple_scans else 8
            data = _with_end_marker(data, fraction_to_compare)
        if header.components == 4 and header.profile:
            return OpenedPhoto(shrink(_cmyk_jpeg(data, fraction, header.profile), long_edge), header.orientation)
        pixels = shrink(_reduced_jpeg(data, fraction), long_edge)
    if convert := colour.from_profile(header.profile, grey=header.components == 1):
        convert(pixels)
    return OpenedPhoto(pixels, header.orientation)


def _reduced_jpeg(data: bytes | bytearray, fraction: int) -> Pixels:
    try:
        with without_messages("JPEG"):
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _IMREAD_AT[fraction] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise _damaged("JPEG") from error
    if pixels is None:
        raise _damaged("JPEG")
    return pixels.astype(np.uint8, copy=False)


def _with_end_marker(data: bytes | bytearray, fraction: int) -> bytes:
    """The JPEG with an end marker, which it lacks or has overwritten with zeros. Refuses a JPEG that lacks rows, too.

    Decodes the file with two different endings. If the pictures differ, libjpeg took pixels from the ending, so the
    file's own data are incomplete.
    """
    whole = bytes(data).rstrip(b"\0") + b"\0\0"  # because the picture's data may end with zeros
    pictures = {zlib.crc32(_reduced_jpeg(whole + end, fraction).data) for end in (_JPEG_END, _FILLER + _JPEG_END)}
    if len(pictures) > 1:
        raise UnreadablePhoto("This file ends before the picture does: send the whole file again.")
    return whole + _JPEG_END


def _cmyk_jpeg(data: bytes | bytearray, fraction: int, profile: bytes) -> Pixels:
    """Decoded by Pillow, because OpenCV does not return the four colours that the profile describes."""
    from PIL import Image

    try:
        with warnings.catch_warnings(action="ignore"):
            image = Image.open(cast("IO[bytes]", _BoundedReader(data)), formats=["JPEG"])
            image.draft("CMYK", (image.width // fraction, image.height // fraction))
            return _bgr(colour.cmyk_to_rgb(image, profile))
    except _DECODER_ERRORS as error:
        raise _damaged("JPEG") from error


# --- HEIC -----------------------------------------------------------------------------------------------------------


def _open_heic(data: bytes | bytearray, long_edge: int, memory: int) -> OpenedPhoto:
    header = heif.header_of(data)
    if header.coding == b"av01":
        # A file may name only the general brands (ISO/IEC 23008-12, 10.2), but libavif requires its own.
        data = _mutable(data)
        data[8:12] = b"avif"
        return _open_with_pillow(data, "AVIF", long_edge, memory)
    crop = header.upright_crop()
    # libheif and libde265 copy the file's data more than twice.
    copies = 2.5 * len(data)
    room = memory - len(data) - copies
    if header.width and header.height:
        memory_needed(header.width, header.height, "HEIC", long_edge, room)
    import pi_heif

    if crop:
        # libheif 1.23 takes the crop's size as the limit of the picture's size (strukturag/libheif #1856).
        data = _mutable(data)
        heif.remove_crop(data, header)
    pi_heif.options.DECODE_THREADS = 1
    try:
        with limited_memory(room, room):
            photo = pi_heif.open_heif(_moved_to_bytes(data), bgr_mode=True)
        check_edges(*(crop[2:] if crop else photo.size))
        deep, full = photo.info["bit_depth"] > 8, photo.info.get("chroma", 420) != 420
        width, height = photo.size
        needed = memory_needed(
            width, height, "HEIC", long_edge, room, transparent=photo.has_alpha, deep=deep, full=full
        )
        with limited_memory(2 * needed, room + copies):
            view = np.asarray(photo)
    except MemoryError as error:
        raise too_many_pixels() from error
    except _DECODER_ERRORS as error:
        if "emory" in str(error):  # libheif's message
            raise too_many_pixels(header.width * header.height) from error
        raise _damaged("HEIC") from error
    if crop:
        left, top, width, height = crop
        view = view[top : top + height, left : left + width]
    convert = _heif_colours(photo.info.get("icc_profile"), _nclx(photo.info.get("nclx_profile")), grey=view.ndim == 2)
    if view.ndim == 3 and view.shape[2] == 4:
        return OpenedPhoto(shrink(on_white(view, convert, premultiplied=photo.premultiplied_alpha), long_edge))
    if view.dtype == np.uint16:  # grey of 10 and 12 bits
        view = (view >> 8).astype(np.uint8)
    # The array is a view of memory that belongs to `photo`, so return a copy.
    shrunk = shrink(view, long_edge)
    coloured = cv2.cvtColor(shrunk, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False) if view.ndim == 2 else shrunk
    pixels = coloured.copy() if coloured is view else coloured
    if convert:
        convert(pixels)
    return OpenedPhoto(pixels)


def _mutable(data: bytes | bytearray) -> bytearray:
    return data if isinstance(data, bytearray) else bytearray(data)


def _moved_to_bytes(data: bytes | bytearray) -> bytes:
    """The data as bytes, which libheif requires. Empties a bytearray, so that nothing is in memory twice."""
    taken = bytes(data)
    if isinstance(data, bytearray):
        data.clear()
    return taken


def _nclx(described: dict[str, int] | None) -> tuple[int, int] | None:
    return (described["color_primaries"], described["transfer_characteristics"]) if described else None


def _heif_colours(
    profile: bytes | None, code_points: tuple[int, int] | None, *, grey: bool = False
) -> colour.Convert | None:
    """The conversion for a HEIC or AVIF. In these, but not in a PNG, browsers treat video cameras' curves as sRGB's."""
    if profile:
        return colour.from_profile(profile, grey=grey)
    if code_points:
        primaries, transfer = code_points
        return colour.from_code_points(primaries, 13 if transfer in (1, 6, 14, 15) else transfer)
    return None


# --- what Pillow opens ----------------------------------------------------------------------------------------------


def _open_with_pillow(data: bytes | bytearray, format_: Format, long_edge: int, memory: int) -> OpenedPhoto:
    from PIL import AvifImagePlugin, Image

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    logging.getLogger("PIL").setLevel(logging.CRITICAL)  # it logs errors that it also raises
    if format_ == "TIFF" and tiff.is_camera_raw(data):
        raise camera_raw()
    room = memory - len(data)
    try:
        # Pillow's limit warns at a size that ours refuses.
        with without_messages(format_), warnings.catch_warnings(action="ignore"):
            chunks = png.header_of(data) if format_ == "PNG" else None
            boxes = heif.header_of(data) if format_ == "AVIF" else heif.Header()
            if boxes.width and boxes.height:  # libavif does not say that a picture exceeds its limit
                memory_needed(boxes.width, boxes.height, format_, long_edge, room)
            file = _BoundedReader(data, chunks.picture if chunks else None)
            with limited_memory(room, room):
                image = Image.open(cast("IO[bytes]", file), formats=[format_])
                if format_ == "TIFF":
                    # Pillow turns a TIFF upright when it loads it, and would also obey its XMP.
                    image.getexif()[_ORIENTATION] = getattr(image, "tag_v2", {}).get(_ORIENTATION, 1)
            if image.mode in ("I", "F"):
                raise UnreadablePhoto(
                    f"This {format_} file has decimal, signed or 32-bit samples: send it with 16 or 8 bits, or a JPEG."
                )
            check_edges(*(boxes.crop[2:] if boxes.crop else image.size))
            width, height = image.size
            needed = memory_needed(
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
            with limited_memory(2 * needed + len(data), room):
                pixels = _pixels_of(image, long_edge, boxes.crop, chunks.bits if chunks else 8, convert)
    except (Image.DecompressionBombError, MemoryError) as error:
        raise too_many_pixels() from error
    except _DECODER_ERRORS as error:
        raise _damaged(format_) from error
    if format_ == "TIFF":
        return OpenedPhoto(pixels)
    return OpenedPhoto(pixels, chunks.orientation if chunks else tiff.orientation_in(image.info.get("exif", b"")))


def _pixels_of(
    image: "ImageFile.ImageFile", long_edge: int, crop: heif.Crop | None, bits: int, convert: colour.Convert | None
) -> Pixels:
    """The visible part of the image; `bits` per sample in the file."""
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
    """The first frame of a GIF on white, because browsers ignore the background colour in the file."""
    from PIL import Image

    canvas = Image.new("RGB", size, "white")
    canvas.paste(frame, extents, frame if frame.mode == "RGBA" else None)
    return canvas


def _png_colours(chunks: png.Header, *, grey: bool) -> colour.Convert | None:
    """In the order of precedence (PNG third edition, 4.3)."""
    if chunks.code_points:
        return colour.from_code_points(*chunks.code_points)
    if chunks.profile:
        return colour.from_profile(chunks.profile, grey=grey)
    if chunks.is_srgb or chunks.gamma is None:
        return None
    return colour.from_gamma(chunks.gamma, chunks.chromaticities)


class _BoundedReader(io.RawIOBase):
    """A file of the given ranges of `data`, not copied, which can be read at most MOST_READS times."""

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
            return cast("bytes", self._data)  # a decoder that reads the whole file needs no copy
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
        """Like `io.BytesIO.seek`: an error before the beginning, but not after the end."""
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
    """The image as RGB, as RGBA if it has transparency, or as CMYK; `bits` per sample in the file."""
    from PIL import Image

    clear = image.info.get("transparency")
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips, and loses transparency
        grey = np.asarray(image)
        shown = (grey >> 8).astype(np.uint8)
        return Image.fromarray(shown if clear is None else np.dstack([shown] * 3 + [np.uint8(255) * (grey != clear)]))
    if bits == 16 and isinstance(clear, tuple):  # Pillow has converted the samples, but not this
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    if image.mode == "CMYK":
        return image
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def _smaller(image: "Image.Image", long_edge: int) -> "Image.Image":
    """The image shrunk to `long_edge`, before further steps that take memory per pixel."""
    from PIL import Image

    size = size_after(*image.size, long_edge)
    return image.resize(size, Image.Resampling.BOX, reducing_gap=1.0) if size != image.size else image


def _bgr(image: "Image.Image", convert: colour.Convert | None = None) -> Pixels:
    """The pixels of an image, converted to sRGB and blended with white."""
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGB")
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):  # np.asarray makes two copies for a moment
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


# Pillow's and libheif's decoders raise nearly anything for a damaged file.
_DECODER_ERRORS = (
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
