"""Builds Rekognition's FaceDetail structure for a face.

The source of each attribute, which limits how far it can be trusted:

- BoundingBox, Confidence: the detector's box and score.
- Landmarks: the 68-point network; pupils are the middle of the eye's outline, because the network has none.
- Pose, Quality: measured, see quality.py.
- Emotions: the expression network's seven probabilities, with Rekognition's terms (neutral is CALM, fearful is FEAR).
  The network has no CONFUSED. It gets up to 5 percent, in proportion to the entropy of the seven, and the seven share
  the rest, so that all add up to 100. UNKNOWN is never sent.
- Smile: the probability of "happy".  Gender, AgeRange: the age and gender network; the range is about 15 percent
  either way.
- EyesOpen, MouthOpen: the ratio of height to width of the eyes and of the mouth's opening, from landmarks; a rough
  estimate.
- Beard, Mustache, Eyeglasses, Sunglasses, FaceOccluded: unknown. Rekognition always sends them, so they are sent as
  false with a confidence of 50, which means nothing.
- EyeDirection: unknown; straight ahead, with a confidence of 0.
"""

import math
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from local_aws.rekognition.eyes import Box
from local_aws.rekognition.looking import SeenFace
from local_aws.rekognition.quality import Measures

EMOTIONS = {
    "happy": "HAPPY",
    "sad": "SAD",
    "angry": "ANGRY",
    "disgusted": "DISGUSTED",
    "surprised": "SURPRISED",
    "neutral": "CALM",
    "fearful": "FEAR",
}
UNDECIDED_SHARE = 5.0
"""Percent of CONFUSED for a face whose seven expressions are all equally likely."""

Points = npt.NDArray[np.float64]

_MAIN_LANDMARKS: dict[str, list[int]] = {
    "eyeLeft": [36, 37, 38, 39, 40, 41],
    "eyeRight": [42, 43, 44, 45, 46, 47],
    "mouthLeft": [48],
    "mouthRight": [54],
    "nose": [30],
}
"""The five that Rekognition always sends; left and right are those of the viewer."""

_MORE_LANDMARKS: dict[str, list[int]] = {
    "leftEyeBrowLeft": [17],
    "leftEyeBrowRight": [21],
    "leftEyeBrowUp": [19],
    "rightEyeBrowLeft": [22],
    "rightEyeBrowRight": [26],
    "rightEyeBrowUp": [24],
    "leftEyeLeft": [36],
    "leftEyeRight": [39],
    "leftEyeUp": [37, 38],
    "leftEyeDown": [40, 41],
    "rightEyeLeft": [42],
    "rightEyeRight": [45],
    "rightEyeUp": [43, 44],
    "rightEyeDown": [46, 47],
    "noseLeft": [31],
    "noseRight": [35],
    "mouthUp": [51],
    "mouthDown": [57],
    "leftPupil": [36, 37, 38, 39, 40, 41],
    "rightPupil": [42, 43, 44, 45, 46, 47],
    "upperJawlineLeft": [0],
    "midJawlineLeft": [4],
    "chinBottom": [8],
    "midJawlineRight": [12],
    "upperJawlineRight": [16],
}

_MEMBERS = {
    "AGE_RANGE": "AgeRange",
    "BEARD": "Beard",
    "EMOTIONS": "Emotions",
    "EYE_DIRECTION": "EyeDirection",
    "EYEGLASSES": "Eyeglasses",
    "EYES_OPEN": "EyesOpen",
    "FACE_OCCLUDED": "FaceOccluded",
    "GENDER": "Gender",
    "MOUTH_OPEN": "MouthOpen",
    "MUSTACHE": "Mustache",
    "SMILE": "Smile",
    "SUNGLASSES": "Sunglasses",
}


