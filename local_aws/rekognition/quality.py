"""Measures a face's quality: sharpness, brightness, pose, size and confidence.

Rekognition publishes neither its measures nor its thresholds; these are our own, on its scales.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from local_aws.rekognition.eyes import Pixels
from local_aws.rekognition.looking import SeenFace

Level = Literal["NONE", "AUTO", "LOW", "MEDIUM", "HIGH"]
"""Rekognition's QualityFilter."""

SMALLEST_FACE = 40 / 1920
"""Rekognition's smallest face, as a share of the longer side: "no smaller than 40x40 pixels in an image with
1920X1080 pixels", larger in larger images (Amazon Rekognition quotas, "Image requirements")."""

_SHARPNESS_SIDE = 128
_SHARP = 150.0
"""The Laplacian's variance that counts as 50 of 100 on a face scaled to 128 pixels."""

# Six standard points of a head, in millimetres from the tip of the nose: x right, y down, z away from the camera.
_HEAD = np.array(
    [
        (0.0, 0.0, 0.0),  # nose tip
        (0.0, 66.0, 13.0),  # chin
        (-45.0, -34.0, 27.0),  # outer corner of the eye on the left
        (45.0, -34.0, 27.0),
        (-30.0, 30.0, 25.0),  # corner of the mouth on the left
        (30.0, 30.0, 25.0),
    ]
)
_HEAD_LANDMARKS = [30, 8, 36, 45, 48, 54]


@dataclass(frozen=True, slots=True)
class Pose:
    """Degrees. Yaw is positive when the face turns to the picture's right, pitch when it looks up, roll clockwise."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Measures:
    """`sharpness` and `brightness` from 0 to 100, `size` in pixels (the shorter side), `confidence` in percent."""

    sharpness: float
    brightness: float
    pose: Pose
    size: float
    smallest: float
    confidence: float

    @property
    def overall(self) -> float:
        """A number to rank faces by, from 0 to 100: the lowest of the measures."""
        straight = 100 - 100 * min(1.0, max(abs(self.pose.yaw), abs(self.pose.pitch)) / 90)
        return min(self.sharpness, self.confidence, straight, 4 * self.brightness)


@dataclass(frozen=True, slots=True)
class Bar:
    """The minimum values for a quality filter."""

    sharpness: float
    brightness: float
    turn: float
    sizes: float
    confidence: float


BARS: dict[Level, Bar | None] = {
    "NONE": None,
    "LOW": Bar(sharpness=2, brightness=8, turn=75, sizes=1.0, confidence=50),
    "AUTO": Bar(sharpness=5, brightness=12, turn=65, sizes=1.0, confidence=50),
    "MEDIUM": Bar(sharpness=12, brightness=20, turn=50, sizes=1.5, confidence=70),
    "HIGH": Bar(sharpness=25, brightness=30, turn=35, sizes=2.5, confidence=90),
}


def measure(face: SeenFace, picture_side: int) -> Measures:
    """The face's measures, in a picture whose longer side has `picture_side` pixels."""
    return Measures(
        sharpness=sharpness(face.upright),
        brightness=brightness(face.upright),
        pose=pose(face.reading.landmarks, face.turned),
        size=min(face.box[2], face.box[3]),
        smallest=max(40.0, picture_side * SMALLEST_FACE),
        confidence=min(100.0, 100 * face.score),
    )


def reasons_against(measures: Measures, level: Level) -> list[str]:
    """Rekognition's reasons why the filter rejects the face; empty if it passes."""
    bar = BARS[level]
    if bar is None:
        return []
    turn = max(abs(measures.pose.yaw), abs(measures.pose.pitch))
    shortfalls = {
        "EXTREME_POSE": turn > bar.turn,
        "LOW_BRIGHTNESS": measures.brightness < bar.brightness,
        "LOW_SHARPNESS": measures.sharpness < bar.sharpness,
        "LOW_CONFIDENCE": measures.confidence < bar.confidence,
        "SMALL_BOUNDING_BOX": measures.size < measures.smallest * bar.sizes,
    }
    reasons = [reason for reason, short in shortfalls.items() if short]
    return [*reasons, "LOW_FACE_QUALITY"] if len(reasons) > 1 else reasons


def sharpness(face: Pixels) -> float:
    """0 to 100, from the variance of the Laplacian on the face scaled to a fixed size.

    A small face is enlarged to that size, so it counts as less sharp.
    """
    luma = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    shrink = max(luma.shape) > _SHARPNESS_SIDE
    side = (_SHARPNESS_SIDE, _SHARPNESS_SIDE)
    luma = cv2.resize(luma, side, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)
    variance = float(cv2.Laplacian(luma, cv2.CV_64F).var())
    return 100 * variance / (variance + _SHARP)


def brightness(face: Pixels) -> float:
    """0 (black) to 100 (white): the mean luma."""
    return float(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).mean()) / 2.55


def pose(landmarks: npt.NDArray[np.float64], turned: int = 0) -> Pose:
    """The head's pose, from six of the 68 landmarks.

    `turned` is the clockwise rotation of the whole face in the picture, in degrees.
    """
    points = landmarks[_HEAD_LANDMARKS]
    centre = points.mean(axis=0)
    upright = (points - centre) @ _rotation(-turned).T
    far = 20 * float(np.max(np.ptp(upright, axis=0)))  # a long focal length, because the picture's own is unknown
    camera = np.array([[far, 0, 0], [0, far, 0], [0, 0, 1]])
    solved, turn, _ = cv2.solvePnP(_HEAD, upright, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    if not solved or not np.isfinite(turn).all():
        return Pose(0.0, 0.0, _wrapped(float(turned)))
    axes, _ = cv2.Rodrigues(turn)
    nose = -axes[:, 2]  # the direction of the nose: (0, 0, -1) is towards the camera
    yaw = np.degrees(np.arctan2(nose[0], -nose[2]))
    pitch = np.degrees(np.arctan2(-nose[1], np.hypot(nose[0], nose[2])))
    roll = np.degrees(np.arctan2(axes[1, 0], axes[0, 0]))
    return Pose(float(yaw), float(pitch), _wrapped(float(roll) + turned))


def _rotation(degrees: float) -> npt.NDArray[np.float64]:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])


def _wrapped(degrees: float) -> float:
    return (degrees + 180) % 360 - 180
