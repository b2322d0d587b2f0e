"""Reads the properties of a HEIC's or AVIF's picture (ISO/IEC 14496-12 and 23008-12): crop, turns, colours, codec."""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

Crop = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""

# More than any camera writes. Without a limit, a small file could take a long time.
MOST_BOXES = 20_000


@dataclass(slots=True)
class Header:
    """The primary picture. `coding` is its item type, `hvc1` or `av01`; for a grid, the type of its tiles.

    `width` and `height` are those of the coded picture. Viewers first crop it (`crop`, at byte `crop_at` of the file)
    and then turn it (`turns`, in order: `irot` with quarter turns anticlockwise, `imir` with its axis).
    `code_points` are the primaries and the transfer of ITU-T H.273. `deep`: AV1 samples have more than 8 bits.
    `full`: there are more colour samples than one for four pixels (4:2:0).
    """

    coding: bytes = b""
    width: int = 0
    height: int = 0
    crop: Crop | None = None
    turns: list[tuple[bytes, int]] = field(default_factory=list)
    crop_at: int = 0
    code_points: tuple[int, int] | None = None
    deep: bool = False
    full: bool = False

    def upright_crop(self) -> Crop | None:
        """The crop in the coordinates of the turned picture: left, top, width, height."""
        if self.crop is None:
            return None
        left, top, wide, high = self.crop
        width, height = self.width, self.height
        for kind, value in self.turns:
            if kind == b"irot":
                for _ in range(value & 3):
                    left, top, wide, high = top, width - left - wide, high, wide
                    width, height = height, width
            elif value & 1:
                left = width - left - wide
            else:
                top = height - top - high
        return left, top, wide, high


def header_of(heif: bytes | bytearray) -> Header:
    """The properties that can be read. The decoder will reject a damaged file."""
    found = Header()
    with suppress(struct.error, LookupError, ValueError, ZeroDivisionError):
        _read(heif, found)
    return found


def _read(heif: bytes | bytearray, found: Header) -> None:
    meta = _first(heif, b"meta", 0, len(heif))
    inside = (meta[0] + 4, meta[1])  # its version and flags come first
    at, _ = _first(heif, b"pitm", *inside)
    primary = _number(heif, at + 4, 4 if heif[at] else 2)
    kinds = _item_types(heif, *_first(heif, b"iinf", *inside))
    found.coding = kinds.get(primary, b"")
    if found.coding in (b"grid", b"iovl", b"iden"):
        coded = (kind for kind in kinds.values() if kind in (b"hvc1", b"av01"))
        found.coding = next(coded, found.coding)
    inside = _first(heif, b"iprp", *inside)
    properties = list(_boxes(heif, *_first(heif, b"ipco", *inside)))
    for kind, start, end in properties:
        if kind == b"av1C" and end - start >= 4:  # AV1 in ISOBMFF 1.2, 2.3.3; a grid's tiles have it, not the grid
            found.deep, found.full = bool(heif[start + 2] & 0x40), heif[start + 2] & 0x0C != 0x0C
    for number in _associated(heif, primary, *_first(heif, b"ipma", *inside)):
        if not 0 < number <= len(properties):
            continue
        kind, start, end = properties[number - 1]
        if kind == b"ispe":
            found.width, found.height = struct.unpack_from(">II", heif, start + 4)
        elif kind == b"clap" and end - start >= 32:
            found.crop_at = start
        elif kind in (b"irot", b"imir"):
            found.turns.append((kind, heif[start]))
        elif kind == b"colr" and heif[start : start + 4] == b"nclx":
            found.code_points = struct.unpack_from(">HH", heif, start + 4)
    if found.crop_at:
        found.crop = _clean_aperture(heif, found.crop_at, found.width, found.height)


def remove_crop(heif: bytearray, header: Header) -> None:
    """Make the crop as large as the picture, for a decoder that would reject a smaller one."""
    whole = struct.pack(">IIIIiIiI", header.width, 1, header.height, 1, 0, 1, 0, 1)
    heif[header.crop_at : header.crop_at + len(whole)] = whole


def _clean_aperture(heif: bytes | bytearray, at: int, width: int, height: int) -> Crop | None:
    """Left, top, width and height in whole pixels; None if the crop is not inside the picture."""
    numbers = struct.unpack_from(">IIIIiIiI", heif, at)
    wide, high, right, down = (numbers[n] / numbers[n + 1] for n in (0, 2, 4, 6))
    left, top = int(width / 2 + right - wide / 2), int(height / 2 + down - high / 2)
    size = int(wide), int(high)
    if min(left, top) < 0 or min(size) < 1 or left + size[0] > width or top + size[1] > height:
        return None
    return left, top, *size


def _boxes(heif: bytes | bytearray, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type of each box, and start and end of its content."""
    for _ in range(MOST_BOXES):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", heif, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", heif, start)
            start += 8
        after = end if size == 0 else at + size
        if after < start or after > end:
            return
        yield kind, start, after
        at = after


def _first(heif: bytes | bytearray, wanted: bytes, at: int, end: int) -> tuple[int, int]:
    for kind, start, after in _boxes(heif, at, end):
        if kind == wanted:
            return start, after
    raise LookupError(wanted)


def _item_types(heif: bytes | bytearray, at: int, end: int) -> dict[int, bytes]:
    entries = at + (6 if heif[at] == 0 else 8)
    kinds: dict[int, bytes] = {}
    for kind, start, _ in _boxes(heif, entries, end):
        if kind == b"infe" and heif[start] in (2, 3):
            wide = 2 if heif[start] == 2 else 4
            kinds[_number(heif, start + 4, wide)] = bytes(heif[start + 6 + wide : start + 10 + wide])
    return kinds


def _associated(heif: bytes | bytearray, item: int, at: int, end: int) -> list[int]:
    """The numbers of the item's properties, counted from 1."""
    version, large = heif[at], heif[at + 3] & 1
    (count,) = struct.unpack_from(">I", heif, at + 4)
    at += 8
    for _ in range(min(count, MOST_BOXES)):
        wide = 4 if version else 2
        this, properties = _number(heif, at, wide), heif[at + wide]
        at += wide + 1
        if this == item:
            if large:
                return [_number(heif, at + 2 * n, 2) & 0x7FFF for n in range(properties)]
            return [heif[at + n] & 0x7F for n in range(properties)]
        at += properties * (2 if large else 1)
        if at > end:
            break
    return []


def _number(heif: bytes | bytearray, at: int, size: int) -> int:
    return int.from_bytes(heif[at : at + size], "big")
