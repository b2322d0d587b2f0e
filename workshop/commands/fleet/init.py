"""Make fleet.csv, or check the one that is there."""

from pathlib import Path

import click

from workshop.commands.fleet.options import Options, to_paste
from workshop.fleet.everyone import Fleet, Turn, for_everyone
from workshop.fleet.members import require_right_account
from workshop.fleet.roster import template
from workshop.terminal.console import err, out, plain
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError


@click.command("init")
@click.argument("accounts", metavar="[ACCOUNT]...", nargs=-1)
@click.pass_obj
def command(options: Options, accounts: tuple[str, ...]) -> None:
    """Make fleet.csv, or check every line of the one that is there.

    \b
      emotions fleet init
      emotions fleet init 111122223333 444455556666

    With account ids, the new file has a line for each. A check opens every account, and names all problems at once.
    """
    path = Path(options.file)
    if not path.exists():
        path.write_text(template(accounts), encoding="utf-8")
        err.print(f"Fill it in, then check it: {to_paste('init', everybody=True)}", soft_wrap=True)
        out.print(plain(path), soft_wrap=True)
        return
    if accounts:
        raise WorkshopError(f"{path} is there already; nothing was changed.", "Choose another with --file.")
    _check(options.fleet())


def _check(fleet: Fleet) -> None:
    checked = for_everyone(fleet, _opened, doing="opening the account")
    problems = [each for each in checked if each.problem]
    for each in problems:
        out.print(f"{each.member.attendee}: {plain(each.problem.message if each.problem else '')}", soft_wrap=True)
    if problems:
        raise WorkshopError(f"{counted(len(problems), 'attendee')} of {len(checked)} cannot be reached.")
    ids = {each.value for each in checked}
    out.print(f"{counted(len(checked), 'attendee')} in {counted(len(ids), 'account')}: all can be opened.")


def _opened(turn: Turn) -> str:
    return require_right_account(turn.member, turn.account)
