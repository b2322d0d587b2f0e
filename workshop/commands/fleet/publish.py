"""Put the stacks where every account of the fleet can read them."""

import click

from infra.settings import UnusableSetting, WorkshopSettings
from workshop.commands.fleet.options import Options, to_paste
from workshop.fleet.everyone import Fleet, Turn, for_everyone
from workshop.fleet.members import require_right_account
from workshop.fleet.publication import (
    KEPT_FOR_DAYS,
    STACKS,
    Publication,
    Readers,
    publish,
    published,
    size_of,
)
from workshop.fleet.templates import quick_create_link
from workshop.takedown.cost import prices
from workshop.terminal.console import err, out, print_prose
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError


@click.command("publish")
@click.option("-c", "--context", "given", metavar="NAME=VALUE", multiple=True, help="A setting, as for `cdk deploy`.")
@click.option(
    "--organisation", metavar="o-…", help="Readable by this AWS organisation instead of each account; '' takes it back."
)
@click.option("--links", is_flag=True, help="The links for a browser for each attendee, not only for `me`.")
@click.pass_obj
def command(options: Options, given: tuple[str, ...], organisation: str | None, links: bool) -> None:
    """Synthesise the stacks once and upload them to a bucket of yours, one in each region of the fleet.

    \b
      emotions fleet publish
      emotions fleet publish -c keep_days=2

    Only the fleet's accounts can read the bucket. Settings and organisation stay until you give others; `-c keep_days=`
    takes one back. Prints the buckets, and links with which an attendee who only has a browser creates the stacks.
    """
    if options.only:
        raise WorkshopError("What is published is for all who are in the file.", "Leave out --only.")
    changed, fleet = _settings(given), options.fleet()
    readers = _accounts(fleet)
    for region in sorted({member.region for member in fleet.members}):
        before = published(fleet.organiser, region)
        settings = {**(before.settings if before else {}), **changed}
        _check(settings, region)
        settings = {name: value for name, value in settings.items() if value}
        if before:
            _say_changes(before, settings)
        kept = before.organisation if before else None
        may_read = Readers(readers, kept if organisation is None else organisation or None)
        done = publish(fleet.organiser, region, settings, may_read, lambda what: err.print(f"{what} …", style="dim"))
        _report(fleet, done, may_read, links=links)


def _settings(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    for name, equals, _ in pairs:
        if not equals:
            raise WorkshopError(f"{name!r} is not a setting with a value.", "Write it as -c keep_days=2")
        if name in ("attendee", "package"):
            raise WorkshopError(
                f"A fleet has no setting {name}.", "Attendees come from its file; the package is a zip."
            )
    return {name: value for name, _, value in pairs}


def _check(settings: dict[str, str], region: str) -> None:
    try:
        WorkshopSettings.from_context({name: value or None for name, value in settings.items()}, region)
    except UnusableSetting as unusable:
        raise WorkshopError(f"{unusable}", "Nothing was published.") from None


def _accounts(fleet: Fleet) -> frozenset[str]:
    """The accounts of all members; those behind a profile alone are asked for theirs."""
    nameless = tuple(member for member in fleet.members if member.profile and not member.account)
    asked = for_everyone(Fleet(fleet.organiser, nameless, fleet.at_once), _id_of, doing="asking for the account's id")
    if failed := [each.member.attendee for each in asked if each.problem]:
        raise WorkshopError(
            f"The accounts of {', '.join(failed)} could not be asked for their ids; nothing was published.",
            f"Check the fleet: {to_paste('init', everybody=True)}",
        )
    known = {member.account for member in fleet.members if member.account}
    return frozenset(known | {each.value for each in asked if each.value})


def _id_of(turn: Turn) -> str:
    return require_right_account(turn.member, turn.account)


def _say_changes(before: Publication, settings: dict[str, str]) -> None:
    for name in sorted({*before.settings, *settings}):
        old, new = before.settings.get(name, "its default"), settings.get(name, "its default")
        if old != new:
            err.print(f"{name} changes from {old} to {new} with the next `{to_paste('deploy')}`.", soft_wrap=True)


def _report(fleet: Fleet, done: Publication, readers: Readers, *, links: bool) -> None:
    size = size_of(fleet.organiser, done)
    months = KEPT_FOR_DAYS / 30
    dollars = size / 1e9 * months * prices()["s3_gb_month"]["usd"]
    who = (
        f"the organisation {readers.organisation}"
        if readers.organisation
        else counted(len(readers.accounts), "account")
    )
    out.print(f"{done.region}  {done.bucket}  {size / 1e6:.1f} MB, readable by {who}", soft_wrap=True)
    print_prose(
        err,
        f"Storing it costs about US${dollars:.4f} until S3 deletes it after {KEPT_FOR_DAYS} days, or you do: "
        f"{to_paste('unpublish')}",
        "dim",
    )
    here = [member.attendee for member in fleet.members if member.region == done.region]
    print_prose(err, "For a browser: open the link for Foundation, wait until it is complete, then the other.", "dim")
    for attendee in here if links else ["me"]:
        for stack in STACKS:
            link = quick_create_link(done.region, done.url(stack), attendee, stack)
            out.print(f"{attendee}  {stack}  {link}", soft_wrap=True)
