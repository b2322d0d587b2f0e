"""Links on the terminal: names to click, an address to copy, and a QR code for a phone."""

import os
from collections.abc import Mapping
from pathlib import Path

import click
import segno
from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from workshop.aws.account import Account
from workshop.aws.links import Link, in_words
from workshop.photos.keys import readable
from workshop.photos.sources import QR_CODE
from workshop.terminal.console import WARNING, err, out, plain, print_prose

_TERMS = {"alacritty", "foot", "xterm-ghostty", "xterm-kitty"}
_PROGRAMS = {"Hyper", "WezTerm", "ghostty", "iTerm.app", "mintty", "vscode"}


def opens_links() -> bool:
    """Whether the terminal is known to open links (OSC 8).

    A terminal cannot be asked. The names are from github.com/Alhadis/OSC8-Adoption; FORCE_HYPERLINK=1 or 0 overrides.
    """
    if not out.is_terminal or not out.color_system:
        return False
    if forced := os.environ.get("FORCE_HYPERLINK"):
        return forced != "0"
    term = os.environ.get("TERM", "")
    if term.startswith(("screen", "tmux")):
        return False
    vte = os.environ.get("VTE_VERSION", "")
    return (
        term in _TERMS
        or os.environ.get("TERM_PROGRAM") in _PROGRAMS
        or "WT_SESSION" in os.environ
        or (vte.isdigit() and int(vte) >= 5000)
    )


def show_pictures(account: Account, links: Mapping[str, Link], *, qr: bool) -> None:
    """Where to see the annotated pictures; `links` has each photo's key and link.

    When piped, an address for each on stdout. Addresses are long, so a terminal gets keys to click if it opens links,
    a QR code if there is one photo and the window has room, and the command that prints an address.
    """
    until = in_words(next(iter(links.values())))
    if not out.is_terminal:
        for name, link in links.items():
            if len(links) > 1:
                err.print(plain(name), style="bold", soft_wrap=True)
            click.echo(link.url)
        err.print(until, style="dim", soft_wrap=True)
        return
    out.print()
    if opens_links():
        for name, link in links.items():
            out.print(Text.assemble("Open ", (plain(name), Style(link=link.url, underline=True))), soft_wrap=True)
        print_prose(err, until, "dim")
    if qr and len(links) == 1 and (code := _in_window(next(iter(links.values())).url)):
        out.print(code)
    photo = account.command("url", *links) if len(links) == 1 else account.command("url PHOTO")
    print_prose(err, f"For the address and a QR code: {photo}", "dim")


def show(link: Link, *, qr: bool) -> None:
    """The address on stdout, alone when piped; on a terminal also a QR code, if that is wanted.

    A code for which the window has no room is written to a PNG file in the current folder.
    """
    out.print(Text(link.url, Style(link=link.url) if opens_links() else ""), soft_wrap=True)
    print_prose(err, in_words(link), "dim")
    if not qr or not out.is_terminal:
        return
    if code := _in_window(link.url):
        out.print(code)
    else:
        _save_qr_code(link)
    if link.opens_here_only:
        print_prose(err, "This is the local AWS: its links open on this computer only, not on a phone.", WARNING)


def _in_window(url: str) -> Text | None:
    """The link as a QR code, or None if the window has no room for it."""
    try:
        code = qr_code(url)
    except ValueError:
        return None
    columns, rows = cell_len(code.plain.partition("\n")[0]), code.plain.count("\n") + 1
    return code if columns <= out.width and rows < out.height else None


def _save_qr_code(link: Link) -> None:
    picture = Path(f"{readable(Path(link.file_name).stem)}{QR_CODE}")
    try:
        segno.make_qr(link.url, error="l", boost_error=False).save(str(picture), kind="png", scale=6)
    except ValueError:  # 2,953 bytes are the most (ISO/IEC 18004); a session's token may have more
        print_prose(err, "The link is too long for a QR code.", "dim")
    except OSError as error:
        print_prose(err, f"The QR code could not be written to {plain(picture)}: {error.strerror}.", WARNING)
    else:
        print_prose(err, "The QR code is larger than this window. It is in this picture:", "dim")
        err.print(plain(picture), soft_wrap=True)


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
