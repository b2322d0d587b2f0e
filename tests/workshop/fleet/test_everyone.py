"""Many accounts at once on the local AWS: each opened as the roster says, and no failure but one's own."""

import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.workshop.attendee import Attendee
from workshop.aws.account import Account
from workshop.fleet.everyone import Fleet, Turn, for_everyone
from workshop.fleet.members import account_of, require_right_account
from workshop.fleet.roster import Member

SYDNEY = "ap-southeast-2"


def in_55_minutes() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=55)


def found(turn: Turn) -> str:
    return require_right_account(turn.member, turn.account)


def test_a_profile_a_role_and_the_organisers_own_account(organiser: Account, attendee: Attendee):
    members = (
        Member("simon", SYDNEY, profile="simons"),
        Member("aisha", SYDNEY, account="300000000002"),
        Member("guest", SYDNEY),
    )
    outcomes = for_everyone(Fleet(organiser, members), found, doing="looking")
    assert [outcome.value for outcome in outcomes] == ["300000000001", "300000000002", attendee.account]


def test_an_assumed_role_opens_rekognition_in_that_account_too(organiser: Account, attendee: Attendee):
    account = account_of(Member("aisha", SYDNEY, account="300000000002"), organiser, attendee.account)
    account.client("rekognition").create_collection(CollectionId="faces")
    arn = account.client("rekognition").describe_collection(CollectionId="faces")["CollectionARN"]
    assert arn.split(":")[4] == "300000000002"
    account.client("rekognition").delete_collection(CollectionId="faces")


def test_an_assumed_roles_credentials_are_renewed_before_they_end(
    organiser: Account, attendee: Attendee, monkeypatch: pytest.MonkeyPatch
):
    """An evening is longer than the hour of a role that was assumed by a role."""
    account = account_of(Member("aisha", SYDNEY, account="300000000002"), organiser, attendee.account)
    credentials = account.session.get_credentials()
    before = credentials.access_key
    assert credentials.access_key == before
    monkeypatch.setattr("botocore.credentials._local_now", in_55_minutes)
    credentials._time_fetcher = in_55_minutes
    assert credentials.access_key != before
    assert require_right_account(Member("aisha", SYDNEY, account="300000000002"), account) == "300000000002"


def test_one_failure_stops_nobody(organiser: Account):
    members = (
        Member("wrong", SYDNEY, account="300000000009", profile="simons"),
        Member("missing", SYDNEY, profile="nobodys"),
        Member("guest", SYDNEY),
    )
    wrong, missing, guest = for_everyone(Fleet(organiser, members), found, doing="looking")
    assert wrong.problem
    assert "opens the account 300000000001, not 300000000009" in wrong.problem.message
    assert missing.problem
    assert "nobodys" in missing.problem.message
    assert guest.value


def test_an_odd_failure_is_one_members_too(organiser: Account, attendee: Attendee):
    """boto3 raises Python's own errors for a credential_process that is not there."""
    with (attendee.folder / "credentials").open("a") as file:
        file.write("[odd]\ncredential_process = /no/such/program\n")
    odd, guest = for_everyone(
        Fleet(organiser, (Member("odd", SYDNEY, profile="odd"), Member("guest", SYDNEY))), found, doing="looking"
    )
    assert odd.problem
    assert odd.problem.message == "FileNotFoundError: [Errno 2] No such file or directory: '/no/such/program'"
    assert guest.value


def test_ctrl_c_ends_every_pause_and_starts_nobody_else(organiser: Account):
    started: list[str] = []

    def work(turn: Turn) -> None:
        started.append(turn.member.attendee)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        turn.pause(60)

    members = tuple(Member(name, SYDNEY) for name in ("first", "second", "third"))
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        for_everyone(Fleet(organiser, members, at_once=1), work, doing="waiting")
    assert started == ["first"]
    assert time.monotonic() - before < 30


def test_init_makes_a_file_then_checks_every_line_of_it(organiser: Account, attendee: Attendee):
    made = attendee.run("fleet", "init", "300000000002", "300000000003")
    assert (made.exit_code, made.stdout) == (0, "fleet.csv\n")
    checked = attendee.run("fleet", "init")
    assert (checked.exit_code, checked.stdout) == (0, "2 attendees in 2 accounts: all can be opened.\n")
    with Path("fleet.csv").open("a") as file:
        file.write("simon,,,no-such-profile,\n")
    checked = attendee.run("fleet", "init")
    assert checked.exit_code == 1
    assert checked.stdout == "simon: The config profile (no-such-profile) could not be found.\n"
    assert "1 attendee of 3 cannot be reached" in checked.stderr


def test_init_overwrites_nothing(attendee: Attendee):
    Path("fleet.csv").write_text("mine")
    assert attendee.run("fleet", "init", "300000000002").exit_code == 1
    assert Path("fleet.csv").read_text() == "mine"


def test_only_takes_names_that_are_in_the_file(organiser: Account, attendee: Attendee):
    attendee.run("fleet", "init", "300000000002")
    ran = attendee.run("fleet", "--only", "nobody", "init")
    assert ran.exit_code == 1
    assert "fleet.csv has no attendee nobody." in ran.stderr
