"""Who is at which step, who is stuck and why; once, or all evening on a second screen."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import click
from rich.live import Live
from rich.table import Table
from rich.text import Text

from workshop.commands.fleet.options import pass_fleet, to_paste
from workshop.fleet.everyone import Fleet, Outcome, for_everyone
from workshop.fleet.progress import LAST_STEP, Progress, progress_of
from workshop.terminal.console import err, out, plain, print_json
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError, aws_errors_as_sentences

_EVERY: Final = 15
"""Seconds between two looks."""

Looked = Sequence[Outcome[Progress]]


@click.command("check")
@click.argument("step", type=click.IntRange(1, LAST_STEP), default=LAST_STEP)
@click.option("--watch", is_flag=True, help=f"Look again every {_EVERY} seconds, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Step and obstacle of each attendee, as JSON.")
@click.pass_context
@pass_fleet
def command(fleet: Fleet, ctx: click.Context, step: int, watch: bool, as_json: bool) -> None:
    """Show at which step everybody is, and what the next step lacks.

    \b
      emotions fleet check
      emotions fleet check --watch      for the second screen

    Exits with 1 until everybody has done STEP, or all steps without it.
    """
    if watch:
        _watch(fleet)
        return
    looked = _look(fleet, "looking")
    if as_json:
        print_json([{"attendee": each.member.attendee, **_document(each)} for each in looked])
    else:
        for each in looked:
            out.print(_line(each, _width(looked)), soft_wrap=True)
        err.print(_summary(looked), style="bold", soft_wrap=True)
    ctx.exit(0 if all(each.value and each.value.step >= step for each in looked) else 1)


def _look(fleet: Fleet, doing: str | None = None) -> Looked:
    deploy = to_paste("deploy")
    return for_everyone(fleet, lambda turn: progress_of(turn.account, deploy), doing=doing)


def _looks(fleet: Fleet) -> Iterator[tuple[Looked, str | None]]:
    """Look again and again: the last look that succeeded, and why there is no newer one."""
    looked: Looked = ()
    while True:
        trouble = None
        try:
            with aws_errors_as_sentences():
                looked = _look(fleet)
        except WorkshopError as problem:
            trouble = problem.message
        yield looked, trouble
        time.sleep(_EVERY)


def _watch(fleet: Fleet) -> None:
    if out.is_terminal:
        with Live(console=out, auto_refresh=False, screen=True, vertical_overflow="ellipsis") as live:
            for looked, trouble in _looks(fleet):
                live.update(_board(looked, trouble), refresh=True)
    known: dict[str, str] = {}
    for looked, trouble in _looks(fleet):
        if trouble:
            err.print(plain(trouble), style="red", soft_wrap=True)
        for each in looked:
            line = _line(each, _width(looked)).plain
            if known.get(each.member.attendee) != line:
                out.print(line, soft_wrap=True)
            known[each.member.attendee] = line


def _board(looked: Looked, trouble: str | None = None) -> Table:
    """Those who have come least far first, because a low window shows the top only."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis")
    heading = Text(plain(trouble), style="bold red") if trouble else Text(_summary(looked), style="bold")
    table.add_row(heading.append(f"   {datetime.now():%H:%M:%S}"))
    for each in sorted(looked, key=lambda each: each.value.step if each.value else -1):
        table.add_row(_line(each, _width(looked)))
    return table


def _line(looked: Outcome[Progress], width: int) -> Text:
    line = Text(f"{looked.member.attendee:<{width}}  ", style="bold", no_wrap=True)
    if looked.value is None:
        return line.append(f"?       {plain(looked.problem.message if looked.problem else '')}", style="red")
    step, lacks = looked.value.step, looked.value.lacks
    line.append("●" * step, style="green").append("○" * (LAST_STEP - step), style="dim").append("  ")
    if lacks is None:
        return line.append("all steps done", style="green")
    line.append(f"step {step + 1}: {plain(lacks.says)}", style="default")
    return line.append(f" → {plain(lacks.fix.splitlines()[0])}", style="dim") if lacks.fix else line


def _width(looked: Looked) -> int:
    return max(len(each.member.attendee) for each in looked)


def _summary(looked: Looked) -> str:
    """How many are at each step: `60 attendees: 41 done, 12 at step 5, 6 at step 2, 1 unknown`."""
    at = Counter(each.value.step + 1 if each.value else 0 for each in looked)
    words = [
        f"{at[LAST_STEP + 1]} done",
        *(f"{at[step]} at step {step}" for step in range(LAST_STEP, 0, -1) if at[step]),
    ]
    return f"{counted(len(looked), 'attendee')}: {', '.join(words)}" + (f", {at[0]} unknown" if at[0] else "")


def _document(looked: Outcome[Progress]) -> dict[str, object]:
    if looked.value is None:
        return {"step": None, "problem": looked.problem.message if looked.problem else None}
    return looked.value.to_document()
