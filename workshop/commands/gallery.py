"""One HTML page with all results so far, for the projector."""

import base64
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from annotator.result import Picture, Result

from workshop.aws.account import Account, pass_account
from workshop.aws.links import LONGEST, link_to, what_ends_sooner
from workshop.aws.results import all_results
from workshop.aws.stacks import Stacks, attendees
from workshop.show import gallery
from workshop.terminal.console import err, out, plain
from workshop.terminal.counting import counted
from workshop.terminal.durations import Duration
from workshop.terminal.errors import WorkshopError, aws_errors_as_sentences


@click.command("gallery")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("gallery.html"), show_default=True,
    help="Where to write the page.",
)  # fmt: skip
@click.option(
    "--expires", type=Duration(LONGEST), default="6h", show_default=True, help="How long the links work: 15m, 2h, 7d."
)
@click.option("--embed", is_flag=True, help="Put the pictures into the page, so that it never expires.")
@click.option("--everybody", is_flag=True, help="Of everybody who has stacks in this account and region.")
@click.option("--open", "open_it", is_flag=True, help="Open the page in the browser.")
@pass_account
def command(account: Account, output: Path, expires: timedelta, embed: bool, everybody: bool, open_it: bool) -> None:
    """Make one page of all annotated pictures, with a tally of how the faces look.

    \b
      emotions gallery --open
      emotions gallery --everybody --open

    The page is a file on this computer. Who has it sees the pictures until the links end; with --embed for as long
    as the file exists, so delete it when the evening is over.
    """
    now = datetime.now(UTC)
    stacks, results = _everybodys(account) if everybody else _ones(account)
    if embed:
        address, ends = _embedded_in(account), None
    else:
        address, ends = _linked_from(account, expires, now)
    page = gallery.page(
        results, address, made=now.astimezone(), links_end=ends.astimezone() if ends and results else None
    )
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise WorkshopError(
            f"{output} cannot be written: {error.strerror}.", "Choose another place with --output."
        ) from None
    err.print(_told(len(results), ends), soft_wrap=True)
    if ends and results and (sooner := what_ends_sooner(stacks, expires)):
        err.print(sooner, soft_wrap=True)
    out.print(plain(output), soft_wrap=True)
    address_of_page = output.resolve().as_uri()
    if open_it and not webbrowser.open(address_of_page):
        err.print(f"No browser could be opened from here; open this yourself: {address_of_page}", soft_wrap=True)


def _ones(account: Account) -> tuple[Stacks, list[Result]]:
    stacks = Stacks.of(account)
    return stacks, all_results(stacks)


def _everybodys(account: Account) -> tuple[Stacks, list[Result]]:
    """Somebody's stacks, and the results of all; whose cannot be used at the moment is named, and the others go on."""
    usable = []
    for name in attendees(account):
        try:
            with aws_errors_as_sentences():
                usable.append(_ones(replace(account, attendee=name)))
        except WorkshopError as error:
            err.print(f"Without {plain(name)}: {plain(error.message)}", style="yellow", soft_wrap=True)
    if not usable:
        return _ones(account)
    return usable[0][0], [result for _, results in usable for result in results]


def _linked_from(account: Account, expires: timedelta, now: datetime) -> tuple[Callable[[Picture], str], datetime]:
    """Presigned links for the pictures, and when all of them end."""

    def address(picture: Picture) -> str:
        return link_to(account, picture.bucket, picture.key, expires, now=now).url

    # Links of one signer end together, so any name will do to ask when.
    return address, link_to(account, "any", "any", expires, now=now).ends


def _embedded_in(account: Account) -> Callable[[Picture], str]:
    """The pictures themselves, as data URIs."""
    s3 = account.client("s3")

    def address(picture: Picture) -> str:
        jpeg = s3.get_object(Bucket=picture.bucket, Key=picture.key)["Body"].read()
        return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()

    return address


def _told(photos: int, ends: datetime | None) -> str:
    if not photos:
        return "There are no results yet; the page says so."
    if ends is None:
        return f"{counted(photos, 'photo')}, the pictures inside the page; delete the file when it is no longer needed."
    return f"{counted(photos, 'photo')}; the links in the page end at {ends.astimezone():%H:%M on %d %b}."
