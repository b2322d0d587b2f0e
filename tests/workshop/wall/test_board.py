"""The wall's memory: what waits, what is shown, and that S3 has the last word."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from annotator.faces import AgeRange, BoundingBox, Emotion, Face
from annotator.photo import Photo
from annotator.result import Picture, RawObject, Result
from botocore.exceptions import EndpointConnectionError
from wall_door.door import Settings
from wall_door.guests import decision_key, photo_key

from tests.workshop.answering import Answering, account_with
from workshop.aws.stacks import Stacks
from workshop.wall.board import Board
from workshop.wall.evening import Evening

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Bucket:
    """The processed bucket, and an empty raw bucket and collection."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.came: dict[str, datetime] = {}
        self.offline = False
        self.failing: set[str] = set()
        self.read: list[str] = []

    def __call__(self, operation: str, asked: dict[str, Any]) -> Any:
        if self.offline:
            raise EndpointConnectionError(endpoint_url="https://s3")
        key = str(asked.get("Key"))
        if key in self.failing:
            raise EndpointConnectionError(endpoint_url="https://s3")
        match operation:
            case "list_objects_v2":
                found = [key for key in sorted(self.objects) if key.startswith(asked["Prefix"])]
                return {"KeyCount": len(found), "Contents": [{"Key": k, "LastModified": self.came[k]} for k in found]}
            case "get_object":
                self.read.append(key)
                return {"Body": SimpleNamespace(read=lambda: self.objects[key])}
            case "put_object":
                self.put(key, asked["Body"])
            case "delete_object":
                self.objects.pop(key, None)
        return {}

    def put(self, key: str, body: bytes) -> None:
        self.objects[key] = body
        self.came[key] = NOON + timedelta(seconds=len(self.came))

    def annotate(self, digit: str, *, show: bool = True, low: int = 30, status: Any = "annotated") -> str:
        """Stores a guest's picture and result, and returns the ticket."""
        ticket = ("show-" if show else "keep-") + digit * 32
        photo = Photo("raw", photo_key(ticket), "v1", "e", 1)
        face = Face(BoundingBox(0, 0, 1, 1), 99, (Emotion("HAPPY", 99),), "id", age_range=AgeRange(low, low + 9))
        result = Result(
            status, RawObject("raw", photo.key, "v1", "e", 1), "faces", "x",
            Picture("processed", photo.picture_key, 40, 30), None, (face,) if status == "annotated" else (),
        )  # fmt: skip
        self.put(photo.picture_key, b"\xff\xd8" + digit.encode())
        self.put(photo.result_key, result.to_json().encode())
        return ticket

    def stacks(self) -> Stacks:
        s3 = Answering(self)
        account = account_with(s3=s3, rekognition=Answering({"Faces": []}))
        return Stacks(account, "raw", "processed", "faces", "inbox", "dead letters")


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def looked(bucket: Bucket, **options: Any) -> Board:
    board = Board(bucket.stacks(), **options)
    board.look()
    return board


def tickets(board: Board, state: Any) -> list[str]:
    return [card.ticket for card in board.cards_in(state)]


def test_nothing_is_shown_before_the_organiser_approves_it(bucket: Bucket):
    ticket = bucket.annotate("a")
    board = looked(bucket)
    assert (tickets(board, "waiting"), tickets(board, "shown")) == ([ticket], [])
    board.decide(board.cards[ticket].id, "approved")
    assert tickets(board, "shown") == [ticket]


def test_without_approval_everything_is_shown_but_what_is_hidden(bucket: Bucket):
    first, second = bucket.annotate("a"), bucket.annotate("b")
    board = looked(bucket, approval=False)
    assert tickets(board, "shown") == [second, first]
    board.decide(board.cards[first].id, "hidden")
    assert tickets(board, "shown") == [second]


def test_what_its_guest_keeps_what_may_show_a_minor_and_what_has_no_face_never_arrives(bucket: Bucket):
    bucket.annotate("a", show=False)
    bucket.annotate("b", low=17)
    bucket.annotate("c", status="no_face")
    board = looked(bucket, approval=False)
    assert not board.cards
    assert board.minors == 1


