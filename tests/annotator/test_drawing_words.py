import pytest
from annotator.drawing.words import looks, reason, spellings, words
from annotator.faces import BoundingBox, Emotion, Face

BOX = BoundingBox(0.4, 0.4, 0.2, 0.2)


def face(*emotions: Emotion, reasons: tuple[str, ...] = ()) -> Face:
    return Face(BOX, 99.0, emotions, face_id=None if reasons else "a-face", unindexed_reasons=reasons)


def test_a_label_says_the_strongest_emotion_and_its_confidence():
    assert words(face(Emotion("HAPPY", 98.4), Emotion("CALM", 1.2))) == "happy 98 %"


def test_a_label_admits_when_it_is_unsure():
    assert words(face(Emotion("CALM", 41.9), Emotion("SAD", 40.0))) == "perhaps calm 41 %"


@pytest.mark.parametrize(("confidence", "said"), [(99.99, "happy 99 %"), (100.0, "happy 100 %"), (50.0, "happy 50 %")])
def test_a_label_never_claims_more_than_rekognition_did(confidence, said):
    assert words(face(Emotion("HAPPY", confidence))) == said


def test_just_under_half_is_not_sure():
    assert words(face(Emotion("HAPPY", 49.99))) == "perhaps happy 49 %"


def test_a_face_without_emotions_has_a_label_too():
    assert words(face()) == "no expression read"
    assert spellings(face())[-1] == ("unclear", "")


@pytest.mark.parametrize(
    "emotion", ["HAPPY", "SAD", "ANGRY", "CONFUSED", "DISGUSTED", "SURPRISED", "CALM", "UNKNOWN", "FEAR"]
)
def test_every_emotion_is_an_adjective_of_its_own(emotion):
    assert looks(emotion).isalpha()
    assert looks(emotion).islower()


def test_fear_reads_as_afraid_and_an_emotion_of_tomorrow_as_it_came():
    assert looks("FEAR") == "afraid"
    assert looks("MILDLY_AMUSED") == "mildly amused"


@pytest.mark.parametrize(
    ("why", "said"),
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
def test_a_face_left_out_says_why(why, said):
    left_out = face(Emotion("SAD", 80), reasons=(why, "LOW_CONFIDENCE"))
    assert reason(left_out) == said
    assert spellings(left_out)[0] == ("sad 80 %", f"not indexed: {said}")


def test_a_face_left_out_for_no_given_reason_still_says_that_it_was():
    nameless = Face(BOX, 99.0, (Emotion("SAD", 80),))
    assert spellings(nameless)[0] == ("sad 80 %", "not indexed")


def test_spellings_grow_shorter_and_stay_honest():
    ways = [" ".join(lines).strip() for lines in spellings(face(Emotion("CALM", 41), reasons=("LOW_SHARPNESS",)))]
    assert ways == [
        "perhaps calm 41 % not indexed: too blurred",
        "perhaps calm 41 % too blurred",
        "calm? 41 % too blurred",
        "calm?",
    ]
