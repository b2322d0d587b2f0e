"""A JPEG without what it says besides the picture: where it was taken, when, with which phone, by whom.

The picture itself is not touched, so a JPEG that says nothing comes out byte for byte as it went in.
"""

from collections.abc import Iterator
from itertools import takewhile

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_RESTARTS = range(0xD0, 0xD8)
_COMMENT = 0xFE
_APPLICATION = range(0xE0, 0xF0)
_EXIF = b"Exif\x00\x00"

# What a decoder needs to show the same colours: JFIF, the ICC profile, Adobe's colour transform.
_KEPT = {0xE0: b"JFIF\x00", 0xE2: b"ICC_PROFILE\x00", 0xEE: b"Adobe"}


_TOO_SHORT = "The file ends before the picture does: copy or download it again."


class NotAWholeJpeg(ValueError):
    """The bytes are not one whole JPEG: they do not begin like one, or end before the picture does."""


def without_metadata(jpeg: bytes) -> bytes:
    """The same picture without EXIF, GPS, XMP, IPTC, thumbnails, comments, or anything after its end.

    Phones append whole videos after the end (motion photos), with their own location. Raises NotAWholeJpeg.
    """
    kept = [part for marker, part in _parts(jpeg) if _belongs_to_the_picture(marker, part[4:18])]
    return b"".join(kept)


def exif_of(jpeg: bytes) -> bytes:
    """Its EXIF as Pillow's `Image.Exif` loads it, empty when there is none. Raises NotAWholeJpeg."""
    before_the_scan = takewhile(lambda part: part[0] != _SCAN, _parts(jpeg))
    found = (part[4:] for marker, part in before_the_scan if marker == 0xE1 and part[4:10] == _EXIF)
    return next((exif for exif in found if exif != _EXIF), b"")


def _parts(jpeg: bytes) -> Iterator[tuple[int, bytes]]:
    """The markers up to its end, each with its segment, and the data of its scan if it begins one."""
    if jpeg[:2] != bytes((0xFF, _START)):
        raise NotAWholeJpeg("It does not begin like a JPEG.")
    yield _START, jpeg[:2]
    at = 2
    while True:
        marker, start = _marker(jpeg, at)
        if marker == _END:
            yield _END, jpeg[start : start + 2]
            return
        length = int.from_bytes(jpeg[start + 2 : start + 4], "big")
        at = start + 2 + length
        if length < 2 or at > len(jpeg):
            raise NotAWholeJpeg(_TOO_SHORT)
        if marker == _SCAN:
            at = _end_of_scan(jpeg, at)
        yield marker, jpeg[start:at]


def _marker(jpeg: bytes, at: int) -> tuple[int, int]:
    """The marker at this offset and where it starts, fill bytes passed over (ITU T.81, B.1.1.2)."""
    while at + 1 < len(jpeg) and jpeg[at] == jpeg[at + 1] == 0xFF:
        at += 1
    if at + 1 >= len(jpeg) or jpeg[at] != 0xFF:
        raise NotAWholeJpeg(_TOO_SHORT)
    return jpeg[at + 1], at


def _end_of_scan(jpeg: bytes, at: int) -> int:
    """Where the next marker after this entropy-coded data is; FF 00 is data, FF D0 to D7 are restarts."""
    while True:
        at = jpeg.find(b"\xff", at)
        if at < 0 or at + 1 >= len(jpeg):
            raise NotAWholeJpeg(_TOO_SHORT)
        if jpeg[at + 1] not in (0x00, 0xFF) and jpeg[at + 1] not in _RESTARTS:
            return at
        at += 1


def _belongs_to_the_picture(marker: int, beginning: bytes) -> bool:
    if marker == _COMMENT:
        return False
    if marker in _APPLICATION:
        return marker in _KEPT and beginning.startswith(_KEPT[marker])
    return True
