"""Extra credit: make a label mention a smile.

Change `words` in lambda/photo_annotator/annotator/drawing/words.py until `make exercise` is green.
A face knows whether it smiles: `face.smile` is None, or has a `value` and a `confidence`. Mention only what is as sure
as an emotion must be to be said without "perhaps": SURE_FROM.
"""

from annotator.drawing.words import words
from annotator.faces import BoundingBox, Emotion, Face, Judgement

BOX = BoundingBox(0.2, 0.2, 0.3, 0.4)
HAPPY = (Emotion("HAPPY", 98.4),)


def test_a_smile_is_mentioned():
    assert words(Face(BOX, 99.9, HAPPY, smile=Judgement(True, 97.0))) == "happy 98 %, smiling"


def test_no_smile_is_not():
    assert words(Face(BOX, 99.9, HAPPY, smile=Judgement(False, 97.0))) == "happy 98 %"


def test_a_smile_that_rekognition_is_not_sure_of_is_not():
    assert words(Face(BOX, 99.9, HAPPY, smile=Judgement(True, 45.0))) == "happy 98 %"


def test_a_face_about_which_rekognition_said_nothing_is_not():
    assert words(Face(BOX, 99.9, HAPPY)) == "happy 98 %"
