"""Reads the chunks of a PNG (W3C, PNG third edition), and finds those that the decoder needs.

Viewers ignore an ancillary chunk with a wrong checksum, but Pillow rejects the whole file. So the decoder gets only
the chunks of the picture itself.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from annotator.headers.tiff import orientation_in

_SIGNATURE = 8
_READ = {b"iCCP", b"cICP", b"gAMA", b"cHRM", b"sRGB", b"eXIf", b"tRNS"}

# More than any camera writes. Without a limit, a small file could take a long time.
MOST_CHUNKS = 100_000
MOST_PROFILE = 4_000_000
"""Bytes of an unpacked ICC profile; printers' profiles have two million at most."""


@dataclass(frozen=True, slots=True)
class Header:
    """`picture` holds the ranges of the file that a decoder needs.

    `code_points` are the primaries and the transfer of ITU-T H.273. `gamma` and `chromaticities` (x and y of white,
    red, green and blue) are times 100,000, as in the file. All are None or empty if the file does not have them.
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
    bodies: dict[bytes, bytes] = {}
    for kind, start, end in _chunks(png):
        body = png[start + 8 : end - 4] if kind in _READ else b""
        if kind in _READ and zlib.crc32(kind + body) != int.from_bytes(png[end - 4 : end], "big"):
            continue
        bodies.setdefault(kind, bytes(body))
        if kind[:1].isupper() or kind == b"tRNS":
            if picture[-1][1] == start:
                picture[-1] = (picture[-1][0], end)
            else:
                picture.append((start, end))
    cicp, gamma, chromaticities = bodies.get(b"cICP", b""), bodies.get(b"gAMA", b""), bodies.get(b"cHRM", b"")
    return Header(
        picture=picture,
        bits=png[24] if len(png) > 24 else 8,
        orientation=orientation_in(bodies.get(b"eXIf", b"")),
        profile=_unpacked(bodies.get(b"iCCP", b"")),
        code_points=(cicp[0], cicp[1]) if len(cicp) == 4 else None,
        is_srgb=b"sRGB" in bodies,
        gamma=int.from_bytes(gamma, "big") if len(gamma) == 4 else None,
        chromaticities=struct.unpack(">8I", chromaticities) if len(chromaticities) == 32 else None,
    )


def _chunks(png: bytes | bytearray) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of each chunk. A truncated chunk has the type `END?`, and the decoder will reject it."""
    at = _SIGNATURE
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(png):
            if at < len(png) and png[at + 4 : at + 8] != b"IEND":  # a truncated IEND loses nothing
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
    """The profile after its name, a NUL and the compression method 0; empty if it is broken."""
    name, _, packed = iccp.partition(b"\x00")
    if not name or packed[:1] != b"\x00":
        return b""
    try:
        return zlib.decompressobj().decompress(packed[1:], MOST_PROFILE)
    except zlib.error:
        return b""
