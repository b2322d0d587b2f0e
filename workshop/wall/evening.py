"""The running wall: looks into S3 every second, does what the desk asks, and knows what each page should show."""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wall_door.door import Settings

from workshop.aws.queues import messages_in
from workshop.aws.stacks import Stacks
from workshop.terminal.counting import counted
from workshop.terminal.errors import WorkshopError, explain
from workshop.wall.board import Board, Card
from workshop.wall.door import Door

LOOK_EVERY = 1.0
"""Seconds between two looks at the pictures. Three hours of it are 10,800 lists, about five US cents."""

COUNT_EVERY = 5.0
"""Seconds between two looks at the door, the queues and the counter."""

PHOTO_CALL = 60
"""Seconds of a photo call."""

ON_PROJECTOR = 60
"""The newest pictures that the projector gets. The tally counts all."""


@dataclass
class Evening:
    """One laptop's view of the wall. `again` opens the account anew, for credentials that were renewed."""

    door: Door
    board: Board
    again: Callable[[], Stacks]
    settings: Settings | None = None
    taken: int = 0
    in_work: int = 0
    failed: int = 0
    call_until: float = 0
    covered: bool = False
    trouble: str = ""
    version: int = 0
    _counted_at: float = float("-inf")
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _shown: object = None
    _pictures: dict[str, bytes] = field(default_factory=dict)
    _wake: threading.Event = field(default_factory=threading.Event)

    def run(self, stop: threading.Event) -> None:
        """Look, save and count until `stop` is set. Trouble is shown, and the next look tries again."""
        while not stop.is_set():
            began = time.monotonic()
            self.step()
            self._wake.wait(max(0.05, LOOK_EVERY - (time.monotonic() - began)))
            self._wake.clear()

    def step(self) -> None:
        """One look. Never raises: what AWS refuses becomes the sentence that the pages show."""
        try:
            self.board.save()
            self.board.look()
            if time.monotonic() - self._counted_at >= COUNT_EVERY:
                self._count()
            self.trouble = ""
        except Exception as error:
            explained = error if isinstance(error, WorkshopError) else explain(error)
            self.trouble = explained.message if explained else f"{type(error).__name__}: {error}"
            # A session keeps the credentials that it read; a new one reads those of a new sign-in.
            with contextlib.suppress(Exception):
                self._use(self.again())
        self.tell()

    def do(self, action: str, id_: str = "") -> str:
        """What the desk asks for; a sentence for the desk, empty if there is nothing to say."""
        said = ""
        match action:
            case "approve" | "hide":
                self.board.decide(id_, "approved" if action == "approve" else "hidden")
            case "undo":
                said = "" if self.board.undo() else "There is nothing to undo."
            case "forget":
                self._pictures.pop(id_, None)
                removed = [
                    counted(count, thing.removesuffix("s")) for thing, count in self._forget(id_).items() if count
                ]
                said = f"Removed: {', '.join(removed)}" if removed else "It is gone already."
            case "open":
                until = self.settings.until if self.settings else datetime.now(UTC)
                later = max(until, datetime.now(UTC)) + timedelta(hours=1)
                self.settings = self.door.open(later, self.settings.photos if self.settings else 300)
            case "close":
                self.settings = self.door.close()
            case "call":
                self.call_until = 0 if self.call_until > time.time() else time.time() + PHOTO_CALL
            case "cover":
                self.covered = not self.covered
            case _:
                return "Unknown action."
        self.tell()
        self._wake.set()  # so that S3 learns it now
        return said

    def _forget(self, id_: str) -> dict[str, int]:
        """The card leaves the projector before AWS is asked."""
        try:
            return self.board.forget(id_)
        finally:
            self.tell()

    def tell(self) -> None:
        """Wake the pages up if they should show something else than before."""
        now = self.desk()
        with self._changed:
            if now != self._shown:
                self._shown = now
                self.version += 1
                self._changed.notify_all()

    def wait(self, version: int, seconds: float) -> int:
        """The current version, as soon as it is not `version`, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != version, seconds)
            return self.version

    def projector(self) -> dict[str, Any]:
        """What everybody in the room sees."""
        shown = self.board.cards_in("shown")
        return {
            "cards": [] if self.covered else [self._card(card) for card in shown[:ON_PROJECTOR]],
            "tally": [] if self.covered else self.board.tally(),
            "open": self._is_open(),
            "address": self.address,
            "covered": self.covered,
            "call_until": self.call_until,
            "trouble": self.trouble,
        }

    def desk(self) -> dict[str, Any]:
        """What only the organiser sees: also the pictures that wait or are hidden, and what fails."""
        settings = self.settings
        return self.projector() | {
            # Who waits longest comes first.
            "waiting": [self._card(card) for card in reversed(self.board.cards_in("waiting"))],
            "shown": [self._card(card) for card in self.board.cards_in("shown")],
            "hidden": [self._card(card) for card in self.board.cards_in("hidden")],
            "until": settings.until.isoformat() if settings else None,
            "limit": settings.photos if settings else 0,
            "taken": self.taken,
            "in_work": self.in_work,
            "failed": self.failed,
            "minors": self.board.minors,
            "approval": self.board.approval,
        }

    def picture(self, id_: str) -> bytes | None:
        """A card's picture. Kept in memory until the card is forgotten, so that the wall survives a lost network."""
        if self.board.card(id_) is None:
            self._pictures.pop(id_, None)
            return None
        picture = self._pictures.get(id_) or self.board.picture(id_)
        if picture:
            self._pictures[id_] = picture
        return picture

    @property
    def address(self) -> str | None:
        """What guests scan; None before the door was first opened."""
        return self.door.address(self.settings) if self.settings else None

    def _is_open(self) -> bool:
        settings = self.settings
        return settings is not None and settings.state(datetime.now(UTC), self.taken) == "open"

    def _count(self) -> None:
        stacks = self.board.stacks
        self.settings = self.door.settings()
        self.taken = self.door.taken(self.settings) if self.settings else 0
        self.in_work = sum(messages_in(stacks.account, stacks.inbox_url))
        self.failed = messages_in(stacks.account, stacks.dead_letter_queue_url).waiting
        for id_ in list(self._pictures):  # other threads add to it
            if self.board.card(id_) is None:
                self._pictures.pop(id_, None)
        self._counted_at = time.monotonic()

    def _use(self, stacks: Stacks) -> None:
        self.board.stacks = stacks
        self.door = replace(self.door, stacks=stacks)

    def _card(self, card: Card) -> dict[str, Any]:
        return {"id": card.id, "words": self.board.words(card)}
