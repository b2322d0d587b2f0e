"""A HEIC file without an encoder: HEVC lets a picture be sent as plain samples, so that is what this one does.

pi_heif, which the function uses, only decodes. Every 32 x 32 block of the picture becomes a slice of its own with one
I_PCM coding unit (ITU-T H.265, 7.3.8.7), whose few entropy-coded bits are therefore always the same; the container
is the smallest that ISO/IEC 23008-12 allows. The file is as large as its samples, and any HEIC reader can open it.
"""

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


def heic(pixels: np.ndarray, quarter_turns: int = 0) -> bytes:
    """A HEIC of height x width x 3 BGR pixels, both even; `quarter_turns` anticlockwise are left to the reader."""
    height, width = pixels.shape[:2]
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    padded = cv2.copyMakeBorder(pixels, 0, rows * BLOCK - height, 0, columns * BLOCK - width, cv2.BORDER_REPLICATE)
    planes = cv2.cvtColor(padded, cv2.COLOR_BGR2YUV_I420)
    luma = planes[: rows * BLOCK]
    chroma = planes[rows * BLOCK :].reshape(2, rows * BLOCK // 2, columns * BLOCK // 2)
    slices = []
    for block in range(rows * columns):
        y, x = block // columns * BLOCK, block % columns * BLOCK
        samples = luma[y : y + BLOCK, x : x + BLOCK].tobytes()
        samples += chroma[:, y // 2 : (y + BLOCK) // 2, x // 2 : (x + BLOCK) // 2].tobytes()
        header = Bits().u(1, block == 0, 0).ue(0)
        if block:
            header.u((rows * columns - 1).bit_length(), block)
        header.ue(2, 0)  # an I slice, no change of the quantiser
        slices.append(_nal(19, header.ended() + PCM_FOLLOWS + samples + END_OF_SLICE))
    coded = b"".join(struct.pack(">I", len(nal)) + nal for nal in slices)

    properties = [
        _hevc_configuration(columns * BLOCK, rows * BLOCK, width, height),
        _box("ispe", bytes(4), struct.pack(">II", width, height)),
        _box("colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0)),  # sRGB as BT.601, limited range
    ]
    if quarter_turns:
        properties.append(_box("irot", bytes([quarter_turns])))
    associations = bytes([0x81, 0x02, 0x03, 0x84][: len(properties)])
    file_type = _box("ftyp", b"heic", bytes(4), b"mif1heic")

    def meta(offset):
        return _box(
            "meta",
            bytes(4),
            _box("hdlr", bytes(8), b"pict", bytes(13)),
            _box("pitm", bytes(4), struct.pack(">H", 1)),
            _box("iloc", bytes(4), struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, offset, len(coded))),
            _box(
                "iinf", bytes(4), struct.pack(">H", 1), _box("infe", b"\2\0\0\0", struct.pack(">HH", 1, 0), b"hvc1\0")
            ),
            _box(
                "iprp",
                _box("ipco", *properties),
                _box("ipma", bytes(4), struct.pack(">IHB", 1, 1, len(properties)), associations),
            ),
        )

    return file_type + meta(len(file_type) + len(meta(0)) + 8) + _box("mdat", coded)


def _hevc_configuration(coded_width, coded_height, width, height):
    video = Bits().u(4, 0).u(1, 1, 1).u(6, 0).u(3, 0).u(1, 1).u(16, 0xFFFF).raw(PROFILE).u(1, 1).ue(0, 0, 0)
    video.u(6, 0).ue(0).u(1, 0, 0)
    sequence = Bits().u(4, 0).u(3, 0).u(1, 1).raw(PROFILE).ue(0, 1, coded_width, coded_height)
    sequence.u(1, 1).ue(0, (coded_width - width) // 2, 0, (coded_height - height) // 2)
    sequence.ue(0, 0, 0).u(1, 1).ue(0, 0, 0)
    sequence.ue(2, 0, 0, 3, 0, 0)  # blocks of 32 x 32, never split; transforms of 4 to 32
    sequence.u(1, 0, 0, 0, 1).u(4, 7, 7).ue(2, 0).u(1, 1)  # samples of 8 bits in blocks of 32 x 32, unfiltered
    sequence.ue(0).u(1, 0, 0, 0, 0, 0)
    picture = Bits().ue(0, 0).u(1, 0, 0).u(3, 0).u(1, 0, 0).ue(0, 0, 0).u(1, 0, 0, 0).ue(0, 0)
    picture.u(1, 0, 0, 0, 0, 0, 0, 0).u(1, 1, 0, 1).u(1, 0, 0).ue(0).u(1, 0, 0)
    arrays = b""
    for kind, bits in ((32, video), (33, sequence), (34, picture)):
        nal = _nal(kind, bits.ended())
        arrays += struct.pack(">BHH", 0x80 | kind, 1, len(nal)) + nal
    return _box("hvcC", b"\1", PROFILE, bytes([0xF0, 0, 0xFC, 0xFD, 0xF8, 0xF8, 0, 0, 0x0F, 3]), arrays)


def _nal(kind, payload):
    escaped = bytearray()
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            escaped.append(3)
            zeros = 0
        escaped.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes([kind << 1, 1]) + bytes(escaped)


def _box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind.encode() + body
