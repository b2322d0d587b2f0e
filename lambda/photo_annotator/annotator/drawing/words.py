"""What a picture says about a face, in words.

Words say what a face looks like, never what a person feels: Rekognition's emotion "is not a determination of the
person's internal emotional state" (API reference, Emotion).
"""

from annotator.faces import Face

SURE_FROM = 50
"""Percent. Below it another expression may be as likely, and the label says so."""

CAPTION = "how it looks, not how you feel"

_LOOKS = {
    "HAPPY": "happy",
    "SAD": "sad",
    "ANGRY": "angry",
    "CONFUSED": "confused",
    "DISGUSTED": "disgusted",
    "SURPRISED": "surprised",
    "CALM": "calm",
    "FEAR": "afraid",
    "UNKNOWN": "unclear",
}

# The words that IndexFaces gives for a face it left out (API reference, UnindexedFace, Reasons).
_REASONS = {
    "EXCEEDS_MAX_FACES": "too many faces",
    "EXTREME_POSE": "turned away",
    "LOW_BRIGHTNESS": "too dark",
    "LOW_SHARPNESS": "too blurred",
    "LOW_CONFIDENCE": "hardly a face",
    "SMALL_BOUNDING_BOX": "too small",
    "LOW_FACE_QUALITY": "too little detail",
}


def words(face: Face) -> str:
    """How a label reads: the strongest emotion and its confidence, such as "happy 98 %"."""
    if face.emotion is None:
        return "no expression read"
    perhaps = "" if sure(face) else "perhaps "
    return f"{perhaps}{look(face)} {int(face.emotion.confidence)} %"


def spellings(face: Face) -> list[tuple[str, str]]:
    """A label's first and second line, from the fullest way to write it to the briefest.

    The second line is empty for an indexed face.
    """
    why = reason(face)
    word = look(face)
    ways = [(words(face), f"not indexed: {why}"), (words(face), why)] if why else [(words(face), _whether(face))]
    if face.emotion and not sure(face):
        word = f"{word}?"
        ways.append((f"{word} {int(face.emotion.confidence)} %", why))
    return [*ways, (word, "")]


def look(face: Face) -> str:
    """The adjective for the strongest emotion, such as "afraid" for FEAR."""
    return looks(face.emotion.type) if face.emotion else "unclear"


def looks(emotion: str) -> str:
    """The adjective for Rekognition's word; a word that is new to us is spelt as it came."""
    return _LOOKS.get(emotion, _spelt_out(emotion))


def sure(face: Face) -> bool:
    """Whether the strongest emotion is likelier than all the others together."""
    return face.emotion is not None and face.emotion.confidence >= SURE_FROM


def reason(face: Face) -> str:
    """Why the collection does not hold this face, such as "too blurred"; empty if it does, or if none was given."""
    if face.indexed or not face.unindexed_reasons:
        return ""
    first = face.unindexed_reasons[0]
    return _REASONS.get(first, _spelt_out(first))


def _whether(face: Face) -> str:
    return "" if face.indexed else "not indexed"


def _spelt_out(constant: str) -> str:
    return constant.lower().replace("_", " ")
