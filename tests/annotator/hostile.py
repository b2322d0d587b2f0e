"""Hostile files, and odd files that people send: eight hundred, all generated, none stored.

`files()` names them and makes each when it is asked to; `tests/annotator/playing.py` plays the function to them.
"""

import dataclasses
import functools
import io
import itertools
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from tests.annotator import heic as heic_module
from tests.annotator.heic import heic
from tests.annotator.photos import encoded, quarters


@dataclass(frozen=True)
class Hostile:
    """One file. `expected` is what must become of it: "opened", "rejected", or "either" where both are right.

    `heavy` ones take seconds to make or to judge, and run in the long version only.
    """

    name: str
    make: Callable[[], bytes]
    expected: str = "either"
    key: str | None = None
    heavy: bool = False


def files() -> list[Hostile]:
    """All of them, in an order that does not change; no two share a name or a key."""
    some = [
        *_broken(),
        *_bombs(),
        *_sizes(),
        *_kinds(),
        *_metadata(),
        *_animated(),
        *_not_photos(),
        *_keys(),
        *_slow(),
    ]
    names = [each.name for each in some]
    assert len(set(names)) == len(names)
    return [each if each.key else dataclasses.replace(each, key=f"{each.name}.jpg") for each in some]


def _ready(name: str, data: bytes, expected: str = "either", key: str | None = None) -> Hostile:
    return Hostile(name, lambda: data, expected, key)


# --- ordinary files, to be broken -------------------------------------------------------------------------------


@functools.cache
def ordinary() -> dict[str, bytes]:
    """A small photo in every format and in the ways that formats have."""
    pixels = quarters(192, 128)
    speckled = cv2.add(pixels, np.random.default_rng(1).integers(0, 40, pixels.shape, np.uint8))
    return {
        "jpeg": encoded(speckled, "JPEG", quality=80, orientation=6),
        "progressive": encoded(speckled, "JPEG", quality=80, progressive=True),
        "png": encoded(speckled, "PNG", orientation=3),
        "interlaced": interlaced_png(192, 128),
        "webp": encoded(speckled, "WEBP", orientation=6),
        "lossless-webp": encoded(pixels, "WEBP", lossless=True),
        "heic": heic(pixels),
        "avif": encoded(speckled, "AVIF", quality=60),
        "gif": encoded(pixels, "GIF", mode="P"),
        "tiff": encoded(speckled, "TIFF", compression="tiff_lzw"),
        "tiff-jpeg": encoded(speckled, "TIFF", compression="jpeg"),
        "bmp": encoded(pixels, "BMP"),
        "bmp-rle": bmp_rle(192, 128, bytes([192, 3, 0, 0]) * 128),
    }


