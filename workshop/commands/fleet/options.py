"""What was said before the fleet's command: which file, who of it, how many at once."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import click

from workshop.aws.account import Choice, quoted
from workshop.fleet.everyone import Fleet
from workshop.fleet.roster import read
from workshop.terminal.errors import WorkshopError

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_FILE: Final = "fleet.csv"


@dataclass(frozen=True, slots=True)
class Options:
    """`ctx.obj` of the fleet's commands."""

    choice: Choice
    file: str
    only: tuple[str, ...]
    at_once: int

    def fleet(self) -> Fleet:
        """The members that are meant, with the organiser's account; raises WorkshopError for an unusable file."""
        organiser = self.choice.account()
        members = read(Path(self.file), organiser.region)
        if unknown := sorted(set(self.only) - {member.attendee for member in members}):
            raise WorkshopError(f"{self.file} has no attendee {', '.join(unknown)}.", "Look at its first column.")
        chosen = tuple(member for member in members if not self.only or member.attendee in self.only)
        return Fleet(organiser, chosen, self.at_once)


def to_paste(rest: str, *, everybody: bool = False) -> str:
    """The command of this fleet, to paste: `emotions fleet --file monday.csv --only simon deploy`.

    With `everybody`, for all who are in the file.
    """
    options: Options = click.get_current_context().obj
    file = [] if options.file == DEFAULT_FILE else ["--file", quoted(options.file)]
    only = [] if everybody else [word for name in options.only for word in ("--only", name)]
    return " ".join(["emotions fleet", *file, *only, rest])


def pass_fleet(command: Callable[Concatenate[Fleet, P], R]) -> Callable[P, R]:
    """Hand a click command the fleet that is meant, as its first argument."""

    @functools.wraps(command)
    def with_fleet(*args: P.args, **kwargs: P.kwargs) -> R:
        options: Options = click.get_current_context().obj
        return command(options.fleet(), *args, **kwargs)

    return with_fleet
