"""The text of the labels.

A label says what a face looks like, never what a person feels: Rekognition's emotion "is not a determination of the
person's internal emotional state" (API reference, Emotion).
"""

from annotator.faces import Face

SURE_FROM = 50
"""Percent. Below it, another expression may be as likely, and the label says "perhaps"."""

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

# IndexFaces' reasons for not indexing a face (API reference, UnindexedFace, Reasons).
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
    """The text of a label: the strongest emotion and its confidence, such as "happy 98 %"."""
    if face.emotion is None:
        return "no expression read"
    perhaps = "" if sure(face) else "perhaps "
    return f"{perhaps}{look(face)} {int(face.emotion.confidence)} %"


def numbered(number: int | None, text: str) -> str:
    """The text after the face's number; the text alone where a single face needs no number."""
    return f"{number}. {text}" if number else text


def spellings(face: Face, number: int | None = None) -> list[tuple[str, str]]:
    """The forms of a label, each with its first and second line, from the longest to the shortest.

    The second line is empty for an indexed face. The last form has no number, because the word matters more.
    """
    forms = _spellings(face)
    return [(numbered(number, first), second) for first, second in forms] + (forms[-1:] if number else [])


def _spellings(face: Face) -> list[tuple[str, str]]:
    why = reason(face)
    word = look(face)
    forms = [(words(face), f"not indexed: {why}"), (words(face), why)] if why else [(words(face), _index_note(face))]
    if face.emotion and not sure(face):
        word = f"{word}?"
        forms.append((f"{word} {int(face.emotion.confidence)} %", why))
    return [*forms, (word, "")]


def look(face: Face) -> str:
    """The adjective for the strongest emotion, such as "afraid" for FEAR."""
    return looks(face.emotion.type) if face.emotion else "unclear"


def looks(emotion: str) -> str:
    """The adjective for Rekognition's term; an unknown term in lower case."""
    return _LOOKS.get(emotion, _spelt_out(emotion))


def sure(face: Face) -> bool:
    """Whether the strongest emotion is likelier than all the others together."""
    return face.emotion is not None and face.emotion.confidence >= SURE_FROM


def reason(face: Face) -> str:
    """Why the collection does not contain this face, such as "too blurred"; empty if it does, or without a reason."""
    if face.indexed or not face.unindexed_reasons:
        return ""
    first = face.unindexed_reasons[0]
    return _REASONS.get(first, _spelt_out(first))


def _index_note(face: Face) -> str:
    return "" if face.indexed else "not indexed"


def _spelt_out(constant: str) -> str:
    return constant.lower().replace("_", " ")
