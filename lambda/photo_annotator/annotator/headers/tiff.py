"""Reads the first directory of a TIFF file or of an EXIF block, which has the same format (TIFF 6.0; CIPA DC-008)."""

import struct
from typing import Literal

_EXIF = b"Exif\x00\x00"

_SHORT, _LONG = 3, 4
ORIENTATION = 274
_NEW_SUBFILE_TYPE, _REDUCED = 254, 1
_MAKE, _SUB_IFDS, _DNG_VERSION = 271, 330, 50706

MOST_ENTRIES = 1000
"""Entries of a directory that are read; cameras write about thirty."""


def orientation_in(tiff: bytes | bytearray) -> int:
    """How the picture is stored, 1 to 8: the EXIF tag Orientation (CIPA DC-008); 1, upright, for anything unclear.

    Only a single SHORT counts, as the standard defines it and browsers read it (Chromium's and Firefox's EXIF readers).
    """
    return _number(tiff, ORIENTATION, _SHORT) if _number(tiff, ORIENTATION, _SHORT) in range(1, 9) else 1


def is_camera_raw(tiff: bytes | bytearray) -> bool:
    """Whether a TIFF is a camera's raw file, whose first directory is only a small preview.

    It is a DNG, or has subdirectories together with a camera's make or a reduced picture (NEF, ARW and others that
    follow TIFF/EP, ISO 12234-2).
    """
    entries = _entries(tiff)
    reduced = _number(tiff, _NEW_SUBFILE_TYPE, _LONG) & _REDUCED
    return _DNG_VERSION in entries or (_SUB_IFDS in entries and (bool(reduced) or _MAKE in entries))


def _number(tiff: bytes | bytearray, tag: int, kind: int) -> int:
    """The tag's value if it is one number of this kind, else 0."""
    found, count, value = _entries(tiff).get(tag, (0, 0, b""))
    if (found, count) != (kind, 1):
        return 0
    order = _order(tiff)
    return int.from_bytes(value[: 2 if kind == _SHORT else 4], order)


def _entries(tiff: bytes | bytearray) -> dict[int, tuple[int, int, bytes]]:
    """Tag to type, count and the four bytes that hold the value or its offset."""
    start = len(_EXIF) if tiff[: len(_EXIF)] == _EXIF else 0
    sign = "<" if tiff[start : start + 2] == b"II" else ">"
    found: dict[int, tuple[int, int, bytes]] = {}
    try:
        byte_order, magic, at = struct.unpack_from(f"{sign}2sHI", tiff, start)
        if byte_order not in (b"II", b"MM") or magic != 42:
            return {}
        (count,) = struct.unpack_from(f"{sign}H", tiff, start + at)
        for entry in range(min(count, MOST_ENTRIES)):
            tag, kind, values, value = struct.unpack_from(f"{sign}HHI4s", tiff, start + at + 2 + 12 * entry)
            found.setdefault(tag, (kind, values, value))
    except struct.error:
        pass  # keep the entries before the end
    return found


def _order(tiff: bytes | bytearray) -> Literal["little", "big"]:
    start = len(_EXIF) if tiff[: len(_EXIF)] == _EXIF else 0
    return "little" if tiff[start : start + 2] == b"II" else "big"
