"""Every photo that may go on the wall, and what was decided about it: read from S3, never guessed.

The pictures' names say which guests agreed to the wall, and a decision is an empty object beside its picture. So the
state survives a restart, two laptops show the same wall, and removing a photo removes its decision.
"""

import hashlib
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from annotator.drawing.words import looks, words
from annotator.faces import from_left
from annotator.photo import PICTURES
from annotator.result import Result
from wall_door.guests import APPROVED, HIDDEN, SHOWN, decision_key, may_be_a_minor, photo_key, ticket_of

from workshop.aws.results import UnreadableResult, latest_result
from workshop.aws.stacks import Stacks
from workshop.wall.door import cloud

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

State = Literal["waiting", "shown", "hidden"]


@dataclass(frozen=True, slots=True)
class Card:
    """One guest's picture. `id` names it on the pages, which never learn the ticket; `came` is S3's time."""

    ticket: str
    result: Result
    came: datetime

    @property
    def id(self) -> str:
        """The name of this card on the pages."""
        return hashlib.sha256(self.ticket.encode()).hexdigest()[:12]


@dataclass
class Board:
    """The wall's cards. `look`, `save`, `forget` and `picture` call AWS; the rest is memory. Thread-safe.

    With `approval`, a picture is shown only after the organiser approved it.
    """

    stacks: Stacks
    approval: bool = True
    cards: dict[str, Card] = field(default_factory=dict)
    minors: int = 0
    _decisions: dict[str, set[str]] = field(default_factory=dict)
    _unsaved: dict[str, set[str]] = field(default_factory=dict)
    _not_for_the_wall: dict[str, bool] = field(default_factory=dict)
    _before: list[tuple[str, set[str]]] = field(default_factory=list)
    _forgotten: set[str] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def look(self) -> None:
        """Read what there is: one list, and the result of each new picture. A photo that is gone leaves the board."""
        listed = self._listed()
        for ticket, (decisions, came) in listed.items():
            if came is None:  # a decision about a photo that was removed at that moment
                self._erase(ticket, decisions)
        listed = {ticket: found for ticket, found in listed.items() if found[1]}
        new = [ticket for ticket in listed if ticket not in self.cards and ticket not in self._not_for_the_wall]
        with ThreadPoolExecutor(max_workers=8) as threads:
            list(threads.map(lambda ticket: self._meet(ticket, *listed[ticket]), new))
        self._not_for_the_wall = {ticket: minor for ticket, minor in self._not_for_the_wall.items() if ticket in listed}
        self.minors = sum(self._not_for_the_wall.values())
        with self._lock:
            # What was decided or forgotten meanwhile is newer than the list.
            self.cards = {
                ticket: card
                for ticket, card in self.cards.items()
                if ticket in listed and ticket not in self._forgotten
            }
            self._unsaved = {ticket: wanted for ticket, wanted in self._unsaved.items() if ticket in self.cards}
            self._decisions = {ticket: listed[ticket][0] for ticket in self.cards} | self._unsaved

    def state(self, card: Card) -> State:
        """Whether a card waits for approval, is shown, or is hidden."""
        decisions = self._decisions.get(card.ticket, set())
        if HIDDEN in decisions:
            return "hidden"
        return "shown" if APPROVED in decisions or not self.approval else "waiting"

    def cards_in(self, state: State) -> list[Card]:
        """The cards in this state, the newest first."""
        cards = (card for card in list(self.cards.values()) if self.state(card) == state)
        return sorted(cards, key=lambda card: (card.came, card.ticket), reverse=True)

    def decide(self, id_: str, decision: Literal["approved", "hidden"]) -> bool:
        """Approve or hide a card, at once; `save` tells S3. False if there is no such card."""
        with self._lock:
            card = self.card(id_)
            if card:
                self._before.append((card.ticket, self._decisions.get(card.ticket, set())))
                self._want(card.ticket, {decision})
            return card is not None

    def undo(self) -> bool:
        """Take the last decision back, of those about cards that are still there; False if there is none."""
        with self._lock:
            while self._before:
                ticket, before = self._before.pop()
                if ticket in self.cards:
                    self._want(ticket, before)
                    return True
            return False

    def save(self) -> None:
        """Write the decisions that S3 does not know yet; those that fail are kept for the next time."""
        for ticket, wanted in list(self._unsaved.items()):
            for decision in sorted(wanted):
                self._s3.put_object(Bucket=self._bucket, Key=decision_key(ticket, decision), Body=b"")
            self._erase(ticket, {APPROVED, HIDDEN} - wanted)
            with self._lock:
                if self._unsaved.get(ticket) == wanted:
                    del self._unsaved[ticket]

    def forget(self, id_: str) -> dict[str, int]:
        """Remove everything about a card's photo from AWS, as its guest could; the counts of what there was.

        If AWS fails, the card comes back, hidden.
        """
        with self._lock:
            card = self.card(id_)
            if card is None:
                return {}
            self._forgotten.add(card.ticket)
            self.cards = {ticket: each for ticket, each in self.cards.items() if each is not card}
        try:
            return cloud(self.stacks).remove(card.ticket)
        except BaseException:
            with self._lock:
                self._forgotten.discard(card.ticket)
                self.cards = self.cards | {card.ticket: card}
                self._want(card.ticket, {HIDDEN})
            raise

    def card(self, id_: str) -> Card | None:
        """The card that the pages call so."""
        return next((card for card in list(self.cards.values()) if card.id == id_), None)

    def picture(self, id_: str) -> bytes | None:
        """The annotated JPEG of a card."""
        card = self.card(id_)
        if card is None or card.result.picture is None:
            return None
        return self._s3.get_object(Bucket=self._bucket, Key=card.result.picture.key)["Body"].read()

    def tally(self) -> list[tuple[str, int]]:
        """How many of the shown faces look happy, calm and so on, the most frequent first."""
        faces = (face for card in self.cards_in("shown") for face in card.result.faces)
        return Counter(looks(face.emotion.type) for face in faces if face.emotion).most_common()

    def words(self, card: Card) -> list[str]:
        """What the faces look like, from the left."""
        return [words(face) for face in from_left(card.result.faces)]

    def _want(self, ticket: str, decisions: set[str]) -> None:
        self._decisions[ticket] = self._unsaved[ticket] = set(decisions)

    def _erase(self, ticket: str, decisions: set[str]) -> None:
        for decision in sorted(decisions):
            self._s3.delete_object(Bucket=self._bucket, Key=decision_key(ticket, decision))

    def _listed(self) -> dict[str, tuple[set[str], datetime | None]]:
        """The decisions about each photo whose guest agreed to the wall, and when its picture came, if it is there."""
        found: dict[str, tuple[set[str], datetime | None]] = {}
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=SHOWN):
            for item in page.get("Contents", []):
                key, _, name = item["Key"].removeprefix(PICTURES).rpartition("/")
                if ticket := ticket_of(key):
                    decisions, came = found.get(ticket, (set(), None))
                    if name in (APPROVED, HIDDEN):
                        found[ticket] = decisions | {name}, came
                    else:
                        found[ticket] = decisions, item["LastModified"]
        return found

    def _meet(self, ticket: str, decisions: set[str], came: datetime | None) -> None:
        """Read a new picture's result, unless it is still being stored. Kept at once, whatever fails for another."""
        try:
            result = latest_result(self.stacks, photo_key(ticket))
        except UnreadableResult:
            self._not_for_the_wall[ticket] = False
            return
        if result is None or came is None:
            return
        if result.status != "annotated" or may_be_a_minor(result):
            self._not_for_the_wall[ticket] = may_be_a_minor(result)
            return
        with self._lock:
            self._decisions.setdefault(ticket, decisions)
            self.cards = self.cards | {ticket: Card(ticket, result, came)}

    @property
    def _bucket(self) -> str:
        return self.stacks.processed_bucket

    @property
    def _s3(self) -> "S3Client":
        client: S3Client = self.stacks.account.client("s3")
        return client
