"""A link on the terminal: the address, until when it works, and a QR code."""

import click
import segno
from rich.cells import cell_len
from rich.text import Text

from workshop.aws.links import Link, in_words
from workshop.terminal.console import err, out


def show(link: Link, *, qr: bool) -> None:
    """The link on stdout, alone when piped; until when it works on stderr; the QR code only for eyes."""
    click.echo(link.url)
    err.print(in_words(link), style="dim", soft_wrap=True)
    if not qr or not out.is_terminal:
        return
    if link.opens_here_only:
        err.print("This link opens on this computer only, so there is no QR code.", style="dim")
        return
    try:
        code = qr_code(link.url)
    except ValueError:  # 2,953 bytes are the most (ISO/IEC 18004); a session's token may have more
        err.print("This link is too long for a QR code.", style="dim")
        return
    columns, rows = cell_len(code.plain.partition("\n")[0]), code.plain.count("\n") + 1
    fits = columns <= out.width
    if fits:
        out.print(code)
    if not fits or rows >= out.height:
        err.print(
            f"The QR code needs {columns} columns and {rows + 1} lines, this window has {out.width} and {out.height}: "
            f"make the window larger{'' if fits else ' and ask again'}, or its letters smaller.",
            style="dim",
        )


def qr_code(url: str) -> Text:
    """The link as a QR code of half blocks, black on white whatever the terminal's colours: as small as can be."""
    modules = [list(row) for row in segno.make_qr(url, error="l", boost_error=False).matrix_iter(border=2)]
    if len(modules) % 2:
        modules.append([0] * len(modules[0]))
    blocks = {(0, 0): " ", (0, 1): "▄", (1, 0): "▀", (1, 1): "█"}
    lines = (
        "".join(blocks[bool(up), bool(down)] for up, down in zip(upper, lower, strict=True))
        for upper, lower in zip(modules[::2], modules[1::2], strict=True)
    )
    return Text("\n".join(lines), style="black on bright_white", no_wrap=True)
