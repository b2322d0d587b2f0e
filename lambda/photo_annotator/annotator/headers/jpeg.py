"""Finds the segments of a JPEG (ITU-T T.81, B) as libjpeg does, and thus nearly every viewer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from annotator.headers.tiff import orientation_in

START, END, SCAN = 0xD8, 0xD9, 0xDA
_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXIF = b"Exif\x00\x00"
_PROFILE = b"ICC_PROFILE\x00"

# Like libjpeg, skip everything that is not a marker: stray bytes, FF 00, and fill bytes (jdmarker.c, next_marker).
_MARKER = re.compile(rb"\xff[\x01-\xfe]")
# In a scan, FF D0 to FF D7 are restart markers.
_MARKER_AFTER_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")

# More than any camera writes. Without a limit, a small file could take a long time.
MOST_SEGMENTS = 10_000


class Segment(NamedTuple):
    """A marker, its start, and the end of its segment. A scan's data follow, up to the next segment."""

    marker: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """The information before the first scan, which starts at byte `scan`. `profile` is an ICC profile.

    `multiple_scans`: the picture is progressive, or its colours follow each other, so a decoder must keep all of it in
    memory.
    """

    width: int
    height: int
    components: int
    multiple_scans: bool
    orientation: int
    profile: bytes
    scan: int


def segments(jpeg: bytes | bytearray) -> Iterator[Segment]:
    """All segments up to the first end marker or the end of the bytes. The search is lazy."""
    if jpeg[:2] != bytes((0xFF, START)):
        return
    yield Segment(START, 0, 2)
    at, marker = 2, START
    while marked := (_MARKER_AFTER_SCAN if marker == SCAN else _MARKER).search(jpeg, at):
        start, at = marked.span()
        marker = jpeg[at - 1]
        if marker in _ALONE:
            continue
        if marker != END:
            # A length of 0 or 1 is invalid; libjpeg continues after it (jdmarker.c, skip_variable).
            at += max(2, int.from_bytes(jpeg[at : at + 2], "big"))
        if at > len(jpeg):
            return
        yield Segment(marker, start, at)
        if marker == END:
            return


def header_of(jpeg: bytes | bytearray) -> Header | None:
    """The header; None if the file has no frame and scan to decode."""
    frame: tuple[int, int, int, int] | None = None
    orientation = 0
    profile: dict[int, bytes] = {}
    for number, (marker, start, end) in enumerate(segments(jpeg)):
        if number > MOST_SEGMENTS:
            return None
        if marker in _FRAMES and end - start >= 10:
            height = int.from_bytes(jpeg[start + 5 : start + 7], "big")
            width = int.from_bytes(jpeg[start + 7 : start + 9], "big")
            frame = (width, height, marker, jpeg[start + 9])
        elif marker == 0xE1 and not orientation and jpeg[start + 4 : start + 10] == _EXIF and end > start + 10:
            orientation = orientation_in(jpeg[start + 4 : end])
        elif marker == 0xE2 and jpeg[start + 4 : start + 16] == _PROFILE:
            profile.setdefault(jpeg[start + 16] if end > start + 18 else 0, bytes(jpeg[start + 18 : end]))
        elif marker == SCAN and frame and end > start + 4:
            width, height, kind, components = frame
            if width == 0 or height == 0:  # the height would follow the scan (DNL), which libjpeg does not support
                return None
            multiple_scans = kind not in (0xC0, 0xC1) or jpeg[start + 4] != components
            whole_profile = b"".join(profile[number] for number in sorted(profile))
            return Header(width, height, components, multiple_scans, orientation or 1, whole_profile, start)
    return None
