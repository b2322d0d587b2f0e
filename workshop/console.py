"""What a person sees: results on stdout, progress and errors on stderr, plain lines when nobody is looking.

The consoles understand no markup, so a file name with brackets or a colour code in it is just text; pass everything
that comes from outside through `plain`.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from annotator.faces import Face
    from annotator.result import Result

out = Console(markup=False, highlight=False, emoji=False)
"""Results: what a pipe should get."""

err = Console(stderr=True, markup=False, highlight=False, emoji=False)
"""Progress, hints and errors."""

# Control, format (directions among them), surrogate and private characters, and line and paragraph separators.
_UNSEEN = re.compile("C[cfso]|Z[lp]")
# CSI and OSC sequences whole, then any other escape with the character after it (ECMA-48).
_ESCAPE_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?", re.DOTALL)


def plain(text: object) -> str:
    """`text` made harmless for a terminal: no escape sequences, control or direction-changing characters, one line."""
    without_escapes = _ESCAPE_SEQUENCES.sub("", str(text))
    visible = "".join(
        "�" if _is_unseen(character) else character
        for character in without_escapes.replace("\t", " ").replace("\r", "")
    )
    return unicodedata.normalize("NFC", visible)


def plain_lines(text: object) -> str:
    """The same for several lines of our own making, such as a hint of two commands."""
    return "\n".join(map(plain, str(text).split("\n")))


def print_json(document: object) -> None:
    """JSON on stdout, to read and to pipe: letters of every script as they are, what `plain` hides as an escape."""
    text = json.dumps(document, ensure_ascii=False, indent=1)
    click.echo("".join(_escaped(character) if _is_unseen(character) else character for character in text))


def _escaped(character: str) -> str:
    return character if character == "\n" else json.dumps(character)[1:-1]


def _is_unseen(character: str) -> bool:
    return bool(_UNSEEN.match(unicodedata.category(character)))


def faces_table(results: Iterable["Result"]) -> Table:
    """One line per face of every result: how it looks, and whether the collection holds it; fits 80 columns."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    table.add_column("Photo", overflow="ellipsis", no_wrap=True, max_width=24)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("Looks", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("Smile", no_wrap=True)
    table.add_column("Gender", no_wrap=True)
    table.add_column("Age", no_wrap=True)
    table.add_column("Indexed", overflow="fold")
    for result in results:
        name = Text(plain(result.raw.key))
        if not result.faces:
            said = "no face found" if result.status == "no_face" else "refused"
            table.add_row(name, "", Text(said, style="yellow"), "", "", "", "", Text(plain(result.reason or "")))
        for number, face in enumerate(result.faces, 1):
            table.add_row(name if number == 1 else "", str(number), *_face_cells(face))
    return table


def _face_cells(face: "Face") -> tuple[Text, ...]:
    from annotator.drawing.words import look, reason  # brings OpenCV along, which most commands need not wait for

    emotion = face.emotion
    return (
        Text(plain(look(face)) if emotion else "-", style="bold"),
        Text(f"{int(emotion.confidence)} %" if emotion else ""),
        Text(("yes" if face.smile.value else "no") if face.smile else "-"),
        Text(plain(face.gender.value).lower() if face.gender else "-"),
        Text(f"{face.age_range.low}–{face.age_range.high}" if face.age_range else "-"),
        Text("yes", style="green") if face.indexed else Text(f"no: {reason(face) or 'no reason'}", style="yellow"),
    )
