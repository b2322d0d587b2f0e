"""Painted pictures, and eyes that find painted faces: for everything about the server but the networks themselves."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from local_aws.rekognition.eyes import Box, Pixels, Reading, Sighting

PAPER = (40, 90, 40)
Colour = tuple[int, int, int]
MAGENTA: Colour = (255, 0, 255)


def picture(*faces: tuple[int, int, int, int], size: tuple[int, int] = (640, 480), colour: Colour = MAGENTA) -> Pixels:
    """Paper with faces at (left, top, width, height); a face is a magenta block with lines, so that it is sharp."""
    width, height = size
    pixels = np.full((height, width, 3), PAPER, dtype=np.uint8)
    for left, top, across, down in faces:
        block = pixels[top : top + down, left : left + across]
        block[:] = colour
        block[:: max(2, down // 12), :, 0] = 160
    return pixels


def jpeg(pixels: Pixels, quality: int = 98, exif: bytes = b"") -> bytes:
    file = bytes(cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
    return file[:2] + exif + file[2:]


def png(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".png", pixels[:, :, ::-1])[1])


def orientation(number: int) -> bytes:
    """A JPEG's APP1 segment that says nothing but an EXIF orientation."""
    return b"\xff\xe1\x00\x22Exif\x00\x00" + tiff(number)


def tiff(number: int) -> bytes:
    """The TIFF block of an EXIF orientation, 26 bytes: what a PNG's eXIf chunk holds."""
    return b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + bytes([number]) + b"\x00" * 6


@dataclass
class PaintedSight:
    """Finds magenta blocks and reads the same in each."""

    score: float = 0.99
    looks: list[tuple[int, int]] = field(default_factory=list)

    def find(self, pixels: Pixels, *, confidence: float) -> list[Sighting]:
        self.looks.append(pixels.shape[:2])
        mask = ((pixels[:, :, 0] > 120) & (pixels[:, :, 2] > 180)).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        boxes = [tuple(float(number) for number in row[:4]) for row in stats[1:] if row[4] >= 16]
        return [Sighting(box, self.score) for box in boxes if self.score >= confidence]

    def read(self, pixels: Pixels, box: Box) -> Reading:
        left, top, width, height = box
        return Reading(
            landmarks=FRONTAL * (width, height) + (left, top),
            expressions={
                "neutral": 0.1,
                "happy": 0.8,
                "sad": 0.02,
                "angry": 0.02,
                "fearful": 0.02,
                "disgusted": 0.02,
                "surprised": 0.02,
            },
            age=31.4,
            gender="female",
            gender_probability=0.9,
        )


def _frontal() -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """68 landmarks of a face that looks straight ahead, as shares of its box."""
    points = np.full((68, 2), 0.5)
    turn = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([0.5 + 0.45 * np.cos(turn), 0.42 + 0.55 * np.sin(turn)], axis=1)
    points[17:22] = [(x, 0.3) for x in np.linspace(0.15, 0.42, 5)]
    points[22:27] = [(x, 0.3) for x in np.linspace(0.58, 0.85, 5)]
    points[27:31] = [(0.5, y) for y in np.linspace(0.4, 0.58, 4)]
    points[31:36] = [(x, 0.64) for x in np.linspace(0.4, 0.6, 5)]
    outline = np.array([(0, 0), (1, -0.5), (2, -0.5), (3, 0), (2, 0.5), (1, 0.5)]) * (0.05, 0.05)
    points[36:42] = outline + np.array((0.2, 0.4))
    points[42:48] = outline + np.array((0.65, 0.4))
    around = np.linspace(np.pi, 3 * np.pi, 13)[:-1]
    points[48:60] = np.stack([0.5 + 0.18 * np.cos(around), 0.78 + 0.06 * np.sin(around)], axis=1)
    inside = np.linspace(np.pi, 3 * np.pi, 9)[:-1]
    points[60:68] = np.stack([0.5 + 0.14 * np.cos(inside), 0.78 + 0.004 * np.sin(inside)], axis=1)
    return points


FRONTAL = _frontal()
