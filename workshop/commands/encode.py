"""Step 2 without file upload, first half: print a photo as text to paste."""

from pathlib import Path

import click

from infra.settings import WorkshopSettings
from workshop.photos.keys import readable
from workshop.photos.pasting import as_text
from workshop.photos.preparing import prepare, shrunk
from workshop.photos.sources import read
from workshop.terminal.console import err, print_prose

LONG_EDGE = WorkshopSettings().long_edge
"""Pixels: the default for the annotated picture."""


@click.command("encode")
@click.argument("photo")
def command(photo: str) -> None:
    """Print a photo as text that survives copy and paste.

    \b
      emotions encode selfie.heic > selfie.txt

    A photo of more than 2048 pixels is shrunk first, so that there is less to paste. On the other computer: emotions
    decode, paste, then Ctrl-D. Needs no AWS.
    """
    prepared = prepare(read(photo))
    body = shrunk(prepared.body, LONG_EDGE)
    lines = list(as_text(f"{readable(Path(prepared.name).stem)}.jpg", body))
    click.echo("\n".join(lines))
    how = f" The photo was shrunk to {LONG_EDGE} pixels." if body is not prepared.body else ""
    print_prose(err, f"{len(lines)} lines to copy, {sum(len(line) + 1 for line in lines) / 1e6:.1f} MB.{how}", "dim")
