"""`emotions wall open`, `close` and `download`; S3 is in memory."""

import json
import socket
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from wall_door.door import Settings
from wall_door.guests import SETTINGS_KEY, decision_key

from tests.workshop.answering import refusal
from tests.workshop.wall.test_board import Bucket
from workshop.aws.account import Choice
from workshop.aws.stacks import Stacks
from workshop.commands import wall
from workshop.wall.door import Door, until_of

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Processed(Bucket):
    """As S3 answers for an object that is missing."""

    def __call__(self, operation: str, asked: dict[str, Any]) -> Any:
        if operation == "get_object" and asked["Key"] not in self.objects:
            raise refusal("NoSuchKey")
        return super().__call__(operation, asked)

    @property
    def settings(self) -> Settings:
        return Settings.from_json(self.objects[SETTINGS_KEY])


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Processed:
    bucket = Processed()
    stacks = bucket.stacks()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Choice, "account", lambda _self: stacks.account)
    monkeypatch.setattr(Stacks, "of", lambda _account: stacks)
    monkeypatch.setattr(Stacks, "require_function", lambda _self: None)
    monkeypatch.setattr(Door, "of", lambda stacks: Door(stacks, "https://door"))
    return bucket


def run(*arguments: str) -> Result:
    return CliRunner().invoke(wall.command, arguments)


def test_the_door_is_opened_and_opened_longer_at_the_same_address(bucket: Processed):
    first = run("open", "--until", "22:30", "--photos", "20")
    assert first.exit_code == 0, first.output
    assert first.stdout == f"https://door/?{bucket.settings.key}\n"
    assert bucket.settings.photos == 20
    assert datetime.now(UTC) < bucket.settings.until <= datetime.now(UTC) + timedelta(days=1)
    assert run("open", "--until", "23:30").stdout == first.stdout
    assert run("open", "--until", "23:30", "--new-key").stdout != first.stdout


@pytest.mark.parametrize(
    "arguments", [("--until", "25:00"), ("--until", "soon"), (), ("--until", "22:30", "--photos", "0")]
)
def test_a_door_that_cannot_be_opened_so_stays_as_it_is(bucket: Processed, arguments: tuple[str, ...]):
    assert run("open", *arguments).exit_code == 2
    assert not bucket.objects


def test_closing_ends_the_evening_and_counts_it(bucket: Processed):
    run("open", "--until", "22:30")
    ticket = bucket.annotate("a")
    bucket.annotate("b", low=17)
    bucket.put(decision_key(ticket, "approved"), b"")
    closed = run("close", "--json")
    numbers = json.loads(closed.stdout)
    assert (numbers["approved"], numbers["waiting"], numbers["not_shown_for_age"]) == (1, 0, 1)
    assert numbers["tally"] == {"happy": 1}
    assert bucket.settings.until <= datetime.now(UTC)


def test_only_approved_pictures_are_downloaded(bucket: Processed):
    ticket = bucket.annotate("a")
    bucket.annotate("b")
    bucket.put(decision_key(ticket, "approved"), b"")
    assert run("download").exit_code == 0
    with zipfile.ZipFile("wall.zip") as archive:
        assert archive.read("001.jpg") == b"\xff\xd8a"
        assert archive.namelist() == ["001.jpg", "wall.json"]


def test_a_download_without_pictures_leaves_the_earlier_one_alone(bucket: Processed):
    """S3 deletes the pictures after a day or two."""
    Path("wall.zip").write_bytes(b"the evening")
    assert run("download").exit_code != 0
    assert Path("wall.zip").read_bytes() == b"the evening"


@pytest.mark.parametrize(("said", "hours"), [("12:01", 1 / 60), ("22:30", 10.5), ("12:00", 24), ("11:59", 24 - 1 / 60)])
def test_a_time_of_day_is_the_next_one(said: str, hours: float):
    assert until_of(said, now=lambda: NOON) == NOON + timedelta(hours=hours)


def test_a_port_in_use_is_said_in_a_sentence(bucket: Processed):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run("show", "--no-open", "--port", str(taken.getsockname()[1]))
    assert ran.exit_code == 1
    assert "cannot be used" in ran.stderr
