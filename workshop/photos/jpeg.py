"""Removes a JPEG's metadata: where, when, with which phone and by whom it was taken.

The picture itself stays as it is, so a JPEG without metadata stays the same, byte for byte.
"""

from itertools import pairwise

from annotator.headers.jpeg import END, SCAN, Segment, segments

END_MARKER = bytes((0xFF, END))

_COMMENT = 0xFE
_APPLICATION = range(0xE0, 0xF0)

# What a decoder needs to show the same colours: JFIF, the ICC profile, Adobe's colour transform.
_KEPT = {0xE0: b"JFIF\x00", 0xE2: b"ICC_PROFILE\x00", 0xEE: b"Adobe"}


def without_metadata(jpeg: bytes) -> tuple[bytes, bool]:
    """The same picture without EXIF, GPS, XMP, IPTC, thumbnails, comments, or anything after its end.

    Phones append whole videos after the end (motion photos), with a location of their own. Stray bytes between segments
    are removed, too. A missing end stays missing. The second value says whether there was any metadata.
    """
    found = list(segments(jpeg))
    after = len(jpeg) if not found or found[-1].marker != END else found[-1].end
    kept = []
    had_metadata = after < len(jpeg)
    for segment, following in pairwise([*found, Segment(END, after, after)]):
        if _belongs_to_the_picture(segment.marker, jpeg[segment.start + 4 : segment.start + 18]):
            kept.append(jpeg[segment.start : following.start if segment.marker == SCAN else segment.end])
        elif segment.end > segment.start + 4:
            had_metadata = True
    return b"".join(kept), had_metadata


def _belongs_to_the_picture(marker: int, beginning: bytes) -> bool:
    if marker == _COMMENT:
        return False
    if marker in _APPLICATION:
        return marker in _KEPT and beginning.startswith(_KEPT[marker])
    return True
