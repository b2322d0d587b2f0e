"""What a person sees: harmless text, and a table that fits."""

import io

import pytest
from annotator.faces import AgeRange, BoundingBox, Emotion, Face, Judgement
from annotator.result import RawObject, Result
from rich.console import Console

from workshop.console import faces_table, plain


def face(**changes: object) -> Face:
    attributes: dict[str, object] = {
        "emotions": (Emotion("SURPRISED", 99.8), Emotion("FEAR", 0.2)),
        "face_id": "1",
        "smile": Judgement(True, 90.0),
        "gender": Judgement("Female", 99.0),
        "age_range": AgeRange(20, 30),
    }
    return Face(BoundingBox(0, 0, 1, 1), 99.0, **{**attributes, **changes})  # type: ignore[arg-type]


def result(key: str, *faces: Face, status: str = "annotated", reason: str | None = None) -> Result:
    return Result(status, RawObject("b", key, "e", 1), "c", "x", reason=reason, faces=faces)  # type: ignore[arg-type]


def shown(*results: Result, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(faces_table(results))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def test_every_face_has_a_line_with_all_that_was_said_about_it():
    (_, _, line, second) = shown(result("team.jpg", face(), face(face_id=None, unindexed_reasons=("LOW_SHARPNESS",))))
    assert line.split() == ["team.jpg", "1", "surprised", "99", "%", "yes", "female", "20–30", "yes"]
    assert second.rstrip().endswith("no: too blurred")


def test_what_rekognition_did_not_say_is_a_dash_not_a_guess():
    (_, _, line) = shown(result("a.jpg", face(emotions=(), smile=None, gender=None, age_range=None)))
    assert line.split() == ["a.jpg", "1", "-", "-", "-", "-", "yes"]


def test_a_photo_without_faces_or_refused_has_its_line_too():
    lines = shown(
        result("empty.jpg", status="no_face"),
        result("odd.jpg", status="rejected", reason="This is a PDF, not a photo: send a JPEG."),
    )
    assert "no face found" in lines[2]
    assert "refused" in lines[3]
    assert "This is a PDF" in "".join(lines[3:])


def test_the_table_fits_eighty_columns_whatever_the_names_are():
    lines = shown(result("a" * 300 + ".jpg", face(face_id=None, unindexed_reasons=("SMALL_BOUNDING_BOX",))))
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize(
    ("outside", "inside"),
    [
        ("plain.jpg", "plain.jpg"),
        ("\x1b[31mred\x1b[0m.jpg", "red.jpg"),
        ("\x1b]0;new title\x07a.jpg", "a.jpg"),
        ("\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("a\x08\x08b", "a��b"),
        ("photo\u202egpj.exe", "photo�gpj.exe"),
        ("caf\udce9.jpg", "caf�.jpg"),
        ("\x9b31mred", "�31mred"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
        ("自拍 ñ.jpg", "自拍 ñ.jpg"),
    ],
)
def test_text_from_outside_is_harmless_and_stays_readable(outside: str, inside: str):
    assert plain(outside) == inside


def test_brackets_in_a_file_name_are_no_markup():
    assert "[red]x[/].jpg" in shown(result("[red]x[/].jpg", face()))[2]
