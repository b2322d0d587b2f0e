"""Rekognition's findings about a face as plain values, independent of AWS."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """Fractions of the upright photo's width and height; may lie partly outside 0..1.

    Rekognition: "you might get negative values or values greater than 1 for the left or top values"
    (API reference, BoundingBox).
    """

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Emotion:
    """What the face looks like, never what the person feels.

    `type` is Rekognition's term: HAPPY, SAD, ANGRY, CONFUSED, DISGUSTED, SURPRISED, CALM, UNKNOWN or FEAR.
    `confidence` is in percent, 0 to 100.
    """

    type: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """Rekognition's answer, yes/no or a word, with its confidence in percent."""

    value: bool | str
    confidence: float


@dataclass(frozen=True, slots=True)
class AgeRange:
    """How old the face looks, in years, inclusive."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Face:
    """One face, indexed or not.

    `face_id` is the id in the collection, or None if the quality filter rejected the face;
    `unindexed_reasons` then holds Rekognition's reasons, such as LOW_SHARPNESS.
    `emotions` are sorted by confidence, highest first. Attributes that Rekognition did not send are None.
    """

    box: BoundingBox
    confidence: float
    emotions: tuple[Emotion, ...] = ()
    face_id: str | None = None
    unindexed_reasons: tuple[str, ...] = ()
    smile: Judgement | None = None
    gender: Judgement | None = None
    age_range: AgeRange | None = None

    @property
    def indexed(self) -> bool:
        """Whether the collection holds this face."""
        return self.face_id is not None

    @property
    def emotion(self) -> Emotion | None:
        """The strongest emotion, or None when Rekognition sent none."""
        return self.emotions[0] if self.emotions else None


def from_left(faces: Iterable[Face]) -> tuple[Face, ...]:
    """The faces from the left of the picture to its right, which is the order of their numbers in the picture."""
    return tuple(sorted(faces, key=lambda face: face.box.left))
