"""The chunks of a PNG (W3C, PNG third edition): the picture's own are handed on, the others are read here or left out.

Viewers leave out an ancillary chunk whose checksum is wrong; Pillow refuses the file for it.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from annotator.headers.tiff import orientation_in

_SIGNATURE = 8
_READ = {b"iCCP", b"cICP", b"gAMA", b"cHRM", b"sRGB", b"eXIf", b"tRNS"}

# What no camera writes and what costs time out of proportion to a file's size.
MOST_CHUNKS = 100_000
MOST_PROFILE = 4_000_000
"""Bytes of an ICC profile once it is unpacked; a printer's has two million at most."""


@dataclass(frozen=True, slots=True)
class Header:
    """`picture` is the parts of the file, from and to, that a decoder needs; the rest says how to show it.

    `code_points` are primaries and transfer of ITU-T H.273; `gamma` and `chromaticities` (white, red, green, blue, x
    and y each) as the file has them, times 100,000. All are None or empty where the file does not say.
    """

    picture: list[tuple[int, int]]
    bits: int
    orientation: int
    profile: bytes
    code_points: tuple[int, int] | None
    is_srgb: bool
    gamma: int | None
    chromaticities: tuple[int, ...] | None


def header_of(png: bytes | bytearray) -> Header:
    """Raises ValueError for more chunks than a photo has."""
    picture: list[tuple[int, int]] = [(0, _SIGNATURE)]
    said: dict[bytes, bytes] = {}
    for kind, start, end in _chunks(png):
        body = png[start + 8 : end - 4] if kind in _READ else b""
        if kind in _READ and zlib.crc32(kind + body) != int.from_bytes(png[end - 4 : end], "big"):
            continue
        said.setdefault(kind, bytes(body))
        if kind[:1].isupper() or kind == b"tRNS":
            if picture[-1][1] == start:
                picture[-1] = (picture[-1][0], end)
            else:
                picture.append((start, end))
    cicp, gamma, chromaticities = said.get(b"cICP", b""), said.get(b"gAMA", b""), said.get(b"cHRM", b"")
    return Header(
        picture=picture,
        bits=png[24] if len(png) > 24 else 8,
        orientation=orientation_in(said.get(b"eXIf", b"")),
        profile=_unpacked(said.get(b"iCCP", b"")),
        code_points=(cicp[0], cicp[1]) if len(cicp) == 4 else None,
        is_srgb=b"sRGB" in said,
        gamma=int.from_bytes(gamma, "big") if len(gamma) == 4 else None,
        chromaticities=struct.unpack(">8I", chromaticities) if len(chromaticities) == 32 else None,
    )


def _chunks(png: bytes | bytearray) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of each; the last one may be cut off or be no chunk at all, which is the decoder's matter."""
    at = _SIGNATURE
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(png):
            if at < len(png) and png[at + 4 : at + 8] != b"IEND":  # which is nothing but the end
                yield b"END?", at, len(png)
            return
        length, kind = struct.unpack_from(">I4s", png, at)
        end = at + 12 + length
        if end > len(png):
            yield b"END?", at, len(png)
            return
        yield kind, at, end
        if kind == b"IEND":
            return
        at = end
    raise ValueError(f"more than {MOST_CHUNKS} chunks")


def _unpacked(iccp: bytes) -> bytes:
    """The profile that follows its name, a NUL and the method 0; empty if it is broken."""
    name, _, packed = iccp.partition(b"\x00")
    if not name or packed[:1] != b"\x00":
        return b""
    try:
        return zlib.decompressobj().decompress(packed[1:], MOST_PROFILE)
    except zlib.error:
        return b""
