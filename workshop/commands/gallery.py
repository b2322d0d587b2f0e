"""One HTML page with all pictures, for the projector."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click
from annotator.result import Result

from workshop.aws.account import Account, pass_account
from workshop.aws.links import LONGEST
from workshop.aws.results import all_results
from workshop.aws.stacks import Stacks, attendees
from workshop.show import gallery_file
from workshop.terminal.console import WARNING, err, plain, print_prose
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
    found = _of_every_attendee(account) if everybody else [_stacks_and_results(account)]
    gallery_file.write(found, output, expires=expires, embed=embed, open_it=open_it, attendees_names=everybody)


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
