"""What the door answers, to guests and to strangers; S3 and Rekognition are in memory."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from annotator.faces import AgeRange, BoundingBox, Emotion, Face
from annotator.result import Picture, RawObject, Result
from botocore.exceptions import ClientError
from wall_door import handler
from wall_door.door import Settings
from wall_door.guests import photo_key

KEY, TICKET = "k" * 16, "show-" + "0" * 32
JPEG = b"\xff\xd8\xff" + b"0" * 100


class Memory:
    """The calls of `Cloud`, in memory."""

    def __init__(self) -> None:
        self.evening: Settings | None = Settings(KEY, datetime.now(UTC) + timedelta(hours=1), photos=2)
        self.photos: dict[str, bytes] = {}
        self.results: dict[str, Result] = {}
        self.counted: set[str] = set()

    def settings(self) -> Settings | None:
        return self.evening

    def taken(self, key: str) -> int:
        assert key == KEY
        return len(self.counted)

    def store(self, key: str, ticket: str, photo: bytes) -> None:
        assert key == KEY
        self.counted.add(ticket)
        self.photos.setdefault(ticket, photo)

    def has_photo(self, ticket: str) -> bool:
        return ticket in self.photos

    def result(self, ticket: str) -> Result | None:
        return self.results.get(ticket)

    def picture(self, result: Result) -> bytes | None:
        return b"\xff\xd8 the picture" if result.picture else None

    def remove(self, ticket: str) -> dict[str, int]:
        photo, result = self.photos.pop(ticket, None), self.results.pop(ticket, None)
        return {"photo": int(photo is not None), "faces": 0, "picture": 0, "result": int(result is not None)}


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    memory = Memory()
    monkeypatch.setattr(handler, "_cloud", lambda: memory)
    monkeypatch.setenv("KEEP_DAYS", "1")
    return memory


def ask(route: str, query: str = "", body: bytes = b"", *, ticket: str = TICKET, **headers: str) -> dict[str, Any]:
    return handler.handle(
        {
            "routeKey": route,
            "rawQueryString": query,
            "headers": {"x-ticket": ticket, "x-consent": "analyse"}
            | {n.replace("_", "-"): v for n, v in headers.items()},
            "pathParameters": {"id": ticket},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        },
        None,
    )


def send(query: str = KEY, body: bytes = JPEG, **rest: str) -> tuple[int, dict[str, Any]]:
    answer = ask("POST /photos", query, body, **rest)
    return answer["statusCode"], json.loads(answer["body"])


def done(ticket: str = TICKET, *, left: float = 0.1, low: int = 30) -> Result:
    face = Face(BoundingBox(left, 0, 0.1, 0.1), 99, (Emotion("HAPPY", 98.6),), "id", age_range=AgeRange(low, low + 9))
    raw = RawObject("raw", photo_key(ticket), "v1", "e", 1)
    return Result("annotated", raw, "c", "x", Picture("processed", "pictures/p.jpg", 40, 30), None, (face,))


def test_a_photo_is_stored_once_and_a_repeated_request_is_answered_alike(memory: Memory):
    """The phone repeats a request whose answer was lost."""
    assert send() == send() == (201, {"ticket": TICKET})
    assert send(body=JPEG + b"another") == (201, {"ticket": TICKET})
    assert memory.photos == {TICKET: JPEG}
    assert len(memory.counted) == 1


@pytest.mark.parametrize("evening", ["open", "closed", "full", "never opened"])
def test_a_stranger_learns_nothing_about_the_door(memory: Memory, evening: str):
    if evening == "closed":
        memory.evening = Settings(KEY, datetime.now(UTC), photos=2)
    if evening == "full":
        memory.counted = {"1", "2"}
    if evening == "never opened":
        memory.evening = None
    for key in ("", "old", KEY[:-1], f"{KEY}&"):
        assert send(key) == (404, {"error": "unknown"})
        assert 'data-state="unknown"' in ask("GET /", key)["body"]
    assert not memory.photos


def test_an_honest_guest_learns_why_a_photo_is_not_taken(memory: Memory):
    memory.counted = {"1", "2"}
    assert send() == (403, {"error": "full"})
    assert 'data-state="full"' in ask("GET /", KEY)["body"]
    memory.evening = Settings(KEY, datetime.now(UTC), photos=2)
    assert send() == (403, {"error": "closed"})
    assert not memory.photos


def test_a_photo_that_arrived_before_the_end_is_confirmed_after_it(memory: Memory):
    send()
    memory.evening = Settings(KEY, datetime.now(UTC), photos=2)
    assert send() == (200, {"ticket": TICKET})


def test_without_the_consent_nothing_is_stored(memory: Memory):
    for consent in ("", "no", "show", "Analyse"):
        assert send(x_consent=consent) == (400, {"error": "consent"})
    assert not memory.photos


@pytest.mark.parametrize("ticket", ["", "show-1", "show-" + "z" * 32, "keep-../" + "0" * 29, "show-" + "0" * 33])
def test_a_name_that_is_no_ticket_is_refused(memory: Memory, ticket: str):
    assert send(ticket=ticket) == (400, {"error": "ticket"})
    assert ask("GET /photos/{id}", ticket=ticket) == ask("GET /photos/{id}")
    assert not memory.photos


@pytest.mark.parametrize(
    "body", [b"", b"<svg>", b"<html>", b"%PDF", b"GIF", b"{}", b"\x00" * 99, b"PK\x03\x04", b"II*\x00IIRO"[4:]]
)
def test_what_is_not_a_photo_is_refused(memory: Memory, body: bytes):  # fmt: skip
    status, answer = send(body=body)
    assert (status, answer["error"]) == (415, "photo")
    assert not memory.photos


def test_a_photo_may_have_4_megabytes_and_no_byte_more(memory: Memory):
    assert send(body=JPEG.ljust(4 * 1024**2, b"0"))[0] == 201
    assert send(body=JPEG.ljust(4 * 1024**2 + 1, b"0"), ticket="keep-" + "1" * 32) == (413, {"error": "size"})


def test_a_guest_sees_the_words_from_the_left_and_the_picture(memory: Memory):
    send()
    assert json.loads(ask("GET /photos/{id}")["body"]) == {"state": "waiting"}
    memory.results[TICKET] = done()
    answer = json.loads(ask("GET /photos/{id}")["body"])
    assert answer == {
        "state": "annotated",
        "reason": None,
        "picture": {"width": 40, "height": 30},
        "faces": ["happy 98 %"],
        "minor": False,
    }
    picture = ask("GET /photos/{id}/picture")
    assert base64.b64decode(picture["body"]) == b"\xff\xd8 the picture"
    assert picture["headers"]["Content-Type"] == "image/jpeg"


def test_a_guest_is_told_that_somebody_may_be_under_18(memory: Memory):
    memory.results[TICKET] = done(low=17)
    assert json.loads(ask("GET /photos/{id}")["body"])["minor"] is True


def test_not_there_and_not_yours_are_the_same_answer(memory: Memory):
    send()
    others = "show-" + "1" * 32
    for route in ("GET /photos/{id}", "GET /photos/{id}/picture", "DELETE /photos/{id}"):
        assert ask(route, ticket=others) == ask(route, ticket="nonsense")
        assert ask(route, ticket=others)["statusCode"] == 404
    assert memory.photos


def test_removing_says_what_was_there_and_whether_to_ask_again(memory: Memory):
    """Without a result, the annotator may be at work."""
    send()
    assert json.loads(ask("DELETE /photos/{id}")["body"])["again"] is True
    assert ask("DELETE /photos/{id}")["statusCode"] == 404
    send()
    memory.results[TICKET] = done()
    answer = json.loads(ask("DELETE /photos/{id}")["body"])
    assert (answer["removed"]["photo"], answer["removed"]["result"], answer["again"]) == (1, 1, False)


def test_a_ticket_opens_its_photo_after_the_door_has_closed(memory: Memory):
    send()
    memory.evening = None
    assert ask("GET /photos/{id}")["statusCode"] == 200
    assert ask("DELETE /photos/{id}")["statusCode"] == 200


def test_when_aws_fails_the_phone_tries_again_and_the_log_holds_no_ticket(memory: Memory, monkeypatch, caplog):
    def refuse(ticket: str) -> None:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": f"no {ticket}"}}, "ListObjectVersions")

    monkeypatch.setattr(memory, "remove", refuse)
    assert ask("DELETE /photos/{id}")["statusCode"] == 503
    assert "ListObjectVersions" in caplog.text
    assert TICKET not in caplog.text


def test_no_answer_may_be_kept_or_taken_for_another_type(memory: Memory):
    for answer in (
        ask("GET /", KEY),
        ask("POST /photos", KEY, JPEG),
        ask("GET /photos/{id}"),
        ask("GET /photos/{id}", "x"),
    ):
        assert answer["headers"]["Cache-Control"] == "no-store"
        assert answer["headers"]["X-Content-Type-Options"] == "nosniff"
