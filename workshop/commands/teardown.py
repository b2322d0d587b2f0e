"""Take your stacks down, and prove that nothing is left."""

import json
import sys
from collections import Counter
from collections.abc import Sequence

import click

from workshop.aws.account import Account, pass_account
from workshop.aws.stacks import where_else
from workshop.takedown.destroy import destroy
from workshop.takedown.footprint import Footprint, Thing, footprint_of
from workshop.takedown.leftovers import PATIENCE, Leftover, leftovers, remove_and_look
from workshop.terminal.console import WARNING, err, out, plain, shortened
from workshop.terminal.counting import counted
from workshop.terminal.errors import Interrupted, WorkshopError


@click.command("teardown")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@click.option("--json", "as_json", is_flag=True, help="What is left (with --dry-run: what would go), as JSON.")
@pass_account
def command(account: Account, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Delete your stacks and all that came with them, then look whether anything is left.

    \b
      emotions teardown --dry-run
      emotions teardown

    Runs `cdk destroy`, removes your image and templates from the CDK's bootstrap storage, and looks round. Only what
    is named or tagged as yours is touched; the bootstrap itself stays. Exits with 0 only when nothing is left.
    """
    err.print(f"Looking for your resources (attendee: {account.attendee}) in {account.region} …", style="dim")
    before = footprint_of(account)
    there = leftovers(account, before)
    if not there and (elsewhere := where_else(account)):
        err.print(f"Nothing of {account.attendee} was here. {elsewhere}", style=WARNING, soft_wrap=True)
    if dry_run:
        _show_plan(before, there, as_json=as_json)
        return
    if there and not yes:
        _ask(account, there)
    went_well = True
    try:
        if any(each.kind == "stack" for each in there):
            went_well = destroy(account)
        after, left = remove_and_look(
            account,
            before,
            patience=PATIENCE,
            on_removed=_say_removed,
            on_wait=lambda left: err.print(f"Waiting for AWS to let go of {_counted(left)} …", style="dim"),
        )
    except KeyboardInterrupt:
        raise Interrupted(
            "Stopped.",
            f"AWS will finish the deletions already under way. To remove the rest, run: {account.command('teardown')}",
        ) from None
    _say_what_stays(after)
    if as_json:
        click.echo(json.dumps([_document(each) for each in left], indent=1))
    elif left:
        _show_leftovers(left)
    else:
        out.print("nothing left")
    if left:
        raise WorkshopError(
            f"{_counted(left)} left{'' if went_well else ', because `cdk destroy` failed; its reason is above'}.",
            f"Try again, or remove each with its command: {account.command('teardown')}",
        )


def _ask(account: Account, there: list[Leftover]) -> None:
    """Let the person confirm; raises WorkshopError where there is no terminal, and click.Abort for a no."""
    gone_with_it = {"bucket": "photos", "collection": "faces"}
    lost = " and ".join(what for kind, what in gone_with_it.items() if any(each.kind == kind for each in there))
    with_them = f", {lost} with them" if lost else ""
    err.print(f"This deletes {_counted(there)} of {account.attendee} in {account.region}{with_them}.")
    if not sys.stdin.isatty():
        raise WorkshopError("Nothing was deleted: confirmation needs a terminal.", "Pass --yes to skip it.")
    click.confirm("Go on?", abort=True, err=True)


def _show_plan(footprint: Footprint, there: list[Leftover], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([{"kind": each.kind, "name": each.name} for each in there], indent=1))
        return
    if not there:
        out.print("There is nothing to take down.")
    for each in there:
        # A queue is called by its URL, the whole of which --json tells.
        name = plain(each.name.rpartition("/")[2] if each.kind == "queue" else each.name)
        out.print(f"{each.kind:<21}{shortened(name, out.width - 21) if out.is_terminal else name}", soft_wrap=True)
    _say_what_stays(footprint)


def _say_removed(thing: Thing) -> None:
    err.print(f"Removed the {thing.kind} {thing.name}", style="dim", soft_wrap=True)


def _say_what_stays(footprint: Footprint) -> None:
    for thing in sorted(footprint.run_by_others):
        err.print(f"The {thing.kind} {thing.name} stays: another stack runs it too.", soft_wrap=True)


def _show_leftovers(left: list[Leftover]) -> None:
    for each in left:
        out.print(f"{each.kind} {plain(each.name)}", style="bold", soft_wrap=True)
        out.print(f"  {each.remove}", soft_wrap=True)


def _counted(left: Sequence[Leftover | Thing]) -> str:
    """How many of each kind: `2 buckets, 1 queue`."""
    numbers = Counter(each.kind for each in left)
    return ", ".join(counted(number, kind) for kind, number in numbers.items())


def _document(left: Leftover) -> dict[str, str]:
    return {"kind": left.kind, "name": left.name, "remove": left.remove}
