"""ICC profiles made here (ICC.1:2022), so that no file of anybody's is needed."""

import itertools
import struct

import numpy as np

SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
SRGB_COLORANTS = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
P3_COLORANTS = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_COLORANTS = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def fixed(*numbers):
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def para(kind, *numbers):
    """A curve by its formula: one of five kinds."""
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + fixed(*numbers)


def curv(*points):
    """A curve by its points, of 65,535 at most; one alone is a gamma."""
    return b"curv" + bytes(4) + struct.pack(f">I{len(points)}H", len(points), *points)


def gamma(exponent):
    return curv(round(exponent * 256))


def profile(space, tags, connection=b"XYZ "):
    """A profile of version 4 for a kind of photo: `RGB `, `GRAY`, `CMYK`."""
    tags = {b"desc": b"mluc" + bytes(4) + struct.pack(">II", 0, 12), b"wtpt": xyz(0.9642, 1, 0.8249), **tags}
    at, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        padded = tag + bytes(-len(tag) % 4)
        table += name + struct.pack(">II", at + len(body), len(tag))
        body += padded
    head = struct.pack(">I4sI4s4s4s", at + len(body), bytes(4), 0x04000000, b"mntr", space, connection)
    head += bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1, 0.8249)
    return head.ljust(128, b"\0") + table + body


def xyz(*numbers):
    return b"XYZ " + bytes(4) + fixed(*numbers)


def matrix_profile(colorants, curve):
    names = zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)
    tags = {name: xyz(*each) for name, each in names}
    return profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def grey_profile(curve):
    return profile(b"GRAY", {b"kTRC": curve})


def table_profile(space, channels, lab):
    """A profile that is a table of two steps for each channel: `lab` says which L*, a*, b* a corner of it is."""
    corners = [lab(*corner) for corner in itertools.product((0, 1), repeat=channels)]
    numbers = np.array([(lightness * 2.55, a + 128, b + 128) for lightness, a, b in corners])
    table = b"mft1" + bytes(4) + bytes([channels, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += bytes(range(256)) * channels + np.round(numbers).astype(np.uint8).tobytes() + bytes(range(256)) * 3
    return profile(space, {b"A2B0": table}, connection=b"Lab ")


SRGB = matrix_profile(SRGB_COLORANTS, para(3, *SRGB_CURVE))
P3 = matrix_profile(P3_COLORANTS, para(3, *SRGB_CURVE))
ADOBE = matrix_profile(ADOBE_COLORANTS, gamma(2.19921875))
OLD_MAC = matrix_profile(SRGB_COLORANTS, gamma(1.8))
GREY_1_8 = grey_profile(gamma(1.8))


def printed(c, m, y, k):
    """As a press might: cyan makes it greener and bluer, black only darker."""
    lightness = 92 * (1 - 0.35 * c) * (1 - 0.45 * m) * (1 - 0.05 * y) * (1 - 0.8 * k)
    return lightness, 60 * m - 30 * c, 60 * y - 40 * c


def swapped(r, g, b):
    """Red's numbers mean blue, and blue's red."""
    return 30 * r + 60 * g + 10 * b, 60 * b - 60 * g, 50 * g + 50 * b - 80 * r


PRESS = table_profile(b"CMYK", 4, printed)
SWAPPED = table_profile(b"RGB ", 3, swapped)
