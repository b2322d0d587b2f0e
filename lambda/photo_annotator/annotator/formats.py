"""Recognises a file's format by its first bytes.

Uses only the standard library, so that no decoder is imported for a file that is not a photo.
"""

from typing import Literal

Format = Literal["JPEG", "PNG", "WebP", "HEIC", "AVIF", "GIF", "TIFF", "BMP"]

BEGINNING = 64
"""The number of bytes that `sniff` needs."""

LARGEST_FILE = 80_000_000
"""Bytes of the largest file that fits into the function's memory together with its pixels."""

WHAT_TO_SEND = "send a JPEG, PNG, HEIC, WebP or AVIF photo"


class UnreadablePhoto(Exception):
    """The file cannot be decoded, and a retry would not help. The message says why and what to send instead."""


def sniff(beginning: bytes) -> Format:
    """The format of the file that begins with these bytes, whatever its name says.

    `beginning` is the file's first BEGINNING bytes, or all of a shorter file.
    Raises UnreadablePhoto for any other file, and names its kind if it can.
    """
    if not beginning:
        raise UnreadablePhoto(f"This file is empty: {WHAT_TO_SEND}.")
    if beginning.startswith(_RAW) or beginning[8:10] == b"CR" or beginning[4:12] == b"ftypcrx ":
        raise camera_raw()
    for magic, format_ in _MAGIC.items():
        if beginning.startswith(magic):
            return format_
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "WebP"
    if beginning[4:8] == b"ftyp":
        # ISO base media: the major brand and the compatible brands say which kind (ISO/IEC 23008-12, annex B).
        end = min(int.from_bytes(beginning[:4], "big"), len(beginning))
        brands = {beginning[8:12]} | {beginning[at : at + 4] for at in range(16, end, 4)}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        # mif1, mif2, mif3 and msf1 do not name a codec; the decoder finds it.
        if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"mif3", b"msf1"}:
            return "HEIC"
        raise UnreadablePhoto(f"This is a video or another kind of media file, not a photo: {WHAT_TO_SEND}.")
    for magic, name in _NOT_PHOTOS.items():
        if beginning.lstrip().startswith(magic):
            raise UnreadablePhoto(f"This is {name}, not a photo: {WHAT_TO_SEND}.")
    raise UnreadablePhoto(f"This is not a photo in a format we know: {WHAT_TO_SEND}.")


def camera_raw() -> UnreadablePhoto:
    """The refusal of a camera's raw file."""
    return UnreadablePhoto(
        "This is a camera's raw file, with only a small preview in it: send a JPEG that the camera or a photo app made."
    )


def file_too_large(size: int) -> UnreadablePhoto:
    """The refusal of a file of `size` bytes, above LARGEST_FILE."""
    return UnreadablePhoto(
        f"This file has {size / 1e6:.0f} MB, and {LARGEST_FILE / 1e6:.0f} MB is the most we can open: "
        "send a smaller photo."
    )


_MAGIC: dict[bytes, Format] = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"BM": "BMP",
}

# Olympus, Panasonic and Fujifilm. Other raw files are TIFF or ISO media files, recognised by their contents.
_RAW = (b"IIRO", b"IIRS", b"MMOR", b"IIU\x00", b"FUJIFILMCCD-RAW")

_NOT_PHOTOS = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"/9j/": "a photo still written as base64 text",
    b"iVBORw0KGgo": "a photo still written as base64 text",
    b"data:image": "a photo still written as base64 text",
    b"<svg": "a drawing (SVG)",
    b"<": "a web page",
    b"{": "JSON text",
    b"\x1aE\xdf\xa3": "a video",
    b"8BPS": "a Photoshop file",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000 file",
}
