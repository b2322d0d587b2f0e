"""One thing done for all members at once: a live table for eyes, a plain log in a pipe; one failure stops nobody."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from rich.live import Live
from rich.table import Table
from rich.text import Text

from workshop.aws.account import Account
from workshop.fleet.members import account_of
from workshop.fleet.roster import Member
from workshop.terminal.console import err, plain
from workshop.terminal.errors import WorkshopError, aws_errors_as_sentences

T = TypeVar("T")


@dataclass(frozen=True)
class Fleet:
    """The members, and who looks after them. `at_once` accounts are worked on at the same time."""

    organiser: Account
    members: tuple[Member, ...]
    at_once: int = 10
    _opened: dict[str, Account] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def organisers_id(self) -> str:
        """The id of the organiser's own account."""
        return str(self.organiser.client("sts").get_caller_identity()["Account"])

    def open(self, member: Member) -> Account:
        """The member's account; the same one until `close`."""
        if member.attendee not in self._opened:
            self._opened[member.attendee] = account_of(member, self.organiser, self.organisers_id)
        return self._opened[member.attendee]

    def close(self, member: Member) -> None:
        """Forget the member's account, so that the next `open` reads their credentials anew."""
        self._opened.pop(member.attendee, None)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What became of one member: a value, or the sentence that says why not."""

    member: Member
    value: T | None = None
    problem: WorkshopError | None = None


@dataclass(slots=True)
class Turn:
    """A member's turn. Work that takes long calls `say` with what it does now, and `pause` instead of sleeping."""

    member: Member
    account: Account
    _stop: threading.Event
    _board: "_Board"

    def say(self, what: str) -> None:
        """Show what is being done for this member now."""
        self._board.tell(self.member, "…", what)

    def pause(self, seconds: float) -> None:
        """Wait; raises WorkshopError at once when the organiser stops everything."""
        if self._stop.wait(seconds):
            raise WorkshopError("Stopped while AWS was still at work.")


def for_everyone(fleet: Fleet, work: Callable[[Turn], T], *, doing: str | None) -> list[Outcome[T]]:
    """The outcome of `work` for each member, in the roster's order.

    Whatever fails for one member is that member's problem only. `doing` is shown before a member's
    first own word; with None nothing is shown. Ctrl-C lets the calls under way finish, starts no more, and raises
    KeyboardInterrupt.
    """
    _ = fleet.organisers_id  # an organiser without credentials gets one error, not one for each member
    board, stop = _Board(fleet.members, silent=doing is None), threading.Event()

    def turn(member: Member) -> Outcome[T]:
        try:
            with aws_errors_as_sentences():
                mine = Turn(member, fleet.open(member), stop, board)
                board.begin(member, doing or "")
                value = work(mine)
        except Exception as error:
            fleet.close(member)
            problem = error if isinstance(error, WorkshopError) else WorkshopError(f"{type(error).__name__}: {error}")
            board.tell(member, "failed", problem.message)
            return Outcome(member, problem=problem)
        board.tell(member, "done", "")
        return Outcome(member, value)

    pool = ThreadPoolExecutor(fleet.at_once)
    with board.shown():
        turns: dict[Future[Outcome[T]], Member] = {pool.submit(turn, member): member for member in fleet.members}
        try:
            for _ in as_completed(turns):
                pass
        except BaseException:
            stop.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    return [done.result() for done in turns]


@dataclass
class _Board:
    """What is known of each member; rich asks it for a table several times a second."""

    members: Sequence[Member]
    silent: bool = False
    _said: dict[str, tuple[str, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def shown(self) -> "Live | nullcontext[None]":
        """The board on the terminal while the block runs; nothing in a pipe, which gets a line for each word."""
        if self.silent or not err.is_terminal:
            return nullcontext()
        return Live(console=err, get_renderable=self._table, transient=True, refresh_per_second=4)

    def begin(self, member: Member, what: str) -> None:
        """Note that it is the member's turn; in a pipe that is not worth a line."""
        with self._lock:
            self._said[member.attendee] = ("…", what)

    def tell(self, member: Member, state: str, what: str) -> None:
        """Note what is being done for the member, or what became of them."""
        with self._lock:
            changed = self._said.get(member.attendee) != (state, what)
            self._said[member.attendee] = (state, what)
            if changed and what and not (self.silent or err.is_terminal):
                err.print(f"{member.attendee}: {plain(what)}", soft_wrap=True)

    def _table(self) -> Table:
        """Those at work first, then the failures, the waiting and the done, because a low window shows the top only."""
        order = {"…": 0, "failed": 1, "": 2, "done": 3}
        styles = {"…": "cyan", "failed": "red", "": "dim", "done": "green"}
        with self._lock:
            rows = [(member, *self._said.get(member.attendee, ("", ""))) for member in self.members]
        done = sum(state in ("done", "failed") for _, state, _ in rows)
        table = Table.grid(padding=(0, 2, 0, 0))
        for width in (max((len(member.attendee) for member in self.members), default=0), len("waiting")):
            table.add_column(no_wrap=True, min_width=width)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_row(f"{done} of {len(rows)}", "", "", style="bold")
        for member, state, what in sorted(rows, key=lambda row: order[row[1]]):
            word = Text(state or "waiting", style=styles[state])
            table.add_row(member.attendee, word, plain(what))
        return table
