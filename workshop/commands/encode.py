"""Step 2's detour: a photo as text, to paste where no file can be uploaded."""

from pathlib import Path

import click

from workshop.photos.keys import readable
from workshop.photos.pasting import as_text
from workshop.photos.preparing import prepare
from workshop.photos.sources import read
from workshop.terminal.console import WARNING, err, plain


@click.command("encode")
@click.argument("photo")
def command(photo: str) -> None:
    """Print a photo as text that survives copy and paste.

    \b
      emotions encode selfie.heic > selfie.txt

    On the other computer: emotions decode, paste, then Ctrl-D. Needs no AWS.
    """
    prepared = prepare(read(photo))
    lines = list(as_text(f"{readable(Path(prepared.name).stem)}.jpg", prepared.body))
    click.echo("\n".join(lines))
    size = sum(len(line) + 1 for line in lines)
    if size > 2_000_000:
        err.print(
            plain(f"That is {size / 1e6:.1f} MB of text, which few terminals take in one paste; send a smaller photo."),
            style=WARNING,
        )