def _broken() -> Iterator[Hostile]:
    for name, whole in ordinary().items():
        sizes = {1, 3, 12, 30, 100, 400, len(whole) // 4, len(whole) // 2, len(whole) - 100, len(whole) - 1}
        for size in sorted(sizes):
            if size < len(whole):
                yield _ready(f"{name}-cut-at-{size}", whole[:size])
        for seed in range(20):
            yield Hostile(f"{name}-flipped-{seed}", lambda w=whole, s=seed: flipped(w, s), heavy=seed > 4)
        yield _ready(f"{name}-zeroed", whole[:64] + bytes(len(whole) - 64))
        yield _ready(f"{name}-ones", whole[:64] + b"\xff" * (len(whole) - 64))
        yield _ready(f"{name}-twice", whole + whole)
        yield _ready(f"{name}-backwards", whole[:16] + whole[:15:-1])


def flipped(whole: bytes, seed: int) -> bytes:
    """A file with a few bits turned over: first in its header, then anywhere."""
    chance = random.Random(seed)
    data = bytearray(whole)
    for _ in range(1 + seed // 2):
        data[chance.randrange(8, min(len(data), 512 if seed % 2 else len(data)))] ^= 1 << chance.randrange(8)
    return bytes(data)


# --- JPEG ---------------------------------------------------------------------------------------------------------


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG's marker segment (ITU-T T.81, annex B)."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(width: int, height: int, *, scans: int = 0, progressive: bool = False, components: int = 1) -> bytes:
    """A black JPEG of any size in next to no bytes: one bit a block, and `scans` passes that change nothing.

    A progressive one says in two bytes that 16,384 blocks stay as they are (T.81, G.1.2.2).
    """
    frame = struct.pack(">BHHB", 8, height, width, components)
    frame += b"".join(bytes([number + 1, 0x11, 0]) for number in range(components))
    blocks = -(-width // 8) * -(-height // 8)
    each = b"".join(bytes([number + 1, 0]) for number in range(components))
    spectrum = b"\0\0\0" if progressive else b"\0\x3f\0"
    bits = blocks * components * (1 if progressive else 2)
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xDB, b"\0" + b"\1" * 64),
            segment(0xC2 if progressive else 0xC0, frame),
            segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\0"),
            segment(0xC4, b"\x10" + bytes([1, 1] + [0] * 14) + b"\0\xe0"),
            segment(0xDA, bytes([components]) + each + spectrum),
            bytes(-(-bits // 8)),
            (segment(0xDA, b"\1\1\0\1\x3f\0") + b"\x80\0" * -(-blocks // 16384)) * scans,
            b"\xff\xd9",
        )
    )


def claiming(width: int, height: int, whole: bytes) -> bytes:
    """A JPEG whose frame header claims another size."""
    data = bytearray(whole)
    at = next(at for at in (data.find(bytes([0xFF, kind, 0, 17])) for kind in (0xC0, 0xC1, 0xC2)) if at >= 0)
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def noisy_jpeg(width: int, height: int) -> bytes:
    """A large JPEG that is as dear to decode as any: one row of noise again and again, between restart markers."""
    noise = np.random.default_rng(1).integers(0, 255, (16, width, 3), np.uint8)
    row = encoded(noise, "JPEG", quality=40, restart_marker_rows=1)
    start = row.index(b"\xff\xda")
    start += 2 + int.from_bytes(row[start + 2 : start + 4], "big")
    count = -(-height // 16)
    rows = [
        row[start:-2] + (bytes([0xFF, 0xD0 + number % 8]) if number < count - 1 else b"") for number in range(count)
    ]
    return claiming(width, height, row[:start]) + b"".join(rows) + b"\xff\xd9"


def two_headed_jpeg() -> bytes:
    """Who takes FF 00 for a segment reads a small photo; libjpeg skips it and finds 900 megapixels to hold at once."""
    hidden = jpeg(30000, 30000, progressive=True, components=3)[2:60000]
    after_soi = ordinary()["jpeg"][2:]
    return b"\xff\xd8\xff\xe0\0\2\xff\0" + struct.pack(">H", len(hidden) + 2) + hidden + after_soi


def into_jpeg(*segments: bytes, whole: bytes | None = None) -> bytes:
    """An ordinary JPEG with segments after its beginning."""
    whole = whole or encoded(quarters(192, 128), "JPEG")
    return whole[:2] + b"".join(segments) + whole[2:]


# --- PNG, GIF, BMP, TIFF, AVIF, HEIC ---------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG's chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int,
    height: int,
    *chunks: bytes,
    depth: int = 8,
    colour: int = 2,
    rows: bytes | None = None,
    interlace: int = 0,
) -> bytes:
    """A PNG of these claims, with other chunks in the middle; `rows` are the unpacked bytes, too few by default."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            *chunks,
            chunk(b"IDAT", zlib.compress(bytes(100) if rows is None else rows, 1)),
            chunk(b"IEND", b""),
        )
    )


def interlaced_png(width: int, height: int) -> bytes:
    """Adam7: seven small pictures one after another."""
    rows = b""
    for x, y, across, down in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        rows += (b"\0" + b"\x60" * (3 * -(-(width - x) // across))) * -(-(height - y) // down)
    return png(width, height, rows=rows, interlace=1)


def into_gif(*extensions: bytes) -> bytes:
    """A GIF with blocks before its picture."""
    whole = ordinary()["gif"]
    at = 13 + (3 << ((whole[10] & 7) + 1) if whole[10] & 0x80 else 0)
    return whole[:at] + b"".join(extensions) + whole[at:]


def gif_bomb(width: int, height: int) -> bytes:
    """A GIF's canvas of any size, and a picture of any size on it."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\2\2\x4c\1\0;"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame


def bmp_rle(width: int, height: int, runs: bytes, compression: int = 1) -> bytes:
    """A BMP whose rows are runs of a count and a colour."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(runs), 0, 0, 256, 0)
    palette = b"".join(bytes([shade, 255 - shade, 90, 0]) for shade in range(256))
    return b"BM" + struct.pack("<IHHI", 1078 + len(runs), 0, 0, 1078) + header + palette + runs


def tiff(entries: dict[int, tuple[int, int, int]], payload: bytes = b"", following: int = 0) -> bytes:
    """A TIFF of one directory: tag to type, count, value. The value -1 stands for where `payload` lies."""
    at = 8 + 2 + 12 * len(entries) + 4
    directory = b"".join(
        struct.pack("<HHII", tag, kind, count, at if value == -1 else value)
        for tag, (kind, count, value) in sorted(entries.items())
    )
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + directory + struct.pack("<I", following) + payload


def grey_tiff(width: int, height: int, payload: bytes, *, compression: int = 8, **more: int) -> bytes:
    """A grey TIFF in one strip of packed rows; `more` are tags named t256 and so on."""
    tags = {256: width, 257: height, 258: 8, 259: compression, 262: 1, 273: -1, 277: 1, 278: height, 279: len(payload)}
    tags |= {int(name[1:]): value for name, value in more.items()}
    return tiff({tag: (4, 1, value) for tag, value in tags.items()}, payload)


def tiled_tiff(tile: int, unpacked: int) -> bytes:
    """200 x 200 pixels out of one tile that is far larger and unpacks to so many bytes."""
    packed = _zeros_packed(unpacked)
    tags = {256: 200, 257: 200, 258: 8, 259: 8, 262: 1, 277: 1, 322: tile, 323: tile, 324: -1, 325: len(packed)}
    return tiff({tag: (4, 1, value) for tag, value in tags.items()}, packed)


def _zeros_packed(size: int) -> bytes:
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(2**20)) for _ in range(size >> 20)]
    return b"".join((*parts, packer.compress(bytes(size & (2**20 - 1))), packer.flush()))


def lying_avif(truth: int, claim: int) -> bytes:
    """An AVIF whose container claims a small square, and whose picture is a large one."""
    file = io.BytesIO()
    Image.new("RGB", (truth, truth), (90, 120, 150)).save(file, "AVIF", speed=10, quality=10)
    return file.getvalue().replace(struct.pack(">II", truth, truth), struct.pack(">II", claim, claim))


def lying_heic(truth: int) -> bytes:
    """A HEIC whose container claims 192 x 128, and whose sequence header claims a large square."""
    honest = heic_module._hevc_configuration
    heic_module._hevc_configuration = lambda *_: heic_module._hevc_configuration_of(truth, truth, truth, truth)
    try:
        return heic(quarters(192, 128))
    finally:
        heic_module._hevc_configuration = honest


def _bombs() -> Iterator[Hostile]:
    def refused(name: str, make: Callable[[], bytes], heavy: bool = False) -> Hostile:
        return Hostile(f"bomb-{name}", make, "rejected", heavy=heavy)

    for size in (20_000, 65_500):
        yield refused(f"png-{size}", lambda size=size: png(size, size))
        yield refused(f"png-grey-alpha-{size}", lambda size=size: png(size, size, colour=4))
        yield refused(f"png-16-bit-{size}", lambda size=size: png(size, size, depth=16, colour=6))
        yield refused(f"png-interlaced-{size}", lambda size=size: png(size, size, interlace=1))
        yield refused(f"gif-{size}", lambda size=size: gif_bomb(size, size))
        yield refused(f"bmp-{size}", lambda size=size: bmp_rle(size, size, b"\xff\0" * 100))
        yield refused(f"tiff-{size}", lambda size=size: grey_tiff(size, size, _zeros_packed(1000)))
        yield refused(f"jpeg-progressive-{size}", lambda size=size: jpeg(size, size, progressive=True)[:9000])
        yield refused(f"jpeg-{size}", lambda size=size: claiming(size, size, ordinary()["jpeg"]))
        yield refused(f"avif-{size}", lambda size=size: _patched("avif", size))
        yield refused(f"heic-{size}", lambda size=size: _patched("heic", size))
    yield refused("png-2-to-the-31", lambda: png(2**31 - 1, 2**31 - 1))
    yield refused("png-2-to-the-32", lambda: png(2**32 - 1, 2**32 - 1))
    yield refused("png-no-width", lambda: png(0, 200))
    yield Hostile("bomb-png-unpacks-to-300-mb", lambda: png(300, 300, rows=bytes(300_000_000)), heavy=True)
    yield refused(
        "png-profile-unpacks-to-200-mb",
        lambda: png(300, 300, chunk(b"iCCP", b"x\0\0" + _zeros_packed(200 << 20))),
        heavy=True,
    )
    for kind in (b"zTXt", b"iTXt"):
        text = (b"x\0\0" if kind == b"zTXt" else b"x\0\1\0\0\0") + _zeros_packed(64 << 20)
        yield refused(
            f"png-{kind.decode()}-unpacks-to-64-mb", lambda kind=kind, text=text: png(300, 300, chunk(kind, text))
        )
    yield refused("tiff-tile-of-400-megapixels", lambda: tiled_tiff(20_000, 400 << 20))
    yield refused("tiff-tile-of-4-gigapixels", lambda: tiled_tiff(65_520, 64 << 20))
    yield Hostile(
        "bomb-tiff-strip-longer-than-the-photo", lambda: grey_tiff(200, 200, _zeros_packed(16 << 20), t278=2**32 - 1)
    )
    yield refused("bmp-negative-width", lambda: bmp_rle(-200, 200, b"\xff\0" * 100))
    yield Hostile("bomb-bmp-upside-down", lambda: bmp_rle(200, -200, b"\xc8\0\0\0" * 200))
    yield refused("jpeg-of-two-heads", two_headed_jpeg)
    yield refused("jpeg-no-height", lambda: claiming(200, 0, ordinary()["jpeg"]))
    yield refused("avif-of-268-megapixels-claims-400-pixels", lambda: lying_avif(16384, 400), heavy=True)
    yield Hostile("bomb-avif-of-9-megapixels-claims-400-pixels", lambda: lying_avif(3000, 400))
    yield refused("heic-of-67-megapixels-claims-192-pixels", lambda: lying_heic(8192))
    yield refused("heic-of-268-megapixels-claims-192-pixels", lambda: lying_heic(16384))
    yield refused("webp-16383", lambda: _webp_claiming(16383, 16383))


def _patched(name: str, size: int) -> bytes:
    return ordinary()[name].replace(struct.pack(">II", 192, 128), struct.pack(">II", size, size))


def _webp_claiming(width: int, height: int) -> bytes:
    data = bytearray(ordinary()["lossless-webp"])
    at = data.index(b"VP8L") + 9
    data[at : at + 4] = ((width - 1) | (height - 1) << 14).to_bytes(4, "little")
    return bytes(data)


def _slow() -> Iterator[Hostile]:
    """Cheap to send and dear to read: many small parts, many passes. Those of 75 MB are heavy to make and to send."""

    def refused(name: str, make: Callable[[], bytes], heavy: bool = True) -> Hostile:
        return Hostile(f"slow-{name}", make, "rejected", heavy=heavy)

    many = 75_000_000
    yield refused("png-private-chunks", lambda: png(200, 200, chunk(b"prVt", b"") * (many // 12)))
    yield refused("png-empty-data", lambda: png(200, 200, chunk(b"IDAT", b"") * (many // 12)))
    yield refused(
        "png-animation-frames", lambda: png(200, 200, chunk(b"acTL", bytes(8)), chunk(b"fcTL", bytes(26)) * 10**6)
    )
    yield refused("gif-extensions", lambda: into_gif(b"!\xfe\0" * (many // 3)))
    yield Hostile(
        "slow-gif-comment", lambda: into_gif(b"!\xfe", (b"\xff" + b"x" * 255) * (many // 256), b"\0"), heavy=True
    )
    yield refused("bmp-runs-of-one-pixel", lambda: bmp_rle(7000, 7000, b"\1\0" * (many // 2)))
    yield refused("jpeg-empty-segments", lambda: into_jpeg(b"\xff\xfe\0\2" * (many // 4)))
    yield refused("png-of-350000-chunks", lambda: png(200, 200, chunk(b"prVt", b"") * 350_000), heavy=False)
    yield refused("bmp-of-640000-runs", lambda: bmp_rle(800, 800, b"\1\0" * 640_000), heavy=False)
    yield refused("jpeg-of-20000-segments", lambda: into_jpeg(b"\xff\xe5\0\2" * 20_000), heavy=False)
    yield Hostile("slow-jpeg-fill-bytes", lambda: into_jpeg(b"\xff" * many), "opened", heavy=True)
    yield refused("jpeg-of-5000-scans", lambda: jpeg(7000, 7000, scans=5000, progressive=True), heavy=False)
    yield Hostile("slow-jpeg-of-400-scans", lambda: jpeg(7000, 7000, scans=400, progressive=True), "opened", heavy=True)
    yield Hostile("slow-jpeg-comments", lambda: into_jpeg(segment(0xFE, bytes(65_000)) * 1150), "opened", heavy=True)
    yield Hostile("slow-tiff-rows-as-strips", _tiff_of_strips, heavy=True)


def _tiff_of_strips() -> bytes:
    """Each of 60,000 rows in a strip of its own, all of them the same bytes."""
    rows, at = 60_000, 8 + 2 + 12 * 9 + 4
    tags = {
        256: (4, 1, 500),
        257: (4, 1, rows),
        258: (3, 1, 8),
        259: (3, 1, 1),
        262: (3, 1, 1),
        277: (3, 1, 1),
        273: (4, rows, at),
        278: (4, 1, 1),
        279: (4, rows, at + 4 * rows),
    }
    return tiff(tags, struct.pack("<I", at) * rows + struct.pack("<I", 500) * rows)


# --- sizes and kinds ----------------------------------------------------------------------------------------------


def _sizes() -> Iterator[Hostile]:
    for width, height in ((1, 1), (79, 200), (200, 79), (79, 79), (2, 5000)):
        for format_ in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"):
            small = np.full((height, width, 3), 99, np.uint8)
            yield Hostile(
                f"{format_}-{width}-x-{height}",
                lambda small=small, format_=format_: encoded(small, format_),
                "rejected",
            )
    for format_ in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"):
        yield Hostile(f"{format_}-80-x-80", lambda format_=format_: encoded(quarters(80, 80), format_), "opened")
    yield Hostile("heic-80-x-80", lambda: heic(quarters(80, 80)), "opened")
    yield Hostile("heic-64-x-64", lambda: heic(quarters(64, 64)), "rejected")
    yield Hostile("strip-of-80-x-16000", lambda: encoded(np.full((80, 16000, 3), 80, np.uint8), "JPEG"), "rejected")
    yield Hostile("strip-of-80-x-65000", lambda: jpeg(80, 65_000), "rejected")
    yield Hostile("strip-of-80-x-4000", lambda: jpeg(80, 4000), "opened")
    yield Hostile("jpeg-of-64-megapixels", lambda: jpeg(8000, 8000), "opened")
    yield Hostile("jpeg-of-200-megapixels", lambda: jpeg(20_000, 10_000, components=3), "opened", heavy=True)
    yield Hostile("jpeg-of-200-megapixels-of-noise", lambda: noisy_jpeg(20_000, 10_000), "opened", heavy=True)
    yield Hostile("jpeg-of-268-megapixels", lambda: jpeg(16_384, 16_384, components=3), "opened", heavy=True)
    yield Hostile("jpeg-of-400-megapixels", lambda: jpeg(20_000, 20_000), "rejected")
    yield Hostile(
        "progressive-jpeg-of-49-megapixels",
        lambda: jpeg(7000, 7000, scans=10, progressive=True, components=3),
        "opened",
        heavy=True,
    )
    yield Hostile(
        "png-of-58-megapixels", lambda: png(8800, 6600, rows=bytes((3 * 8800 + 1) * 6600)), "opened", heavy=True
    )
    yield Hostile(
        "png-of-200-megapixels",
        lambda: png(20_000, 10_000, depth=1, colour=0, rows=bytes(2501 * 10_000)),
        "rejected",
        heavy=True,
    )
    for name, kind, edge, size in (
        ("59-megapixels-and-private", b"prVt", 7700, 78_000_000),
        ("59-megapixels-and-exif", b"eXIf", 7700, 78_000_000),
        ("25-megapixels-and-exif", b"eXIf", 5000, 70_000_000),
        ("20-megapixels-and-private", b"prVt", 4500, 78_000_000),
    ):
        yield Hostile(
            f"png-of-{name}-data",
            lambda kind=kind, edge=edge, size=size: png(
                edge, edge, chunk(kind, bytes(size)), rows=bytes((3 * edge + 1) * edge)
            ),
            heavy=True,
        )
    yield Hostile("png-interlaced-50-megapixels", lambda: interlaced_png(8200, 6100), "opened", heavy=True)
    yield Hostile(
        "png-16-bit-alpha-28-megapixels",
        lambda: png(6100, 4600, depth=16, colour=6, rows=bytes((8 * 6100 + 1) * 4600)),
        heavy=True,
    )
    yield Hostile(
        "tiff-of-35-megapixels", lambda: grey_tiff(7000, 5000, _zeros_packed(35_000_000)), "opened", heavy=True
    )
    yield Hostile(
        "tiff-lzw-of-35-megapixels", lambda: _large("TIFF", 7000, 5000, compression="tiff_lzw"), "opened", heavy=True
    )
    yield Hostile("gif-of-42-megapixels", lambda: _large("GIF", 7000, 6000, mode="L"), "opened", heavy=True)
    yield Hostile(
        "bmp-of-54-megapixels",
        lambda: bmp_rle(9000, 6000, bytes([255, 1] * 35 + [75, 1, 0, 0]) * 6000),
        "opened",
        heavy=True,
    )
    yield Hostile(
        "webp-of-18-megapixels", lambda: _large("WEBP", 5200, 3460, quality=10, method=0), "opened", heavy=True
    )
    yield Hostile(
        "lossless-webp-of-18-megapixels",
        lambda: _large("WEBP", 5200, 3460, lossless=True, method=0),
        "opened",
        heavy=True,
    )
    yield Hostile(
        "avif-of-27-megapixels", lambda: _large("AVIF", 6000, 4500, speed=10, quality=10), "opened", heavy=True
    )
    yield Hostile("heic-of-12-megapixels", lambda: _heic_of(4000, 3000), "opened", heavy=True)
    yield Hostile("file-of-79-megabytes", lambda: ordinary()["png"] + bytes(79_000_000), "opened", heavy=True)
    yield Hostile("file-of-81-megabytes", lambda: ordinary()["jpeg"] + bytes(81_000_000), "rejected", heavy=True)


def _large(format_: str, width: int, height: int, *, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    ramp = np.linspace(20, 230, width).astype(np.uint8)
    grey = Image.fromarray(np.repeat(ramp[None], height, 0))
    grey.convert(mode).save(file, format_, **options)
    return file.getvalue()


def _heic_of(width: int, height: int) -> bytes:
    """Flat, so that no three bytes of its samples need escaping."""
    return heic(np.full((height, width, 3), 120, np.uint8))


def _kinds() -> Iterator[Hostile]:
    def opened(name: str, make: Callable[[], bytes]) -> Hostile:
        return Hostile(f"kind-{name}", make, "opened")

    pixels = quarters(192, 128)
    for format_, modes in {
        "JPEG": ("L", "CMYK", "YCbCr"),
        "PNG": ("1", "L", "LA", "P", "PA", "RGBA", "I;16"),
        "GIF": ("1", "L", "P"),
        "TIFF": ("1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"),
        "BMP": ("1", "L", "P", "RGBA"),
        "WEBP": ("RGBA", "L"),
        "AVIF": ("RGBA", "L"),
    }.items():
        for mode in modes:
            name = f"kind-{format_}-{mode.replace(';', '-')}"
            expected = "rejected" if mode in ("I", "F") else "opened"  # samples that no photo has
            if (format_, mode) != ("PNG", "PA"):
                yield Hostile(name, lambda f=format_, m=mode: _in_mode(pixels, f, m), expected)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "lzma", "zstd"):
        yield Hostile(f"kind-tiff-{compression}", lambda c=compression: encoded(pixels, "TIFF", compression=c))
    for compression in ("group3", "group4", "tiff_ccitt"):
        yield Hostile(
            f"kind-tiff-{compression}", lambda c=compression: encoded(pixels, "TIFF", mode="1", compression=c)
        )
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        yield opened(
            f"jpeg-{subsampling.replace(':', '')}", lambda s=subsampling: encoded(pixels, "JPEG", subsampling=s)
        )
    yield opened("jpeg-grey-with-a-bogus-adobe-segment", lambda: into_jpeg(segment(0xEE, b"Adobe\0d\0\0\0\0\2")))
    yield opened("jpeg-restart-markers", lambda: encoded(pixels, "JPEG", restart_marker_blocks=1))
    yield opened("jpeg-optimised", lambda: encoded(pixels, "JPEG", optimize=True, quality=100))
    yield opened("16-bit-png", lambda: cv2.imencode(".png", pixels.astype(np.uint16) * 257)[1].tobytes())
    yield opened("16-bit-tiff", lambda: cv2.imencode(".tiff", pixels.astype(np.uint16) * 257)[1].tobytes())
    yield Hostile("kind-float-tiff", lambda: cv2.imencode(".tiff", pixels.astype(np.float32) / 255)[1].tobytes())
    yield Hostile("kind-arithmetic-jpeg", lambda: ordinary()["jpeg"].replace(b"\xff\xc0", b"\xff\xc9", 1))
    yield Hostile("kind-lossless-jpeg", lambda: ordinary()["jpeg"].replace(b"\xff\xc0", b"\xff\xc3", 1))
    yield Hostile(
        "kind-12-bit-jpeg", lambda: ordinary()["jpeg"].replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c", 1)
    )
    yield Hostile("kind-differential-jpeg", lambda: ordinary()["jpeg"].replace(b"\xff\xc0", b"\xff\xc5", 1), "rejected")
    yield Hostile("kind-jpeg-of-five-colours", lambda: jpeg(200, 200, components=5), "rejected")
    yield Hostile(
        "kind-jpeg-tables-only", lambda: b"\xff\xd8" + segment(0xDB, b"\0" + b"\1" * 64) + b"\xff\xd9", "rejected"
    )
    yield Hostile(
        "kind-jpeg-scan-before-frame", lambda: b"\xff\xd8" + segment(0xDA, b"\1\1\0\0\x3f\0") + bytes(90), "rejected"
    )
    yield opened("jpeg-fill-bytes", lambda: into_jpeg(b"\xff" * 1000))
    for name, extension in (("j2k", "JPEG2000"), ("jp2", "JPEG2000")):
        yield Hostile(f"kind-{name}", lambda n=name, e=extension: _jpeg_2000(pixels, n), "rejected")
    yield _ready("kind-jpeg-xl", b"\xff\x0a" + bytes(200), "rejected")
    yield _ready("kind-jpeg-xl-boxed", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(200), "rejected")
    yield Hostile("kind-raw-of-a-camera", _camera_raw, key="DSC_0042.NEF")
    yield Hostile("kind-big-tiff", lambda: b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + bytes(200), "rejected")
    yield opened("mpo", lambda: _several("MPO", "JPEG"))
    yield opened("motion-photo", lambda: ordinary()["jpeg"] + _video() + bytes(100_000))
    yield opened("photo-with-mp4-after-png", lambda: ordinary()["png"] + _video())


def _in_mode(pixels: np.ndarray, format_: str, mode: str) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels[..., ::-1]))
    if mode in ("I;16", "I", "F"):
        grey = np.asarray(image.convert("L"))
        image = Image.fromarray(grey.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]))
    elif mode == "LAB":
        image = Image.frombytes("LAB", image.size, image.tobytes())
    else:
        image = image.convert(mode)
    image.save(file, format_)
    return file.getvalue()


def _jpeg_2000(pixels: np.ndarray, name: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG2000", no_jp2=name == "j2k")
    return file.getvalue()


def _camera_raw() -> bytes:
    """As a Nikon writes it: a TIFF of a thumbnail; the picture is elsewhere, in a coding of its own."""
    thumbnail = bytes(160 * 120 * 3)
    tags = {
        256: 160,
        257: 120,
        258: 8,
        259: 1,
        262: 2,
        273: -1,
        277: 3,
        278: 120,
        279: len(thumbnail),
        330: 8,
        34665: 8,
    }
    return tiff({tag: (4, 1, value) for tag, value in tags.items()}, thumbnail + random.Random(1).randbytes(50_000))


def _video() -> bytes:
    return b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + random.Random(2).randbytes(20_000)


# --- metadata -------------------------------------------------------------------------------------------------------


def exif(*entries: tuple[int, int, int, bytes], first: int = 8, following: int = 0) -> bytes:
    """An EXIF block of one directory, which may be invalid."""
    directory = b"".join(struct.pack("<HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    return (
        b"II*\0" + struct.pack("<I", first) + struct.pack("<H", len(entries)) + directory + struct.pack("<I", following)
    )


def _metadata() -> Iterator[Hostile]:
    blocks = {
        **{f"orientation-{n}": exif((0x112, 3, 1, struct.pack("<I", n))) for n in (*range(10), 255, 32768, 65535)},
        "orientation-as-text": exif((0x112, 2, 4, b"six\0")),
        "orientation-as-fraction": exif((0x112, 5, 1, struct.pack("<I", 8))),
        "orientation-as-double": exif((0x112, 12, 1, struct.pack("<I", 8))),
        "orientation-far-away": exif((0x112, 3, 9, struct.pack("<I", 2**32 - 1))),
        "orientation-of-no-value": exif((0x112, 3, 0, bytes(4))),
        "directory-that-follows-itself": exif((0x112, 3, 1, struct.pack("<I", 6)), following=8),
        "directory-inside-itself": exif((0x8769, 4, 1, struct.pack("<I", 8)), (0x8825, 4, 1, struct.pack("<I", 8))),
        "directory-nowhere": exif(first=2**32 - 1),
        "directory-of-65535-entries": b"II*\0\x08\0\0\0\xff\xff" + bytes(60_000),
        "entries-of-a-gigabyte": exif(*((tag, 7, 2**30, struct.pack("<I", 8)) for tag in range(500))),
        "unknown-types": exif(*((tag, 99, 1, bytes(4)) for tag in range(100))),
        "byte-order-of-nobody": b"XX*\0\x08\0\0\0\1\0",
        "nothing": b"",
        "one-byte": b"I",
        "maker-note-of-60-kb": exif((0x927C, 7, 60_000, struct.pack("<I", 26))) + bytes(60_000),
    }
    for name, block in blocks.items():
        yield _ready(f"exif-{name}-in-jpeg", into_jpeg(segment(0xE1, b"Exif\0\0" + block)), "opened")
        yield _ready(f"exif-{name}-in-png", _png_with(chunk(b"eXIf", block)), "opened")
        yield _ready(f"exif-{name}-in-webp", _webp_with(b"EXIF", block))
    jpeg_segments = {
        "icc-junk": [segment(0xE2, b"ICC_PROFILE\0\1\1" + b"junk" * 999)],
        "icc-part-9-of-3": [segment(0xE2, b"ICC_PROFILE\0\x09\3" + bytes(99))],
        "icc-of-255-parts": [segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 255]) + bytes(60_000)) for n in range(1, 256)],
        "xmp-with-orientation": [segment(0xE1, b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>')],
        "xmp-of-entities": [
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<!DOCTYPE x [" + b'<!ENTITY a "&a;&a;">' * 999)
        ],
        "comments-of-5-mb": [segment(0xFE, b"\xff\xd9" * 30_000)] * 90,
        "comment-of-markup": [segment(0xFE, b"<script>alert(1)</script>")],
        "thumbnail-of-65535": [segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\xff\xff" + bytes(60_000))],
        "empty-segments": [b"\xff\xe5\0\2"] * 999,
        "segments-of-no-length": [b"\xff\xe5\0\0"] * 3,
        "mpf-nonsense": [segment(0xE2, b"MPF\0II*\0\xff\xff\xff\xff" + bytes(50))],
        "photoshop-nonsense": [segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\xff\xff\xff\xff")],
    }
    for name, segments in jpeg_segments.items():
        yield _ready(f"meta-{name}", into_jpeg(*segments), "either" if name == "segments-of-no-length" else "opened")
    for name, extra in {
        "icc-junk": chunk(b"iCCP", b"x\0\0" + zlib.compress(b"junk" * 999)),
        "icc-broken": chunk(b"iCCP", b"junk"),
        "text-of-1-mb": chunk(b"tEXt", b"Comment\0" + b"x" * 2**20),
        "bad-crc": chunk(b"tEXt", b"a\0b")[:-1] + b"!",
        "transparency-of-nothing": chunk(b"tRNS", b""),
        "gamma-of-nothing": chunk(b"gAMA", b""),
        "density-of-nothing": chunk(b"pHYs", b""),
        "palette-in-colour": chunk(b"PLTE", bytes(7)),
        "critical-and-unknown": chunk(b"ABCD", b"?"),
        "lower-case-length": b"\xff\xff\xff\xfftEXt",
        "second-header": chunk(b"IHDR", struct.pack(">IIBBBBB", 65_000, 65_000, 8, 6, 0, 0, 0)),
    }.items():
        yield _ready(f"meta-png-{name}", _png_with(extra))
    whole = ordinary()["tiff"]
    directory = int.from_bytes(whole[4:8], "little")
    yield _ready("meta-tiff-follows-itself", _tiff_following(whole, directory))
    yield _ready("meta-tiff-directory-nowhere", whole[:4] + b"\xff\xff\xff\xff" + whole[8:], "rejected")
    yield _ready("meta-tiff-no-entries", b"II*\0\x08\0\0\0\0\0" + bytes(100), "rejected")
    yield _ready("meta-tiff-65535-entries", b"II*\0\x08\0\0\0\xff\xff" + bytes(12 * 65_535), "rejected")


def _tiff_following(whole: bytes, directory: int) -> bytes:
    data = bytearray(whole)
    entries = int.from_bytes(data[directory : directory + 2], "little")
    at = directory + 2 + 12 * entries
    data[at : at + 4] = struct.pack("<I", directory)
    return bytes(data)


def _png_with(extra: bytes) -> bytes:
    whole = encoded(quarters(192, 128), "PNG")
    return whole[:33] + extra + whole[33:]


def _webp_with(kind: bytes, block: bytes) -> bytes:
    body = ordinary()["lossless-webp"][12:]
    flags = b"VP8X" + struct.pack("<I", 10) + b"\x08\0\0\0" + (191).to_bytes(3, "little") + (127).to_bytes(3, "little")
    padded = block + bytes(len(block) % 2)
    inside = b"WEBP" + flags + body + kind + struct.pack("<I", len(block)) + padded
    return b"RIFF" + struct.pack("<I", len(inside)) + inside


# --- moving pictures, other files, two files in one ---------------------------------------------------------------


def _several(format_: str, name: str, count: int = 4, **options: object) -> bytes:
    frames = [Image.fromarray(np.roll(quarters(192, 128), 9 * n, 1)[..., ::-1].copy()) for n in range(count)]
    file = io.BytesIO()
    frames[0].save(file, format_, save_all=True, append_images=frames[1:], **options)
    return file.getvalue()


def _animated() -> Iterator[Hostile]:
    for format_ in ("GIF", "WEBP", "PNG", "AVIF", "TIFF"):
        yield Hostile(f"moving-{format_}", lambda f=format_: _several(f, f), "opened")
        yield Hostile(f"moving-{format_}-cut", lambda f=format_: _several(f, f)[:-300])
    yield Hostile("moving-GIF-of-200-frames", lambda: _several("GIF", "GIF", 200), "opened")
    yield Hostile("moving-GIF-that-grows", _gif_that_grows)
    yield Hostile("moving-GIF-without-frames", lambda: b"GIF89a\xc8\0\xc8\0\0\0\0;", "rejected")


def _gif_that_grows() -> bytes:
    whole = bytearray(ordinary()["gif"])
    at = whole.index(b",", 13 + 768) if b"," in whole[781:] else whole.index(b",")
    whole[at + 5 : at + 9] = struct.pack("<HH", 60_000, 60_000)
    return bytes(whole)


def _not_photos() -> Iterator[Hostile]:
    photo = ordinary()["jpeg"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as inside:
        inside.writestr("photo.jpg", photo)
    others = {
        "nothing": b"",
        "one-zero": b"\0",
        "zeros": bytes(5000),
        "ones": b"\xff" * 5000,
        "spaces": b" " * 5000,
        "text": b"Dear Sir or Madam, this is not a photo.",
        "text-in-utf-16": "not a photo".encode("utf-16"),
        "html": b"<!DOCTYPE html><script>alert(1)</script>",
        "html-after-lines": b"\n\n  <html>",
        "xml": b"<?xml version='1.0'?><a/>",
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        "svg-with-entities": b"<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>",
        "json": b'{"Records": []}',
        "zip": archive.getvalue(),
        "pdf": b"%PDF-1.7\n1 0 obj",
        "base64": b"/9j/4AAQSkZJRg",
        "base64-png": b"iVBORw0KGgoAAAANSUhEUg",
        "data-uri": b"data:image/jpeg;base64,/9j/4AAQ",
        "mp4": _video(),
        "quicktime": b"\0\0\0\x14ftypqt  " + bytes(200),
        "matroska": b"\x1aE\xdf\xa3" + bytes(200),
        "mp3": b"ID3\4" + bytes(200),
        "psd": b"8BPS\0\1" + bytes(200),
        "elf": b"\x7fELF" + bytes(200),
        "exe": b"MZ" + bytes(200),
        "gzip": b"\x1f\x8b\x08" + bytes(99),
        "ico": b"\0\0\1\0\1\0" + bytes(99),
        "tga": b"\0\0\2" + bytes(99),
        "ppm": b"P6\n200 200\n255\n" + bytes(120_000),
        "exr": b"v/1\1" + bytes(99),
        "hdr": b"#?RADIANCE\n" + bytes(99),
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n",
        "dicom": bytes(128) + b"DICM",
        "wmf": b"\xd7\xcd\xc6\x9a" + bytes(99),
        "pickle": b"\x80\4\x95" + bytes(99),
        "shell": b"#!/bin/sh\nrm -rf /\n",
        "riff-wave": b"RIFF\x24\0\0\0WAVEfmt ",
        "ftyp-of-nobody": b"\0\0\0\x10ftypXXXX" + bytes(99),
        "ftyp-endless": b"\xff\xff\xff\xffftypmif1heic",
        "ftyp-of-no-length": b"\0\0\0\0ftypheic",
    }
    for name, data in others.items():
        yield _ready(f"not-{name}", data, "rejected")
    magics = {
        "jpeg": b"\xff\xd8\xff",
        "png": b"\x89PNG\r\n\x1a\n",
        "gif": b"GIF89a",
        "tiff": b"II*\0",
        "tiff-big-end": b"MM\0*",
        "bmp": b"BM",
        "webp": b"RIFF\xff\xff\xff\xffWEBP",
        "heic": b"\0\0\0\x18ftypheic",
        "avif": b"\0\0\0\x18ftypavif",
    }
    for (name, magic), filling in itertools.product(
        magics.items(), (b"", bytes(500), b"\xff" * 500, random.Random(3).randbytes(500))
    ):
        filled = {0: "alone", 500: f"then-{filling[0]}" if filling else ""}[len(filling)]
        yield _ready(f"magic-{name}-{filled}", magic + filling, "rejected")
    for name, data in ordinary().items():
        for suffix in ("jpg", "png", "txt"):
            yield _ready(f"named-{name}-{suffix}", data, "opened", key=f"misnamed/{name}.{suffix}")
    script = b"GIF89a/*" + ordinary()["gif"][8:] + b"*/=1;alert(1)"
    yield _ready("polyglot-gif-and-script", script)
    yield _ready("polyglot-jpeg-and-zip", photo + archive.getvalue(), "opened")
    yield _ready("polyglot-png-and-zip", ordinary()["png"] + archive.getvalue(), "opened")
    yield _ready("polyglot-jpeg-and-html", into_jpeg(segment(0xFE, b"--><script>alert(1)</script><!--")), "opened")
    yield _ready("polyglot-jpeg-and-php", photo + b"<?php system($_GET['x']); ?>", "opened")
    yield _ready("polyglot-bmp-and-script", b"BM/*" + ordinary()["bmp"][4:] + b"*/=1")
    yield _ready("polyglot-pdf-and-jpeg", b"%PDF-1.7\n" + photo, "rejected")
    yield _ready("polyglot-html-and-jpeg", b"<html>" + photo, "rejected")


# --- keys -----------------------------------------------------------------------------------------------------------

AWKWARD_KEYS = {
    "a-space": "a selfie.jpg",
    "spaces-only": "   ",
    "one-character": "x",
    "no-suffix": "selfie",
    "a-dot": ".",
    "two-dots-inside": "a..b.jpg",
    "up-and-down": "a/../b.jpg",
    "dots-as-a-folder": "a/./b.jpg",
    "slashes": "a//b///c.jpg",
    "leading-slash": "/me.jpg",
    "slash-at-the-end": "folder.jpg/",
    "backslashes": "..\\..\\me.jpg",
    "plus": "1+1=2.jpg",
    "percent": "100%.jpg",
    "percent-encoded": "%2e%2e%2f%41.jpg",
    "percent-broken": "%zz%.jpg",
    "question-mark": "me?.jpg",
    "question-and-version": "me.jpg?versionId=1",
    "hash": "me#1.jpg",
    "ampersand": "a&b=c.jpg",
    "semicolon": "a;b.jpg",
    "colon": "C:me.jpg",
    "comma-and-at": "a,b@c.jpg",
    "quotes": "\"me\" 'you'.jpg",
    "back-quotes": "`id`.jpg",
    "dollar": "$(id) ${HOME}.jpg",
    "pipe": "a|b>c<d.jpg",
    "braces": "{a}[b]~(c)^.jpg",
    "star": "*.jpg",
    "exclamation": "!me.jpg",
    "dash-first": "-rf.jpg",
    "tilde": "~/me.jpg",
    "tab": "a\tb.jpg",
    "line-break": "a\nb.jpg",
    "line-breaks-only": "\n\n",
    "carriage-return": "a\r\nb: c.jpg",
    "escape": "a\x1b[31mb.jpg",
    "bell": "\x07.jpg",
    "nul": "a\0b.jpg",
    "delete": "a\x7fb.jpg",
    "unit-separator": "a\x1fb.jpg",
    "next-line": "a\x85b.jpg",
    "line-separator": "a\u2028b.jpg",
    "umlauts": "Zürich Ä.jpg",
    "decomposed": "Zu\u0308rich.jpg",
    "chinese": "自拍.jpg",
    "arabic": "صورة.jpg",
    "emoji": "😀👩‍👩‍👧.jpg",
    "right-to-left": "a\u202egpj.exe.jpg",
    "isolates": "a\u2066b\u2069.jpg",
    "zero-width": "a\u200bb.jpg",
    "byte-order-mark": "\ufeffme.jpg",
    "replacement": "a\ufffdb.jpg",
    "last-code-point": "a\U0010ffffb.jpg",
    "private-use": "a\ue000b.jpg",
    "combining": "Z" + "\u0351" * 200 + ".jpg",
    "markup": "<img src=x onerror=alert(1)>.jpg",
    "json": '{"status": "annotated"}.jpg',
    "sql": "'; DROP TABLE photos;--.jpg",
    "results-of-another": "results/me.jpg.json",
    "pictures-of-another": "pictures/me.jpg.jpg",
    "its-own-picture": "me.jpg.jpg",
    "folders": "a/" * 500 + "b.jpg",
    "1024-bytes": "x" * 1020 + ".jpg",
    "1024-bytes-of-emoji": "😀" * 256,
    "1023-bytes": "é" * 511 + "x",
    "just-fits": "x" * 1010,
    "just-too-long": "x" * 1016,
    "looks-shortened": "x" * 970 + "~" + "0" * 32,
    "soap": "soap",
}


def _keys() -> Iterator[Hostile]:
    photo, text = ordinary()["jpeg"], b"not a photo"
    for name, key in AWKWARD_KEYS.items():
        yield _ready(f"key-{name}", photo, "opened", key=key)
    for name in ("line-break", "nul", "1024-bytes", "right-to-left"):
        yield _ready(f"key-{name}-not-a-photo", text, "rejected", key="not/" + AWKWARD_KEYS[name][:1020])
