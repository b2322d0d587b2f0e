"""The segments of a JPEG, found as libjpeg finds them, which is how nearly every viewer finds them (ITU-T T.81, B)."""

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

# Like libjpeg we pass over whatever is no marker: stray bytes, FF 00, and fill bytes (jdmarker.c, next_marker).
_MARKER = re.compile(rb"\xff[\x01-\xfe]")
# In a scan, FF D0 to FF D7 are its own: restarts.
_MARKER_AFTER_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")

# What no camera writes and what costs time out of proportion to a file's size.
MOST_SEGMENTS = 10_000


class Segment(NamedTuple):
    """A marker, and where it starts and its segment ends; a scan's data follows, up to where the next one starts."""

    marker: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the first scan.

    `held_back` says whether the decoder must hold all of the picture before the first pixel: a progressive one, or one
    whose colours follow each other. `profile` is an ICC profile. `scan` is where the first scan begins.
    """

    width: int
    height: int
    components: int
    held_back: bool
    orientation: int
    profile: bytes
    scan: int


def segments(jpeg: bytes | bytearray) -> Iterator[Segment]:
    """All of them up to the first end marker, or to where the bytes end. Each is looked for when it is asked for."""
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
            # A length of 0 or 1 is too short for itself; libjpeg goes on after it (jdmarker.c, skip_variable).
            at += max(2, int.from_bytes(jpeg[at : at + 2], "big"))
        if at > len(jpeg):
            return
        yield Segment(marker, start, at)
        if marker == END:
            return


def header_of(jpeg: bytes | bytearray) -> Header | None:
    """None if there is no frame and scan that a decoder could begin with."""
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
            if width == 0 or height == 0:  # a height that only the scan's end would tell
                return None
            held_back = kind not in (0xC0, 0xC1) or jpeg[start + 4] != components
            whole_profile = b"".join(profile[number] for number in sorted(profile))
            return Header(width, height, components, held_back, orientation or 1, whole_profile, start)
    return None
