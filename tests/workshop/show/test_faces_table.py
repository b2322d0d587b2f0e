"""The table of faces is whole at every width."""

import io

import pytest
from annotator.faces import AgeRange, BoundingBox, Emotion, Face, Judgement
from annotator.result import RawObject, Result
from rich.cells import cell_len
from rich.console import Console

from workshop.show.faces_table import faces_table


def face(**changes: object) -> Face:
    attributes: dict[str, object] = {
        "emotions": (Emotion("SURPRISED", 99.8), Emotion("FEAR", 0.2)),
        "face_id": "1",
        "smile": Judgement(True, 90.0),
        "gender": Judgement("Female", 99.0),
        "age_range": AgeRange(20, 30),
    }
    return Face(**{"box": BoundingBox(0, 0, 1, 1), "confidence": 99.0, **attributes, **changes})  # type: ignore[arg-type]


def result(key: str, *faces: Face, status: str = "annotated", reason: str | None = None) -> Result:
    return Result(status, RawObject("b", key, "v", "e", 1), "c", "x", reason=reason, faces=faces)  # type: ignore[arg-type]


def shown(*results: Result, width: int = 80) -> list[str]:
    """The printed lines, without the headings that only faces have."""
    console = Console(width=width, file=io.StringIO())
    console.print(faces_table(results, width))
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    return [line for line in lines if not line.startswith("# Looks")]


def test_every_face_has_a_line_with_its_attributes_below_its_photo():
    name, first, second = shown(result("team.jpg", face(), face(face_id=None, unindexed_reasons=("LOW_SHARPNESS",))))
    assert name == "team.jpg"
    assert first.split() == ["1", "surprised", "99", "%", "yes", "female", "20–30", "yes"]
    assert second.endswith("no: too blurred")


def test_what_rekognition_is_unsure_of_only_perhaps_looks_so():
    _, line = shown(result("a.jpg", face(emotions=(Emotion("ANGRY", 45.0),))))
    assert line.split()[:4] == ["1", "perhaps", "angry", "45"]


def test_what_rekognition_did_not_say_is_a_dash_not_a_guess():
    _, line = shown(result("a.jpg", face(emotions=(), smile=None, gender=None, age_range=None)))
    assert line.split() == ["1", "-", "-", "-", "-", "yes"]


def test_a_photo_without_faces_or_refused_says_so_across_the_whole_width():
    reason = "This is a PDF, not a photo: send a JPEG."
    assert shown(result("empty.jpg", status="no_face"), result("odd.jpg", status="rejected", reason=reason)) == [
        "empty.jpg",
        "no face found",
        "odd.jpg",
        f"refused: {reason}",
    ]


@pytest.mark.parametrize("width", [40, 63, 64, 80, 120])
def test_no_word_is_broken_and_no_line_too_long_whatever_is_in_the_table(width: int):
    """Ordinary names of phones, beside a photo without a face, once left one letter a line for the last column."""
    reason = "This photo is 60 x 40 pixels and Rekognition needs at least 80 x 80: send a larger one."
    lines = shown(
        result("IMG_20261122_143000-1533abcd.jpg", face(), face(face_id=None, unindexed_reasons=("LOW_FACE_QUALITY",))),
        result("empty-00aa11bb.jpg", status="no_face"),
        result("a" * 300 + "-0b05ad5d.jpg", face(face_id=None, unindexed_reasons=("SMALL_BOUNDING_BOX",))),
        result("自拍" * 100 + "-1234abcd.jpg", status="rejected", reason=reason),
        width=width,
    )
    assert all(cell_len(line) <= width for line in lines)
    words = " ".join(lines).split()
    assert "IMG_20261122_143000-1533abcd.jpg" in words
    assert [word for word in words if word.endswith(("-0b05ad5d.jpg", "-1234abcd.jpg"))]
    for sentence in ("no: too little detail", "no: too small", reason):
        assert set(sentence.split()) <= set(words)


def test_brackets_in_a_file_name_are_no_markup():
    assert shown(result("[red]x[/].jpg", face()))[0] == "[red]x[/].jpg"


def test_faces_are_numbered_as_in_the_picture():
    _, first, second = shown(result("a.jpg", face(age_range=AgeRange(9, 9)), face(age_range=AgeRange(50, 50))))
    assert (first.split()[0], second.split()[0]) == ("1", "2")
    assert "9–9" in first
