"""The door's decisions and names: values in, values out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from annotator.faces import AgeRange, BoundingBox, Face
from annotator.result import RawObject, Result
from wall_door import guests, page
from wall_door.door import Settings, has_key

NOW = datetime(2026, 11, 25, 20, tzinfo=UTC)
EVENING = Settings("k" * 16, NOW + timedelta(hours=2), photos=2)
TICKET = "show-" + "0" * 32


@pytest.mark.parametrize(
    ("now", "taken", "state"),
    [
        (NOW, 0, "open"),
        (NOW, 2, "full"),
        (EVENING.until, 0, "closed"),
        (EVENING.until, 2, "closed"),
    ],
)
def test_the_door_is_open_only_before_its_end_and_below_its_number(now: datetime, taken: int, state: str):
    assert EVENING.state(now, taken) == state


def test_the_settings_survive_being_stored():
    assert Settings.from_json(EVENING.to_json()) == EVENING


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"key": "", "until": "2026-11-25T22:00:00+00:00", "photos": 1}',
                                  '{"key": "k", "until": "2026-11-25T22:00:00", "photos": 1}'])  # fmt: skip
def test_settings_without_key_or_time_zone_are_refused(text: str):
    with pytest.raises(ValueError, match=r"settings|Expecting"):
        Settings.from_json(text)


def test_without_settings_nobody_has_the_key():
    assert has_key(EVENING, EVENING.key)
    assert not has_key(EVENING, "")
    assert not has_key(None, "")


@pytest.mark.parametrize(
    "text", ["", "show-", "show-" + "0" * 31, "show-" + "G" * 32, TICKET + "\n", "../" + TICKET, "hide-" + "0" * 32]
)
def test_only_a_ticket_is_a_ticket(text: str):  # fmt: skip
    assert not guests.is_ticket(text)


def test_a_photo_is_found_by_its_ticket_and_no_other_key_is_a_guests():
    assert guests.ticket_of(guests.photo_key(TICKET)) == TICKET
    for key in ("me-1a2b3c4d.jpg", "wall/me.jpg", f"{TICKET}.jpg", f"wall/{TICKET}.jpg.jpg", f"wall/wall/{TICKET}.jpg"):
        assert guests.ticket_of(key) is None


def test_the_wall_lists_no_photo_that_its_guest_keeps():
    kept = guests.decision_key("keep-" + "0" * 32, guests.APPROVED)
    assert guests.decision_key(TICKET, guests.APPROVED).startswith(guests.SHOWN)
    assert not kept.startswith(guests.SHOWN)


def test_the_counter_does_not_reveal_a_ticket_or_the_key():
    counted = guests.taken_key(EVENING.key, TICKET)
    assert TICKET[5:] not in counted
    assert EVENING.key not in counted
    assert counted.startswith(guests.taken_folder(EVENING.key))


def result_of(*ages: AgeRange | None) -> Result:
    face = Face(BoundingBox(0, 0, 1, 1), 99)
    raw = RawObject("raw", guests.photo_key(TICKET), "v", "e", 1)
    return Result("annotated", raw, "c", "x", faces=tuple(replace(face, age_range=age) for age in ages))


@pytest.mark.parametrize(
    ("ages", "minor"),
    [
        ([AgeRange(18, 25)], False),
        ([AgeRange(17, 25)], True),
        ([AgeRange(30, 40), AgeRange(4, 9)], True),
        ([AgeRange(30, 40), None], True),
        ([], False),
    ],
)
def test_one_face_that_may_be_under_18_keeps_a_photo_off_the_wall(ages: list[AgeRange | None], minor: bool):
    assert guests.may_be_a_minor(result_of(*ages)) is minor


def test_the_page_is_small_and_allows_only_its_own_script_and_style():
    html = page.html("open", "2026-11-25T22:00:00+00:00", keep_days=1)
    policy = page.headers()["Content-Security-Policy"]
    assert len(html.encode()) < 30_000
    assert "{{" not in html
    assert "http" not in html
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == 2


def test_the_page_says_how_long_things_are_kept():
    assert "3 to 4 days" in page.html("open", "", keep_days=3)
    assert "up to 6 days" in page.html("open", "", keep_days=3)
