"""The faces of each photo as a table: how they look, and whether the collection has them."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workshop.terminal.console import WARNING, plain, shortened

if TYPE_CHECKING:
    from annotator.faces import Face
    from annotator.result import Result

_NARROW = 64
"""Columns below which smile and gender are left out, so that no word is broken."""


def faces_table(results: Iterable["Result"], width: int) -> RenderableType:
    """Each photo's name, and below it a line for each face with its number in the picture.

    From 40 columns on, no word is broken: a long name loses its middle, and a long reason goes on in the next line.
    """
    return Group(*(part for result in results for part in _photo(result, width)))


def _photo(result: "Result", width: int) -> Iterator[RenderableType]:
    yield Text(shortened(plain(result.raw.key), width), style="bold")
    if result.status == "rejected":
        yield Text(f"refused: {plain(result.reason or 'no reason given')}", style=WARNING)
    elif not result.faces:
        yield Text("no face found", style=WARNING)
    else:
        yield _faces(result.faces, narrow=width < _NARROW)


def _faces(faces: Iterable["Face"], *, narrow: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", collapse_padding=True)
    table.add_column("#", justify="right")
    table.add_column("Looks", min_width=0 if narrow else len("perhaps surprised"))
    table.add_column("", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("Smile")
        table.add_column("Gender")
    table.add_column("Age", no_wrap=True)
    table.add_column("Indexed")
    for number, face in enumerate(faces, 1):
        looks, sure, smile, gender, age, indexed = _cells(face)
        about = () if narrow else (smile, gender)
        style = "green" if face.indexed else WARNING
        table.add_row(str(number), looks, sure, *about, age, Text(indexed, style=style))
    return table


def _cells(face: "Face") -> tuple[str, ...]:
    from annotator.drawing.words import look, reason, sure  # imports OpenCV, which most commands do not need

    emotion = face.emotion
    return (
        ("" if sure(face) else "perhaps ") + plain(look(face)) if emotion else "-",
        f"{int(emotion.confidence)} %" if emotion else "",
        ("yes" if face.smile.value else "no") if face.smile else "-",
        plain(face.gender.value).lower() if face.gender else "-",
        f"{face.age_range.low}–{face.age_range.high}" if face.age_range else "-",
        "yes" if face.indexed else f"no: {plain(reason(face)) or 'no reason'}",
    )
