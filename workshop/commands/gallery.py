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
from workshop.aws.results import all_results, upload_time
from workshop.aws.stacks import Stacks, attendees
from workshop.show import gallery
from workshop.terminal.console import WARNING, err, out, plain, print_prose
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
@click.option("--embed", is_flag=True, help="Store the pictures in the page, so that it never expires.")
@click.option("--everybody", is_flag=True, help="The pictures of every attendee in this account and region.")
@click.option("--open", "open_it", is_flag=True, help="Open the page in the browser.")
@pass_account
def command(account: Account, output: Path, expires: timedelta, embed: bool, everybody: bool, open_it: bool) -> None:
    """Make one page of all annotated pictures, with a tally of how the faces look.

    \b
      emotions gallery --open
      emotions gallery --everybody --open

    The newest picture comes first. The page is a file on this computer. Anyone who has it can see the pictures until
    the links end. With --embed they never end, so delete the file when the evening is over.
    """
    now = datetime.now(UTC)
    found = _of_every_attendee(account) if everybody else [_stacks_and_results(account)]
    results = sorted((result for _, of_one in found for result in of_one), key=upload_time, reverse=True)
    attendee_of = {stacks.raw_bucket: stacks.account.attendee for stacks, _ in found}

    def name(result: Result) -> str:
        return attendee_of[result.raw.bucket] if everybody else gallery.name_of(result)

    if embed:
        address, ends = _embedded_in(account), None
    else:
        address, ends = _linked_from(account, expires, now)
    links_end = ends.astimezone() if ends and results else None
    page = gallery.page(results, address, made=now.astimezone(), links_end=links_end, name=name)
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise WorkshopError(
            f"{output} cannot be written: {error.strerror}.", "Choose another place with --output."
        ) from None
    print_prose(err, _summary(len(results), ends))
    if links_end and (sooner := what_ends_sooner(found[0][0], expires)):
        print_prose(err, sooner)
    out.print(plain(output), soft_wrap=True)
    address_of_page = output.resolve().as_uri()
    if open_it and not webbrowser.open(address_of_page):
        err.print(f"No browser could be opened. Open this address yourself: {address_of_page}", soft_wrap=True)


def _stacks_and_results(account: Account) -> tuple[Stacks, list[Result]]:
    stacks = Stacks.of(account)
    return stacks, all_results(stacks)


def _of_every_attendee(account: Account) -> list[tuple[Stacks, list[Result]]]:
    """The stacks and results of each attendee; those that cannot be read are skipped with a warning."""
    usable = []
    for attendee in attendees(account):
        try:
            with aws_errors_as_sentences():
                usable.append(_stacks_and_results(replace(account, attendee=attendee)))
        except WorkshopError as error:
            print_prose(err, f"Without {plain(attendee)}: {plain(error.message)}", WARNING)
    return usable or [_stacks_and_results(account)]


def _linked_from(account: Account, expires: timedelta, now: datetime) -> tuple[Callable[[Picture], str], datetime]:
    """Presigned links for the pictures, and when all of them end."""

    def address(picture: Picture) -> str:
        return link_to(account, picture.bucket, picture.key, expires, now=now).url

    # All links end together, so any bucket and key will do here.
    return address, link_to(account, "any", "any", expires, now=now).ends


def _embedded_in(account: Account) -> Callable[[Picture], str]:
    """The pictures themselves, as data URIs."""
    s3 = account.client("s3")

    def address(picture: Picture) -> str:
        jpeg = s3.get_object(Bucket=picture.bucket, Key=picture.key)["Body"].read()
        return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()

    return address


def _summary(photos: int, ends: datetime | None) -> str:
    if not photos:
        return "There are no results yet; the page says so."
    if ends is None:
        return f"{counted(photos, 'photo')}, stored in the page. Delete the file when you no longer need it."
    return f"{counted(photos, 'photo')}; the links in the page end at {ends.astimezone():%H:%M on %d %b}."
