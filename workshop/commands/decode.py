"""Step 2 without file upload, second half: turn pasted text back into a photo."""

import sys
from pathlib import Path

import click

from workshop.aws.account import quoted
from workshop.photos.keys import readable
from workshop.photos.pasting import from_text
from workshop.photos.preparing import prepare
from workshop.photos.sources import LARGEST, Source, read
from workshop.terminal.console import err, out, plain
from workshop.terminal.errors import WorkshopError


@click.command("decode")
@click.argument("text", type=click.Path(exists=True, dir_okay=False, allow_dash=True), default="-")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="The file to write; the photo's name by default.")
@click.option("--force", is_flag=True, help="Overwrite a file of that name.")
def command(text: str, output: str | None, force: bool) -> None:
    """Turn pasted text back into a photo.

    \b
      emotions decode               then paste, and press Ctrl-D
      emotions decode selfie.txt

    TEXT is what `encode` printed. If the paste is damaged, the error names the line. Needs no AWS.
    """
    if text == "-" and sys.stdin.isatty():
        err.print("Paste the text, then press Ctrl-D (on Windows Ctrl-Z and Enter):", style="dim")
    pasted = sys.stdin.buffer.read(LARGEST) if text == "-" else read(text).body
    name, body = from_text(pasted.decode("utf-8", errors="replace").splitlines())
    prepare(Source(name, body))
    # The name comes with the paste, so only its last part is used.
    path = Path(output) if output else Path(readable(Path(name).stem) + ".jpg")
    try:
        with path.open("wb" if force else "xb") as file:
            file.write(body)
    except FileExistsError:
        raise WorkshopError(f"The file {path} already exists.", "Choose another --output, or add --force.") from None
    except OSError as error:
        raise WorkshopError(f"{path} cannot be written: {error.strerror}.") from None
    out.print(plain(path), soft_wrap=True)
    err.print(
        plain(f"{len(body) / 1000:.0f} kB. Next: emotions upload {quoted(str(path))}"),
        style="dim",
        soft_wrap=True,
    )