def test_decisions_survive_a_restart_and_reach_a_second_laptop(bucket: Bucket):
    first, second = bucket.annotate("a"), bucket.annotate("b")
    board = looked(bucket)
    board.decide(board.cards[first].id, "approved")
    board.decide(board.cards[second].id, "hidden")
    board.save()
    another = looked(bucket)
    assert (tickets(another, "shown"), tickets(another, "hidden")) == ([first], [second])
    another.decide(another.cards[first].id, "hidden")
    another.save()
    board.look()
    assert not tickets(board, "shown")


def test_undo_takes_back_one_decision_after_the_other(bucket: Bucket):
    ticket = bucket.annotate("a")
    board = looked(bucket)
    id_ = board.cards[ticket].id
    board.decide(id_, "approved")
    board.decide(id_, "hidden")
    assert board.undo()
    assert tickets(board, "shown") == [ticket]
    assert board.undo()
    assert tickets(board, "waiting") == [ticket]
    assert not board.undo()
    board.save()
    assert tickets(looked(bucket), "waiting") == [ticket]


def test_a_decision_holds_while_the_network_is_lost_and_is_stored_afterwards(bucket: Bucket):
    ticket = bucket.annotate("a")
    board = looked(bucket, approval=False)
    bucket.offline = True
    board.decide(board.cards[ticket].id, "hidden")
    for step in (board.save, board.look):
        with pytest.raises(EndpointConnectionError):
            step()
    assert not tickets(board, "shown")
    bucket.offline = False
    board.look()
    assert not tickets(board, "shown")
    board.save()
    assert not tickets(looked(bucket, approval=False), "shown")


def test_a_photo_that_its_guest_removed_leaves_the_wall(bucket: Bucket):
    bucket.annotate("a")
    board = looked(bucket, approval=False)
    bucket.objects.clear()
    board.look()
    assert not board.cards


def test_a_decision_about_a_removed_photo_is_erased(bucket: Bucket):
    """The guest removed the photo at the moment of the approval; the object's name would outlive it."""
    ticket = "show-" + "a" * 32
    bucket.put(decision_key(ticket, "approved"), b"")
    looked(bucket)
    assert not bucket.objects


def test_forgetting_removes_picture_result_and_decision(bucket: Bucket):
    ticket = bucket.annotate("a")
    board = looked(bucket)
    id_ = board.cards[ticket].id
    board.decide(id_, "approved")
    board.save()
    removed = board.forget(id_)
    assert (removed["picture"], removed["result"]) == (1, 1)  # the decision beside the picture is none
    assert not board.cards
    assert not bucket.objects
    assert board.forget(id_) == {}


def test_a_photo_that_could_not_be_forgotten_comes_back_hidden(bucket: Bucket):
    """So that the organiser sees it, and can try again."""
    ticket = bucket.annotate("a")
    board = looked(bucket, approval=False)
    bucket.offline = True
    with pytest.raises(EndpointConnectionError):
        board.forget(board.cards[ticket].id)
    assert tickets(board, "hidden") == [ticket]


def test_a_look_that_fails_keeps_what_it_has_read(bucket: Bucket):
    first, second = bucket.annotate("a"), bucket.annotate("b")
    broken = next(key for key in bucket.objects if second in key and key.endswith(".json"))
    bucket.failing = {broken}
    board = Board(bucket.stacks())
    for _ in range(2):
        with pytest.raises(EndpointConnectionError):
            board.look()
    assert tickets(board, "waiting") == [first]
    bucket.failing = set()
    board.look()
    assert tickets(board, "waiting") == [second, first]
    assert len([key for key in bucket.read if first in key]) == 1


def test_a_result_that_cannot_be_read_is_read_once_and_harms_no_other(bucket: Bucket):
    first, second = bucket.annotate("a"), bucket.annotate("b")
    broken = next(key for key in bucket.objects if second in key and key.endswith(".json"))
    bucket.objects[broken] = b"{}"
    board = looked(bucket)
    board.look()
    assert tickets(board, "waiting") == [first]
    assert bucket.read.count(broken) == 1


