"""How the fleet's commands end: a line for each member on stdout, and the truth in the exit code."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.cells import cell_len

from workshop.fleet.everyone import Outcome
from workshop.terminal.console import out, plain
from workshop.terminal.counting import counted
from workshop.terminal.errors import Interrupted, WorkshopError

T = TypeVar("T")


@contextmanager
def stoppable(hint: str) -> Iterator[None]:
    """Ctrl-C inside the block ends the command with what was left how, and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("Stopped.", hint) from None


def show(outcomes: Sequence[Outcome[T]], line: Callable[[T], str]) -> None:
    """A line for each member: what `line` makes of the value, or the problem and what to do."""
    width = max((cell_len(outcome.member.attendee) for outcome in outcomes), default=0)
    for outcome in outcomes:
        name = f"{outcome.member.attendee:<{width}}"
        if outcome.value is not None:
            out.print(f"{name}  {plain(line(outcome.value))}", soft_wrap=True)
        elif outcome.problem:
            out.print(f"{name}  failed: {plain(outcome.problem.message)}", style="red", soft_wrap=True)


def require_all(outcomes: Sequence[Outcome[T]], again: str) -> None:
    """Raise WorkshopError if anybody's turn failed; `again` is the command that tries it again."""
    failed = sum(outcome.problem is not None for outcome in outcomes)
    if failed:
        raise WorkshopError(
            f"{counted(failed, 'attendee')} of {len(outcomes)} failed; the reason is in the line.",
            f"Mend it, then try again; what is done stays done: {again}",
        )
