"""A HEIC file without an encoder: HEVC lets a picture be sent as plain samples, so that is what this one does.

pi_heif, which the function uses, only decodes. Every 32 x 32 block of the picture becomes a slice of its own with one
I_PCM coding unit (ITU-T H.265, 7.3.8.7), whose few entropy-coded bits are therefore always the same; the container
is the smallest that ISO/IEC 23008-12 allows. The file is as large as its samples, and any HEIC reader can open it.
"""

import re
import struct

import cv2
import numpy as np

BLOCK = 32
PROFILE = bytes([0x01, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 186])  # Main, progressive frames, level 6.2

# One coding unit: part_mode 2Nx2N in its initial context, then pcm_flag, flushed (H.265, 9.3.4).
PCM_FOLLOWS = bytes([0b10000110, 0b10000000])
# end_of_slice_segment_flag in a fresh arithmetic coder, flushed; the last one is the stop bit.
END_OF_SLICE = bytes([0b11111110, 0b10000000])


class Bits:
    """Bits in the order that H.265 writes them."""

    def __init__(self):
        self.bits = ""

    def u(self, width, *values):
        """Unsigned numbers of `width` bits each."""
        self.bits += "".join(f"{value:0{width}b}" for value in values)
        return self

    def ue(self, *values):
        """Unsigned Exp-Golomb numbers."""
        for value in values:
            code = f"{value + 1:b}"
            self.bits += "0" * (len(code) - 1) + code
        return self

    def raw(self, data):
        """Whole bytes."""
        return self.u(8, *data)

    def ended(self):
        """A one, then zeros up to the next byte: both rbsp_trailing_bits and byte_alignment."""
        bits = self.bits + "1"
        bits += "0" * (-len(bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8, "big")


SRGB = b"nclx" + struct.pack(">HHHB", 1, 13, 6, 0)
"""Colours as BT.601, limited range."""


def nclx(primaries, transfer):
    """The same, of other primaries and another transfer (ITU-T H.273)."""
    return b"nclx" + struct.pack(">HHHB", primaries, transfer, 6, 0)


def heic(
    pixels: np.ndarray,
    quarter_turns: int = 0,
    *,
    bits: int = 8,
    colours: bytes = SRGB,
    crop: tuple[int, int, int, int] | None = None,
    mirrored: int | None = None,
    opacity: np.ndarray | None = None,
    premultiplied: bool = False,
    brands: bytes = b"mif1heic",
) -> bytes:
    """A HEIC of height x width x 3 BGR pixels of 8 bits, both even, or of height x width grey ones of any `bits`.

    `quarter_turns` anticlockwise are left to the reader, and so are `crop` (left, top, width, height) and `mirrored`
    (an axis). `colours` is what its `colr` box says; `opacity` goes into a picture of its own.
    """
    height, width = pixels.shape[:2]
    pictures = [(pixels, bits)] + ([(opacity, 8)] if opacity is not None else [])
    coded = [_coded(samples, depth) for samples, depth in pictures]
    properties = [_hevc_configuration(pixels, bits), _box("ispe", bytes(4), struct.pack(">II", width, height))]
    properties.append(_box("colr", colours))
    if crop:
        properties.append(_clean_aperture(width, height, *crop))
    if quarter_turns:
        properties.append(_box("irot", bytes([quarter_turns])))
    if mirrored is not None:
        properties.append(_box("imir", bytes([mirrored])))
    essential = (b"hvcC", b"clap", b"irot", b"imir")
    associations = [[number | (0x80 if box[4:8] in essential else 0) for number, box in enumerate(properties, start=1)]]
    if opacity is not None:
        properties += [_hevc_configuration(opacity, 8), _box("auxC", bytes(4), b"urn:mpeg:hevc:2015:auxid:1\0")]
        associations.append([(len(properties) - 1) | 0x80, 2, len(properties) | 0x80])
    references = [_box("auxl", struct.pack(">HHH", 2, 1, 1)), _box("prem", struct.pack(">HHH", 1, 1, 2))]
    references = references[: 1 + premultiplied] if opacity is not None else []
    file_type = _box("ftyp", brands[-4:], bytes(4), brands)

    def meta(offset):
        offsets = [offset, offset + len(coded[0])]
        located = (
            struct.pack(">HHHII", number, 0, 1, at, len(data))
            for number, (at, data) in enumerate(zip(offsets, coded, strict=False), start=1)
        )
        items = (
            _box("infe", b"\2\0\0\1" if number > 1 else b"\2\0\0\0", struct.pack(">HH", number, 0), b"hvc1\0")
            for number in range(1, len(coded) + 1)
        )
        entries = (
            struct.pack(">HB", number, len(each)) + bytes(each) for number, each in enumerate(associations, start=1)
        )
        return _box(
            "meta",
            bytes(4),
            _box("hdlr", bytes(8), b"pict", bytes(13)),
            _box("pitm", bytes(4), struct.pack(">H", 1)),
            _box("iloc", bytes(4), struct.pack(">BBH", 0x44, 0, len(coded)), *located),
            _box("iinf", bytes(4), struct.pack(">H", len(coded)), *items),
            *([_box("iref", bytes(4), *references)] if references else []),
            _box(
                "iprp",
                _box("ipco", *properties),
                _box("ipma", bytes(4), struct.pack(">I", len(coded)), *entries),
            ),
        )

    return file_type + meta(len(file_type) + len(meta(0)) + 8) + _box("mdat", *coded)


def _clean_aperture(width, height, left, top, wide, high):
    """As fractions around the middle (ISO/IEC 14496-12, 12.1.4)."""
    right, down = 2 * left + wide - width, 2 * top + high - height
    return _box("clap", struct.pack(">IIIIiIiI", wide, 1, high, 1, right, 2, down, 2))


def _coded(pixels, bits):
    """One HEVC picture: its slices, each after its length."""
    height, width = pixels.shape[:2]
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    padded = cv2.copyMakeBorder(pixels, 0, rows * BLOCK - height, 0, columns * BLOCK - width, cv2.BORDER_REPLICATE)
    planes = padded if pixels.ndim == 2 else cv2.cvtColor(padded, cv2.COLOR_BGR2YUV_I420)
    luma = planes[: rows * BLOCK]
    chroma = planes[rows * BLOCK :].reshape(-1, rows * BLOCK // 2, columns * BLOCK // 2)
    slices = []
    for block in range(rows * columns):
        y, x = block // columns * BLOCK, block % columns * BLOCK
        samples = _samples(luma[y : y + BLOCK, x : x + BLOCK], bits)
        samples += _samples(chroma[:, y // 2 : (y + BLOCK) // 2, x // 2 : (x + BLOCK) // 2], bits)
        header = Bits().u(1, block == 0, 0).ue(0)
        if block:
            header.u((rows * columns - 1).bit_length(), block)
        header.ue(2, 0)  # an I slice, no change of the quantiser
        slices.append(_nal(19, header.ended() + PCM_FOLLOWS + samples + END_OF_SLICE))
    return b"".join(struct.pack(">I", len(nal)) + nal for nal in slices)


def _samples(values, bits):
    if bits == 8:
        return values.astype(np.uint8).tobytes()
    each = values.reshape(-1, 1).astype(np.uint16) >> np.arange(bits - 1, -1, -1, dtype=np.uint16) & 1
    return np.packbits(each.astype(np.uint8)).tobytes()


def _hevc_configuration(pixels, bits):
    height, width = pixels.shape[:2]
    coded_width, coded_height = -(-width // BLOCK) * BLOCK, -(-height // BLOCK) * BLOCK
    return _hevc_configuration_of(coded_width, coded_height, width, height, 2 if pixels.ndim == 3 else 1, bits)


def _hevc_configuration_of(coded_width, coded_height, width, height, subsampled=2, bits=8):
    chroma = subsampled - 1  # 4:2:0, or none at all
    video = Bits().u(4, 0).u(1, 1, 1).u(6, 0).u(3, 0).u(1, 1).u(16, 0xFFFF).raw(PROFILE).u(1, 1).ue(0, 0, 0)
    video.u(6, 0).ue(0).u(1, 0, 0)
    sequence = Bits().u(4, 0).u(3, 0).u(1, 1).raw(PROFILE).ue(0, chroma, coded_width, coded_height)
    sequence.u(1, 1).ue(0, (coded_width - width) // subsampled, 0, (coded_height - height) // subsampled)
    sequence.ue(bits - 8, bits - 8, 0).u(1, 1).ue(0, 0, 0)
    sequence.ue(2, 0, 0, 3, 0, 0)  # blocks of 32 x 32, never split; transforms of 4 to 32
    sequence.u(1, 0, 0, 0, 1).u(4, bits - 1, bits - 1).ue(2, 0).u(1, 1)  # samples in blocks of 32 x 32, unfiltered
    sequence.ue(0).u(1, 0, 0, 0, 0, 0)
    picture = Bits().ue(0, 0).u(1, 0, 0).u(3, 0).u(1, 0, 0).ue(0, 0, 0).u(1, 0, 0, 0).ue(0, 0)
    picture.u(1, 0, 0, 0, 0, 0, 0, 0).u(1, 1, 0, 1).u(1, 0, 0).ue(0).u(1, 0, 0)
    arrays = b""
    for kind, bits_ in ((32, video), (33, sequence), (34, picture)):
        nal = _nal(kind, bits_.ended())
        arrays += struct.pack(">BHH", 0x80 | kind, 1, len(nal)) + nal
    depth = 0xF8 | (bits - 8)
    return _box("hvcC", b"\1", PROFILE, bytes([0xF0, 0, 0xFC, 0xFC | chroma, depth, depth, 0, 0, 0x0F, 3]), arrays)


def _nal(kind, payload):
    return bytes([kind << 1, 1]) + re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", payload)


def _box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind.encode() + body