def test_a_hidden_picture_is_never_shown_while_another_cannot_be_read(bucket: Bucket):
    first, second = bucket.annotate("a"), bucket.annotate("b")
    bucket.put(decision_key(first, "hidden"), b"")
    bucket.failing = {key for key in bucket.objects if second in key}
    board = Board(bucket.stacks(), approval=False)
    with pytest.raises(EndpointConnectionError):
        board.look()
    assert (tickets(board, "hidden"), tickets(board, "shown")) == ([first], [])


def test_trouble_is_said_and_the_wall_goes_on(bucket: Bucket):
    bucket.annotate("a")
    renewed: list[int] = []

    def again() -> Stacks:
        renewed.append(1)
        return bucket.stacks()

    door: Any = SimpleNamespace(settings=lambda: None, taken=lambda _settings: 0, address=lambda _settings: "")
    evening = Evening(door, looked(bucket, approval=False), again)
    evening._use = lambda stacks: None  # type: ignore[method-assign]
    evening._count = lambda: None  # type: ignore[method-assign]
    bucket.offline = True
    evening.step()
    assert "could not be reached" in evening.projector()["trouble"]
    assert len(evening.projector()["cards"]) == 1
    assert renewed
    bucket.offline = False
    evening.step()
    assert evening.projector()["trouble"] == ""


def test_the_projector_learns_nothing_of_what_is_not_shown(bucket: Bucket):
    ticket = bucket.annotate("a")
    door: Any = SimpleNamespace(settings=lambda: None, taken=lambda _settings: 0, address=lambda _settings: "")
    evening = Evening(door, looked(bucket), bucket.stacks)
    assert evening.projector()["cards"] == []
    assert evening.projector()["tally"] == []
    (card,) = evening.desk()["waiting"]
    assert card["words"] == ["happy 99 %"]
    assert ticket not in str(evening.desk())


def test_covered_pictures_and_their_tally_stay_secret_until_the_reveal(bucket: Bucket):
    bucket.annotate("a")
    door: Any = SimpleNamespace(settings=lambda: None, taken=lambda _settings: 0, address=lambda _settings: "")
    evening = Evening(door, looked(bucket, approval=False), bucket.stacks)
    evening.do("cover")
    assert (evening.projector()["cards"], evening.projector()["tally"]) == ([], [])
    evening.do("cover")
    assert (len(evening.projector()["cards"]), evening.projector()["tally"]) == (1, [("happy", 1)])


def test_the_desk_opens_the_door_for_one_more_hour_however_long_it_is_open(bucket: Bucket):
    until = datetime.now(UTC) + timedelta(hours=2)
    door: Any = SimpleNamespace(
        open=lambda until, photos: Settings("k", until, photos), taken=lambda _: 0, address=lambda _: ""
    )
    evening = Evening(door, looked(bucket), bucket.stacks, Settings("k", until, 20))
    evening.do("open")
    assert evening.settings == Settings("k", until + timedelta(hours=1), 20)


def test_counting_bears_that_a_page_asks_for_a_picture_meanwhile(bucket: Bucket, monkeypatch: pytest.MonkeyPatch):
    gone, there = bucket.annotate("a"), bucket.annotate("b")
    board = looked(bucket)
    attributes = {"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0"}
    account = board.stacks.account
    account._clients[f"sqs {account.region}"] = Answering({"Attributes": attributes})
    door: Any = SimpleNamespace(settings=lambda: None, address=lambda _settings: "")
    evening = Evening(door, board, bucket.stacks)
    card, asked = board.card, board.cards[there].id
    evening.picture(board.cards[gone].id)
    del board.cards[gone]

    def ask_meanwhile(id_: str) -> Any:
        evening._pictures.setdefault(asked, b"picture")
        return card(id_)

    monkeypatch.setattr(board, "card", ask_meanwhile)
    evening._count()
    assert list(evening._pictures) == [asked]
