"""Delete your stacks, and prove that nothing is left."""

import json
import sys
from collections import Counter
from collections.abc import Sequence

import click
from rich.console import Console

from workshop.aws.account import Account, pass_account
from workshop.aws.stacks import where_else
from workshop.takedown.destroy import destroy
from workshop.takedown.footprint import Footprint, Thing, footprint_of
from workshop.takedown.leftovers import PATIENCE, Leftover, leftovers, remove_and_look
from workshop.terminal.console import WARNING, err, out, plain, print_prose, shortened
from workshop.terminal.counting import counted
from workshop.terminal.errors import Interrupted, WorkshopError


@click.command("teardown")
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@click.option("--json", "as_json", is_flag=True, help="What is left (with --dry-run: what would be deleted), as JSON.")
@pass_account
def command(account: Account, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Delete your stacks and everything they created, then check that nothing is left.

    \b
      emotions teardown --dry-run
      emotions teardown

    Lists what it will delete and asks. Then it runs `cdk destroy`, removes your image and templates from the CDK's
    bootstrap storage, and checks the account. It deletes only what is named or tagged as yours; the bootstrap itself
    stays. Exits with 0 only when nothing is left.
    """
    err.print(f"Looking for your resources (attendee: {account.attendee}) in {account.region} …", style="dim")
    before = footprint_of(account)
    there = leftovers(account, before)
    nothing = "nothing left"
    if not there and (elsewhere := where_else(account)):
        print_prose(err, f"{account.attendee} has nothing here. {elsewhere}", WARNING)
        nothing += f" of {account.attendee}"
    if dry_run:
        _show_dry_run(before, there, nothing, as_json=as_json)
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
            on_removed=_report_removed,
            on_wait=lambda left: err.print(f"Waiting for AWS to delete {_counted(left)} …", style="dim"),
        )
    except KeyboardInterrupt:
        raise Interrupted(
            "Stopped.",
            f"AWS will finish the deletions already under way. To remove the rest, run: {account.command('teardown')}",
        ) from None
    shared = _show_shared(after)
    if as_json:
        click.echo(json.dumps([_document(each) for each in left], indent=1))
    elif left:
        _show_leftovers(left)
    elif shared:
        out.print("nothing left of yours, except what other stacks use too")
    else:
        out.print(nothing)
    if left:
        raise WorkshopError(
            f"{_counted(left)} left{'' if went_well else ', because `cdk destroy` failed; its reason is above'}.",
            f"Try again, or remove each with its command: {account.command('teardown')}",
        )


def _ask(account: Account, there: list[Leftover]) -> None:
    """Show what will be deleted and ask. Raises WorkshopError if there is no terminal, and click.Abort for a no."""
    contents = {"bucket": "photos", "collection": "faces"}
    lost = " and ".join(what for kind, what in contents.items() if any(each.kind == kind for each in there))
    with_them = f", with all {lost}" if lost else ""
    _list(err, there)
    print_prose(err, f"This deletes {_counted(there)} of {account.attendee} in {account.region}{with_them}.")
    if not sys.stdin.isatty():
        raise WorkshopError("Nothing was deleted: confirmation needs a terminal.", "Pass --yes to skip it.")
    click.confirm("Delete?", abort=True, err=True)


def _show_dry_run(footprint: Footprint, there: list[Leftover], nothing: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([{"kind": each.kind, "name": each.name} for each in there], indent=1))
        return
    if not there:
        out.print(nothing)
    _list(out, there)
    _show_shared(footprint)


def _list(console: Console, there: list[Leftover]) -> None:
    for each in there:
        # A queue's name is its URL; --json has the whole of it.
        name = plain(each.name.rpartition("/")[2] if each.kind == "queue" else each.name)
        name = shortened(name, console.width - 21) if console.is_terminal else name
        console.print(f"{each.kind:<21}{name}", soft_wrap=True)


def _report_removed(thing: Thing) -> None:
    err.print(f"Removed the {thing.kind} {thing.name}", style="dim", soft_wrap=True)


def _show_shared(footprint: Footprint) -> list[Thing]:
    """Print which uploads stay because stacks of others use them, and return them."""
    shared = sorted(footprint.used_by_others)
    for thing in shared:
        print_prose(err, f"The {thing.kind} {thing.name} stays: another stack uses it too.")
    return shared


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
