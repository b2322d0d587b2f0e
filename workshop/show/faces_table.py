"""The faces of photos as a table, in a window of any width: each photo's name, and below it a line for each face."""

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from workshop.aws.results import from_left
from workshop.terminal.console import WARNING, plain, shortened

if TYPE_CHECKING:
    from annotator.faces import Face
    from annotator.result import Result

_HEADINGS = ("#", "Looks", "", "Smile", "Gender", "Age", "Indexed")
_TO_THE_RIGHT = (0, 2)
_GAP = "  "

_NARROWEST = 10
"""Columns that the longest word of a reason needs."""


def faces_table(results: Iterable["Result"], width: int) -> Text:
    """How every face of every result looks, and whether the collection holds it, in `width` columns.

    Faces are numbered from the left of the picture to its right.
    No word is ever broken: a long name loses its middle, and a long reason goes on in the next line.
    """
    photos = [(result, [_cells(*numbered) for numbered in enumerate(from_left(result.faces), 1)]) for result in results]
    faces = [cells for _, of_photo in photos for cells in of_photo]
    widths = [max(map(cell_len, column)) for column in zip(_HEADINGS, *faces, strict=True)]
    room = max(width - sum(widths[:-1]) - len(_GAP) * len(widths[:-1]), _NARROWEST)
    lines: list[Text] = []
    if faces:
        lines += _lines(_HEADINGS, widths, room, "default")
        lines.append(Text("─" * max(line.cell_len for cells in faces for line in _lines(cells, widths, room, ""))))
    for result, of_photo in photos:
        lines.append(Text(shortened(plain(result.raw.key), width), style="bold"))
        lines += (line for cells in of_photo for line in _lines(cells, widths, room, _colour(cells[-1])))
        if not of_photo:
            said = "no face found" if result.status == "no_face" else f"refused: {plain(result.reason or '')}"
            lines += (Text(f" {_GAP}{line}", style=WARNING) for line in wrap(said, max(width - 3, _NARROWEST)))
    return Text("\n").join(lines)


def _lines(cells: tuple[str, ...], widths: list[int], room: int, style: str) -> Iterator[Text]:
    """One face's line, and more of them where the last cell needs more than its `room`."""
    row = "".join(
        (cell.rjust(width) if number in _TO_THE_RIGHT else cell.ljust(width)) + _GAP
        for number, (cell, width) in enumerate(zip(cells[:-1], widths, strict=False))
    )
    for part in wrap(cells[-1], room):
        yield Text.assemble(row, (part, style))
        row = " " * cell_len(row)


def _cells(number: int, face: "Face") -> tuple[str, ...]:
    from annotator.drawing.words import look, reason, sure  # brings OpenCV along, which most commands need not wait for

    emotion = face.emotion
    return (
        str(number),
        ("" if sure(face) else "perhaps ") + plain(look(face)) if emotion else "-",
        f"{int(emotion.confidence)} %" if emotion else "",
        ("yes" if face.smile.value else "no") if face.smile else "-",
        plain(face.gender.value).lower() if face.gender else "-",
        f"{face.age_range.low}–{face.age_range.high}" if face.age_range else "-",
        "yes" if face.indexed else f"no: {plain(reason(face)) or 'no reason'}",
    )


def _colour(indexed: str) -> str:
    return "green" if indexed == "yes" else WARNING
