"""Output: results on stdout, progress and errors on stderr, plain lines in a pipe.

The consoles interpret no markup, so brackets in a file name are just text. Pass everything from outside through
`plain`, which removes control characters.
"""

import json
import os
import re
import unicodedata
from textwrap import wrap

import click
from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType

if os.environ.get("COLUMNS") == "0":
    # Some terminals and cron set it when they do not know the width; rich would print nothing.
    del os.environ["COLUMNS"]

out = Console(markup=False, highlight=False, emoji=False)
"""Results, for people and pipes."""

err = Console(stderr=True, markup=False, highlight=False, emoji=False)
"""Progress, hints and errors."""

WARNING = "color(130)"
"""The style of warnings: a dark orange that is readable on black and on white, which the terminal's yellow is not."""

# Control, format (directions among them), surrogate and private characters, and line and paragraph separators.
_INVISIBLE = re.compile("C[cfso]|Z[lp]")
# CSI and OSC sequences whole, then any other escape with the character after it (ECMA-48).
_ESCAPE_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?", re.DOTALL)


def plain(text: object) -> str:
    """`text` made harmless for a terminal: no escape sequences, control or direction-changing characters, one line."""
    without_escapes = _ESCAPE_SEQUENCES.sub("", str(text))
    visible = "".join(
        "�" if _is_invisible(character) else character
        for character in without_escapes.replace("\t", " ").replace("\r", "")
    )
    return unicodedata.normalize("NFC", visible)


def plain_lines(text: object) -> str:
    """The same for text of several lines, such as a hint with two commands."""
    return "\n".join(map(plain, str(text).split("\n")))


def print_json(document: object) -> None:
    """JSON on stdout, with letters of every script unescaped, and invisible characters escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=1)
    click.echo("".join(_escaped(character) if _is_invisible(character) else character for character in text))


def _escaped(character: str) -> str:
    return character if character == "\n" else json.dumps(character)[1:-1]


def _is_invisible(character: str) -> bool:
    return bool(_INVISIBLE.match(unicodedata.category(character)))


# A command to paste begins a line, or follows a colon and goes on to the line's end.
_COMMAND = re.compile(r"(?:^|(?<=: ))(?:npx|emotions|aws|make|export|source|docker|python)\b.*")


def wrapped(text: str, columns: int) -> list[str]:
    """The lines of `text` in so many columns, broken between words; a command to paste stays on one line."""
    lines = []
    for line in text.split("\n"):
        command = _COMMAND.search(line)
        prose = line[: command.start()].rstrip() if command else line
        parts = wrap(prose, columns, break_long_words=False, break_on_hyphens=False)
        if command and parts and cell_len(f"{parts[-1]} {command[0]}") <= columns:
            parts[-1] += f" {command[0]}"
        elif command:
            parts.append(command[0])
        lines += parts or [""]
    return lines


def print_prose(console: Console, text: str, style: str = "") -> None:
    """Print sentences: on a terminal broken between words, in a pipe each line as it is."""
    lines = wrapped(text, console.width) if console.is_terminal else [text]
    console.print("\n".join(lines), style=style, soft_wrap=True)


def shortened(text: str, columns: int) -> str:
    """`text` in so many columns, with its middle replaced by `…`: names differ at their ends."""
    if cell_len(text) <= columns:
        return text
    end = set_cell_size(text[::-1], max(columns - 1, 0) // 2).strip()[::-1]
    return set_cell_size(text, max(columns - 1 - cell_len(end), 0)).strip() + "…" + end


def print_table(table: RenderableType) -> None:
    """Print on stdout, without spaces at the ends of lines."""
    with out.capture() as capture:
        out.print(table)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())
