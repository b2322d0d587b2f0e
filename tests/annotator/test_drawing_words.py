import pytest
from annotator.drawing.words import looks, reason, spellings, words
from annotator.faces import BoundingBox, Emotion, Face

BOX = BoundingBox(0.4, 0.4, 0.2, 0.2)


def face(*emotions: Emotion, reasons: tuple[str, ...] = ()) -> Face:
    return Face(BOX, 99.0, emotions, face_id=None if reasons else "a-face", unindexed_reasons=reasons)


def test_a_label_has_the_strongest_emotion_and_its_confidence():
    assert words(face(Emotion("HAPPY", 98.4), Emotion("CALM", 1.2))) == "happy 98 %"


def test_an_unsure_label_says_perhaps():
    assert words(face(Emotion("CALM", 41.9), Emotion("SAD", 40.0))) == "perhaps calm 41 %"


@pytest.mark.parametrize(("confidence", "text"), [(99.99, "happy 99 %"), (100.0, "happy 100 %"), (50.0, "happy 50 %")])
def test_confidence_is_rounded_down(confidence, text):
    assert words(face(Emotion("HAPPY", confidence))) == text


def test_just_under_50_percent_is_unsure():
    assert words(face(Emotion("HAPPY", 49.99))) == "perhaps happy 49 %"


def test_a_face_without_emotions_has_a_label():
    assert words(face()) == "no expression read"
    assert spellings(face())[-1] == ("unclear", "")


@pytest.mark.parametrize(
    "emotion", ["HAPPY", "SAD", "ANGRY", "CONFUSED", "DISGUSTED", "SURPRISED", "CALM", "UNKNOWN", "FEAR"]
)
def test_every_emotion_has_an_adjective(emotion):
    assert looks(emotion).isalpha()
    assert looks(emotion).islower()


def test_fear_is_afraid_and_unknown_terms_are_lower_case():
    assert looks("FEAR") == "afraid"
    assert looks("MILDLY_AMUSED") == "mildly amused"


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("LOW_SHARPNESS", "too blurred"),
        ("SMALL_BOUNDING_BOX", "too small"),
        ("LOW_BRIGHTNESS", "too dark"),
        ("EXTREME_POSE", "turned away"),
        ("EXCEEDS_MAX_FACES", "too many faces"),
        ("LOW_CONFIDENCE", "hardly a face"),
        ("LOW_FACE_QUALITY", "too little detail"),
        ("OUT_OF_FRAME", "out of frame"),
    ],
)
def test_an_unindexed_face_has_its_reason(why, text):
    left_out = face(Emotion("SAD", 80), reasons=(why, "LOW_CONFIDENCE"))
    assert reason(left_out) == text
    assert spellings(left_out)[0] == ("sad 80 %", f"not indexed: {text}")


def test_an_unindexed_face_without_a_reason_says_not_indexed():
    nameless = Face(BOX, 99.0, (Emotion("SAD", 80),))
    assert spellings(nameless)[0] == ("sad 80 %", "not indexed")


def test_spellings_get_shorter_and_stay_unsure():
    ways = [" ".join(lines).strip() for lines in spellings(face(Emotion("CALM", 41), reasons=("LOW_SHARPNESS",)))]
    assert ways == [
        "perhaps calm 41 % not indexed: too blurred",
        "perhaps calm 41 % too blurred",
        "calm? 41 % too blurred",
        "calm?",
    ]