def face_detail(
    face: SeenFace, measures: Measures, width: int, height: int, attributes: Collection[str]
) -> dict[str, Any]:
    """The FaceDetail of a face in a picture of `width` x `height` pixels.

    `attributes` are Rekognition's: DEFAULT, ALL or names such as EMOTIONS.
    """
    everything = "ALL" in attributes
    landmarks = _MAIN_LANDMARKS | (_MORE_LANDMARKS if everything else {})
    detail: dict[str, Any] = {
        "BoundingBox": bounding_box(fractions(face.box, width, height)),
        "Landmarks": [
            {"Type": name, **_position(face.reading.landmarks[points], width, height)}
            for name, points in landmarks.items()
        ],
        "Pose": {"Roll": measures.pose.roll, "Yaw": measures.pose.yaw, "Pitch": measures.pose.pitch},
        "Quality": {"Brightness": measures.brightness, "Sharpness": measures.sharpness},
        "Confidence": measures.confidence,
    }
    known = _all_attributes(face)
    return detail | {
        member: known[member] for attribute, member in _MEMBERS.items() if everything or attribute in attributes
    }


def fractions(box: Box, width: int, height: int) -> Box:
    """A box in pixels as fractions of the picture."""
    left, top, across, down = box
    return (left / width, top / height, across / width, down / height)


def bounding_box(box: Box) -> dict[str, float]:
    """Rekognition's BoundingBox of a box in fractions."""
    left, top, width, height = box
    return {"Width": width, "Height": height, "Left": left, "Top": top}


def emotions(expressions: dict[str, float]) -> list[dict[str, Any]]:
    """Rekognition's Emotions, strongest first, from the network's seven probabilities."""
    total = sum(expressions[name] for name in EMOTIONS) or 1.0
    shares = {EMOTIONS[name]: expressions[name] / total for name in EMOTIONS}
    entropy = -sum(share * math.log(share) for share in shares.values() if share > 0) / math.log(len(shares))
    confused = UNDECIDED_SHARE * entropy
    percent = {name: share * (100 - confused) for name, share in shares.items()} | {"CONFUSED": confused}
    falling = sorted(percent.items(), key=lambda emotion: -emotion[1])
    return [{"Type": name, "Confidence": min(100.0, max(0.0, confidence))} for name, confidence in falling]


def age_range(age: float) -> dict[str, int]:
    """Rekognition's AgeRange around an estimated age."""
    return {"Low": max(0, round(age * 0.85 - 2)), "High": round(age * 1.15 + 3)}


def _all_attributes(face: SeenFace) -> dict[str, Any]:
    reading = face.reading
    unknown = {"Value": False, "Confidence": 50.0}
    return {
        "AgeRange": age_range(reading.age),
        "Smile": _judged(reading.expressions["happy"]),
        "Gender": {
            "Value": "Female" if reading.gender == "female" else "Male",
            "Confidence": min(100.0, 100 * reading.gender_probability),
        },
        "EyesOpen": _judged(_open(eye_openness(reading.landmarks), half=0.19, sharp=40)),
        "MouthOpen": _judged(_open(mouth_openness(reading.landmarks), half=0.15, sharp=30)),
        "Emotions": emotions(reading.expressions),
        "EyeDirection": {"Yaw": 0.0, "Pitch": 0.0, "Confidence": 0.0},
        **dict.fromkeys(("Beard", "Mustache", "Eyeglasses", "Sunglasses", "FaceOccluded"), unknown),
    }


def eye_openness(landmarks: Points) -> float:
    """The eyes' ratio of height to width: about 0.3 when open, under 0.2 when closed (Soukupová and Čech, 2016)."""
    return float(np.mean([_openness(landmarks[start : start + 6]) for start in (36, 42)]))


def _openness(eye: Points) -> float:
    tall = np.linalg.norm(eye[1] - eye[5]) + np.linalg.norm(eye[2] - eye[4])
    return float(tall / (2 * max(1e-6, float(np.linalg.norm(eye[0] - eye[3])))))


def mouth_openness(landmarks: Points) -> float:
    """The ratio of the opening's height to its width: 0 when the lips touch."""
    wide = max(1e-6, float(np.linalg.norm(landmarks[60] - landmarks[64])))
    return float(np.linalg.norm(landmarks[62] - landmarks[66]) / wide)


def _open(openness: float, *, half: float, sharp: float) -> float:
    return 1 / (1 + math.exp(-sharp * (openness - half)))


def _judged(probability: float) -> dict[str, Any]:
    return {"Value": probability > 0.5, "Confidence": min(100.0, 100 * max(probability, 1 - probability))}


def _position(points: Points, width: int, height: int) -> dict[str, float]:
    x, y = points.mean(axis=0)
    return {"X": float(x) / width, "Y": float(y) / height}
