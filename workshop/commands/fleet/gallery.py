"""Everybody's pictures on one page."""

from datetime import timedelta
from pathlib import Path

import click
from annotator.result import Result

from workshop.aws.links import LONGEST
from workshop.aws.results import all_results
from workshop.aws.stacks import Stacks, outputs_of
from workshop.commands.fleet.options import pass_fleet, to_paste
from workshop.commands.fleet.outcomes import require_all
from workshop.fleet.everyone import Fleet, Turn, for_everyone
from workshop.show import gallery_file
from workshop.terminal.console import WARNING, err, plain, print_prose
from workshop.terminal.durations import Duration
from workshop.terminal.errors import WorkshopError


@click.command("gallery")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("gallery.html"), show_default=True,
    help="Where to write the page.",
)  # fmt: skip
@click.option(
    "--expires", type=Duration(LONGEST), default="6h", show_default=True, help="How long the links work: 15m, 2h, 7d."
)
@click.option("--embed", is_flag=True, help="Store the pictures in the page, so that it never expires.")
@click.option("--open", "open_it", is_flag=True, help="Open the page in the browser.")
@pass_fleet
def command(fleet: Fleet, output: Path, expires: timedelta, embed: bool, open_it: bool) -> None:
    """Make one page of the annotated pictures of all attendees, in whatever account they are.

    \b
      emotions fleet gallery --open

    Links end with the credentials that sign them: with those of an assumed role, within an hour. Make the page again,
    or store the pictures in it with --embed, and delete the file when the evening is over.
    """
    outcomes = for_everyone(fleet, _pictures, doing="collecting results")
    for each in outcomes:
        if each.problem:
            print_prose(err, f"Without {each.member.attendee}: {plain(each.problem.message)}", WARNING)
    found = [each.value for each in outcomes if each.value]
    if not found:
        raise WorkshopError("No pictures could be read.", f"See what each attendee is missing: {to_paste('check')}")
    gallery_file.write(found, output, expires=expires, embed=embed, open_it=open_it, attendees_names=True)
    require_all(outcomes, to_paste("gallery"))


def _pictures(turn: Turn) -> tuple[Stacks, list[Result]]:
    if outputs_of(turn.account, "Foundation") is None:
        raise WorkshopError("Foundation is not deployed.")
    stacks = Stacks.of(turn.account)
    return stacks, all_results(stacks)
