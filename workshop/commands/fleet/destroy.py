"""Delete everybody's stacks, and prove for each account that nothing is left."""

import sys
from dataclasses import dataclass

import click

from workshop.aws.stacks import outputs_of
from workshop.commands.fleet.options import pass_fleet, to_paste
from workshop.commands.fleet.outcomes import require_all, show, stoppable
from workshop.fleet.everyone import Fleet, Turn, for_everyone
from workshop.fleet.members import require_right_account
from workshop.fleet.publication import STACKS
from workshop.fleet.stacks import delete
from workshop.takedown.footprint import Thing, footprint_of
from workshop.takedown.leftovers import PATIENCE, Leftover, remove_and_look
from workshop.terminal.console import err
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What is left of an attendee's workshop, and whether it shares uploads with other people's stacks."""

    left: list[Leftover]
    shares: bool


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
    again = to_paste("destroy")
    with stoppable(f"CloudFormation finishes the deletions that are under way. For the rest: {again}"):
        outcomes = for_everyone(fleet, _destroyed, doing="looking")
    show(outcomes, _line)
    require_all(outcomes, again)
    if with_leftovers := sum(bool(outcome.value and outcome.value.left) for outcome in outcomes):
        raise WorkshopError(
            f"{counted(with_leftovers, 'attendee')} of {len(outcomes)} still have something.",
            f"Try again, or run the commands above in that account: {again}",
        )


def _destroyed(turn: Turn) -> Destroyed:
    require_right_account(turn.member, turn.account)
    before = footprint_of(turn.account)
    for stack in ("Wall", *reversed(STACKS)):  # an attendee may have opened a wall
        delete(turn, stack)
    turn.say("looking round")

    def wait(left: list[Thing]) -> None:
        turn.say(f"waiting for AWS to let go of {counted(len(left), 'thing')}")
        turn.pause(0)  # Ctrl-C ends the wait

    footprint, left = remove_and_look(
        turn.account,
        before,
        patience=PATIENCE,
        on_removed=lambda thing: turn.say(f"removed the {thing.kind} {thing.name}"),
        on_wait=wait,
    )
    return Destroyed(left, shares=bool(footprint.used_by_others))


def _line(done: Destroyed) -> str:
    if done.left:
        return "left: " + "; ".join(f"{each.kind} {each.name} ({each.remove})" for each in done.left)
    return "nothing left of theirs, except what other stacks use too" if done.shares else "nothing left"


def _ask(fleet: Fleet) -> None:
    counts = for_everyone(fleet, _photos, doing="counting photos")
    photos = sum(each.value or 0 for each in counts)
    unknown = sum(each.problem is not None for each in counts)
    but = f" ({counted(unknown, 'account')} could not be counted)" if unknown else ""
    err.print(
        f"This deletes the stacks of {counted(len(fleet.members), 'attendee')}, with {counted(photos, 'photo')}{but}."
    )
    if not sys.stdin.isatty():
        raise WorkshopError("Nothing was deleted: confirmation needs a terminal.", "Pass --yes to skip it.")
    click.confirm("Go on?", abort=True, err=True)


def _photos(turn: Turn) -> int:
    foundation = outputs_of(turn.account, "Foundation")  # an error if the stack is half gone: its bucket may be full
    if not foundation:
        return 0
    pages = turn.account.client("s3").get_paginator("list_objects_v2").paginate(Bucket=foundation["RawBucket"])
    return sum(page["KeyCount"] for page in pages)
