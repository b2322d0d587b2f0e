"""Delete everybody's stacks, and prove for each account that nothing is left."""

import sys

import click

from workshop.aws.stacks import outputs_of
from workshop.commands.fleet.options import pass_fleet
from workshop.commands.fleet.outcomes import require_all, show, stoppable
from workshop.fleet.everyone import Fleet, Turn, for_everyone
from workshop.fleet.members import require_right_account
from workshop.fleet.publication import STACKS
from workshop.fleet.stacks import delete
from workshop.takedown.footprint import footprint_of
from workshop.takedown.leftovers import PATIENCE, Leftover, remove_and_look
from workshop.terminal.console import err
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError


@click.command("destroy")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@pass_fleet
def command(fleet: Fleet, yes: bool) -> None:
    """Delete the stacks of every attendee with all that came with them, then look whether anything is left.

    \b
      emotions fleet destroy
      emotions fleet --only simon destroy

    Says `nothing left` for each attendee, or each thing that is left with the command that removes it. Exits with 0
    only when nothing is left anywhere.
    """
    if not yes:
        _ask(fleet)
    with stoppable("CloudFormation finishes the deletions that are under way. For the rest: emotions fleet destroy"):
        outcomes = for_everyone(fleet, _destroyed, doing="looking")
    show(outcomes, _line)
    require_all(outcomes, "emotions fleet destroy")
    if with_leftovers := sum(bool(outcome.value) for outcome in outcomes):
        raise WorkshopError(
            f"{counted(with_leftovers, 'attendee')} of {len(outcomes)} still have something.",
            "Try again, or run the commands above in that account: emotions fleet destroy",
        )


def _destroyed(turn: Turn) -> list[Leftover]:
    require_right_account(turn.member, turn.account)
    before = footprint_of(turn.account)
    for stack in ("Wall", *reversed(STACKS)):  # an attendee may have opened a wall
        delete(turn, stack)
    turn.say("looking round")
    _, left = remove_and_look(
        turn.account,
        before,
        patience=PATIENCE,
        on_removed=lambda thing: turn.say(f"removed the {thing.kind} {thing.name}"),
        on_wait=lambda left: turn.say(f"waiting for AWS to let go of {counted(len(left), 'thing')}"),
    )
    return left


def _line(left: list[Leftover]) -> str:
    if not left:
        return "nothing left"
    return "left: " + "; ".join(f"{each.kind} {each.name} ({each.remove})" for each in left)


def _ask(fleet: Fleet) -> None:
    counts = for_everyone(fleet, _photos, doing="counting photos")
    photos = sum(each.value or 0 for each in counts)
    unknown = sum(each.problem is not None for each in counts)
    but = f" ({counted(unknown, 'account')} could not be asked)" if unknown else ""
    err.print(
        f"This deletes the stacks of {counted(len(fleet.members), 'attendee')}, with {counted(photos, 'photo')}{but}."
    )
    if not sys.stdin.isatty():
        raise WorkshopError("Nothing was deleted: confirmation needs a terminal.", "Pass --yes to skip it.")
    click.confirm("Go on?", abort=True, err=True)


def _photos(turn: Turn) -> int:
    try:
        foundation = outputs_of(turn.account, "Foundation")
    except WorkshopError:  # neither there nor not there; nobody can upload to it
        return 0
    if not foundation:
        return 0
    pages = turn.account.client("s3").get_paginator("list_objects_v2").paginate(Bucket=foundation["RawBucket"])
    return sum(page["KeyCount"] for page in pages)
