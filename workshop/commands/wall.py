"""The wall: guests scan, take a selfie, and see themselves on the projector."""

import io
import json
import threading
import webbrowser
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from wall_door.door import MOST_PHOTOS, Settings

from workshop.aws.account import Account, Choice, pass_account
from workshop.aws.links import clock
from workshop.aws.stacks import Stacks
from workshop.show.link import qr_code
from workshop.terminal.console import err, out, plain, print_json
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError
from workshop.wall.board import Board
from workshop.wall.door import Door, until_of
from workshop.wall.evening import Evening
from workshop.wall.server import running


@click.group("wall")
def command() -> None:
    """Guests scan a QR code, take a selfie, and see themselves on the projector.

    \b
      emotions wall open --until 22:30 --photos 300
      emotions wall show
      emotions wall close
    """


class _Until(click.ParamType[datetime]):
    """A time of day, within the next 24 hours."""

    name = "HH:MM"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment; a usage error for anything else."""
        if isinstance(value, datetime):
            return value
        try:
            return until_of(value)
        except ValueError:
            self.fail(f"{value!r} is not a time of day; write for instance 22:30.", param, ctx)


@command.command("open")
@click.option("--until", type=_Until(), required=True, help="When the door closes by itself, today or tomorrow: 22:30.")
@click.option(
    "--photos", type=click.IntRange(1, MOST_PHOTOS), default=300, show_default=True,
    help="The most photos of the evening; removed ones count, too.",
)  # fmt: skip
@click.option("--new-key", is_flag=True, help="A new address: who has the old one cannot send any more. Counts anew.")
@click.option("--json", "as_json", is_flag=True, help="The address and the limits as JSON.")
@pass_account
def open_(account: Account, until: datetime, photos: int, new_key: bool, as_json: bool) -> None:
    """Open the door, and print the address and its QR code.

    \b
      emotions wall open --until 22:30 --photos 300

    Whoever has the address can send photos until then. Run it again to change the time or the number.
    """
    stacks = Stacks.of(account)
    stacks.require_function()
    door = Door.of(stacks)
    settings = door.open(until, photos, new_key=new_key)
    if as_json:
        print_json(_document(door, settings))
        return
    click.echo(door.address(settings))
    if out.is_terminal:
        out.print(qr_code(door.address(settings)))
    err.print(f"Open until {clock(settings.until)}, for {counted(settings.photos, 'photo')}.", soft_wrap=True)
    err.print(f"Each photo costs one Rekognition image. Next: {account.command('wall show')}", soft_wrap=True)


@command.command("close")
@click.option("--json", "as_json", is_flag=True, help="The evening's numbers as JSON.")
@pass_account
def close(account: Account, as_json: bool) -> None:
    """Close the door at once, and print the evening's numbers.

    Guests can still see and remove their own photos.
    """
    stacks = Stacks.of(account)
    door = Door.of(stacks)
    settings = door.close()
    board = Board(stacks)
    board.look()
    numbers = {
        "sent": door.taken(settings) if settings else 0,
        "approved": len(board.cards_in("shown")),
        "hidden": len(board.cards_in("hidden")),
        "waiting": len(board.cards_in("waiting")),
        "not_shown_for_age": board.minors,
        "faces": sum(len(card.result.faces) for card in board.cards_in("shown")),
        "tally": dict(board.tally()),
    }
    if as_json:
        print_json({"open": False} | numbers)
        return
    out.print("The door is closed." if settings else "The door was never open.")
    for name, number in numbers.items():
        words = ", ".join(f"{count} {look}" for look, count in number.items()) if isinstance(number, dict) else number
        out.print(f"  {name.replace('_', ' '):<18}{words}", soft_wrap=True)


@command.command("show")
@click.option("--no-approval", is_flag=True, help="Show every picture at once, without the organiser's approval.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 selects a free port.")
@click.option("--open/--no-open", "open_it", default=True, help="Open the desk in the browser.")
@pass_account
@click.pass_context
def show(ctx: click.Context, account: Account, no_approval: bool, port: int, open_it: bool) -> None:
    """Show the wall from this computer: one page for the projector, one for the organiser's desk. Ctrl-C ends it.

    \b
      emotions wall show

    The pages are on 127.0.0.1, so no other computer can open them. The door needs no `wall show`: guests can send
    photos without it, and see their own.
    """
    stacks = Stacks.of(account)
    choice = ctx.ensure_object(Choice)

    def again() -> Stacks:
        return replace(stacks, account=choice.account())

    evening = Evening(Door.of(stacks), Board(stacks, approval=not no_approval), again)
    with running(evening, port) as server:
        click.echo(f"desk       {server.page('desk')}")
        click.echo(f"projector  {server.page('projector')}")
        approval = "Pictures appear without approval." if no_approval else "Pictures appear after you approve them."
        err.print(f"{approval} Ctrl-C ends the show; the door stays as it is.", soft_wrap=True)
        if open_it:
            webbrowser.open(server.page("desk"))
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            err.print("The show has ended. The door is unchanged: emotions wall close")


@command.command("download")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("wall.zip"), show_default=True,
    help="Where to write the ZIP.",
)  # fmt: skip
@pass_account
def download(account: Account, output: Path) -> None:
    """Save the approved pictures, whose guests agreed to the wall, in one ZIP.

    \b
      emotions wall download -o evening.zip

    The file leaves AWS's control: delete it when nobody needs it any more.
    """
    board = Board(Stacks.of(account))
    board.look()
    cards = board.cards_in("shown")[::-1]
    archive = io.BytesIO()
    contents: list[dict[str, Any]] = []
    with zipfile.ZipFile(archive, "w") as file:
        for number, card in enumerate(cards, 1):
            if picture := board.picture(card.id):
                file.writestr(f"{number:03}.jpg", picture)
                contents.append({"picture": f"{number:03}.jpg", "faces": board.words(card)})
        if not contents:
            raise WorkshopError(
                "There is no approved picture to save.",
                "Approve pictures at the desk; S3 deletes them after a day or two.",
            )
        file.writestr("wall.json", json.dumps({"pictures": contents, "tally": dict(board.tally())}, indent=1))
    try:
        output.write_bytes(archive.getvalue())
    except OSError as error:
        raise WorkshopError(
            f"{output} cannot be written: {error.strerror}.", "Choose another place with --output."
        ) from None
    err.print(f"{counted(len(contents), 'approved picture')}; delete the file when it is no longer needed.")
    out.print(plain(output), soft_wrap=True)


def _document(door: Door, settings: Settings) -> dict[str, Any]:
    return {"address": door.address(settings), "until": settings.until.isoformat(), "photos": settings.photos}
