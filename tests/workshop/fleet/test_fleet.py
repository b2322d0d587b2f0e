"""An evening on the local AWS: deployed everywhere, one account in trouble, and everything cleared away."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.workshop.attendee import GROUP_PHOTO, Attendee
from workshop.aws.account import Account
from workshop.commands.fleet import check, destroy
from workshop.fleet import stacks
from workshop.fleet.everyone import Fleet, Turn
from workshop.fleet.roster import Member
from workshop.terminal.errors import WorkshopError


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(destroy, "PATIENCE", 0)


@pytest.fixture
def three(organiser: Account, attendee: Attendee, synthesised: object, ids: Callable[[], str]) -> list[Attendee]:
    """Three attendees, one account each; published for the first two."""
    accounts = [ids(), ids(), ids()]
    assert attendee.run("fleet", "-f", "two.csv", "init", *accounts[:2]).exit_code == 0
    ran = attendee.run("fleet", "-f", "two.csv", "publish")
    assert ran.exit_code == 0, ran.output
    assert attendee.run("fleet", "init", *accounts).exit_code == 0
    return [Attendee(attendee.local_aws, attendee.folder, account) for account in accounts]


def stacks_in(attendee: Attendee) -> dict[str, str]:
    found = attendee.client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"]: stack["StackStatus"] for stack in found}


def test_an_evening_with_one_account_in_trouble(attendee: Attendee, three: list[Attendee]):
    deployed = attendee.run("fleet", "deploy")
    assert deployed.exit_code == 1
    first, second, third = deployed.stdout.splitlines()
    assert first == "attendee01  Foundation: created, Serverless: created"
    assert second == "attendee02  Foundation: created, Serverless: created"
    assert third.startswith("attendee03  failed: ShowYourEmotions-attendee03-Serverless: Annotator: ")
    assert "1 attendee of 3 failed" in deployed.stderr
    assert stacks_in(three[2])["ShowYourEmotions-attendee03-Foundation"] == "CREATE_COMPLETE"

    assert attendee.run("fleet", "publish").exit_code == 0  # for all three now
    again = attendee.run("fleet", "deploy")
    assert again.exit_code == 0, again.output
    assert again.stdout.splitlines() == [
        "attendee01  Foundation: unchanged, Serverless: unchanged",
        "attendee02  Foundation: unchanged, Serverless: unchanged",
        "attendee03  Foundation: unchanged, Serverless: created",
    ]
    (function,) = three[2].client("lambda").list_functions()["Functions"]
    tags = three[2].client("lambda").list_tags(Resource=function["FunctionArn"])["Tags"]
    assert tags["attendee"] == "attendee03"

    raw = stacks.describe(three[0].client("cloudformation"), "ShowYourEmotions-attendee01-Foundation")["Outputs"]
    bucket = next(output["OutputValue"] for output in raw if output["OutputKey"] == "RawBucket")
    three[0].client("s3").put_object(Bucket=bucket, Key="me.jpg", Body=b"photo")
    asked = attendee.run("fleet", "destroy")
    assert asked.exit_code == 1
    assert "This deletes the stacks of 3 attendees, with 1 photo." in asked.stderr

    # This small stack does not empty its bucket, so CloudFormation refuses to delete it.
    refused = attendee.run("fleet", "destroy", "--yes")
    assert refused.exit_code == 1
    first, *others = refused.stdout.splitlines()
    assert first.startswith("attendee01  failed: ShowYourEmotions-attendee01-Foundation: Raw: ")
    assert others == ["attendee02  nothing left", "attendee03  nothing left"]
    for version in three[0].client("s3").list_object_versions(Bucket=bucket)["Versions"]:
        three[0].client("s3").delete_object(Bucket=bucket, Key="me.jpg", VersionId=version["VersionId"])
    done = attendee.run("fleet", "destroy", "--yes")
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        ["attendee01  nothing left", "attendee02  nothing left", "attendee03  nothing left"],
    )
    assert [stacks_in(each) for each in three] == [{}, {}, {}]


def test_a_log_group_that_came_back_is_left_with_the_command_that_removes_it(attendee: Attendee, three: list[Attendee]):
    attendee.run("fleet", "--only", "attendee01", "deploy")
    three[0].client("logs").create_log_group(logGroupName="ShowYourEmotions-attendee01-Serverless-late")
    ran = attendee.run("fleet", "--only", "attendee01", "destroy", "--yes")
    assert ran.exit_code == 1
    assert ran.stdout.startswith("attendee01  left: log group ShowYourEmotions-attendee01-Serverless-late (aws logs ")
    assert "1 attendee of 1 still have something." in ran.stderr
    assert "in that account: emotions fleet --only attendee01 destroy\n" in ran.stderr


def test_a_foundation_that_is_half_gone_may_still_have_photos(attendee: Attendee, three: list[Attendee]):
    attendee.run("fleet", "deploy", "Foundation")
    name = "ShowYourEmotions-attendee01-Foundation"
    outputs = stacks.describe(three[0].client("cloudformation"), name)["Outputs"]
    bucket = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "RawBucket")
    three[0].client("s3").put_object(Bucket=bucket, Key="me.jpg", Body=b"photo")
    attendee.run("fleet", "--only", "attendee01", "destroy", "--yes")
    assert stacks_in(three[0])[name] == "DELETE_FAILED"
    asked = attendee.run("fleet", "destroy")
    assert "the stacks of 3 attendees, with 0 photos (1 account could not be counted)." in " ".join(
        asked.stderr.split()
    )


def test_what_stays_for_other_stacks_is_said():
    assert destroy._line(destroy.Destroyed([], shares=True)) == (
        "nothing left of theirs, except what other stacks use too"
    )
    assert destroy._line(destroy.Destroyed([], shares=False)) == "nothing left"


def test_ctrl_c_ends_the_wait_for_what_aws_still_deletes(
    attendee: Attendee, three: list[Attendee], monkeypatch: pytest.MonkeyPatch
):
    """AWS answers for a deleted queue for a minute; nobody waits that long after Ctrl-C."""
    monkeypatch.setattr(destroy, "PATIENCE", 60)
    three[0].client("logs").create_log_group(logGroupName="ShowYourEmotions-attendee01-Serverless-late")
    attendee.run("fleet", "--only", "attendee01", "deploy", "Foundation")

    def pause(turn: Turn, seconds: float) -> None:
        if seconds == 0:
            raise WorkshopError("Stopped while AWS was still at work.")
        time.sleep(seconds)

    monkeypatch.setattr(Turn, "pause", pause)
    before = time.monotonic()
    ran = attendee.run("fleet", "--only", "attendee01", "destroy", "--yes")
    assert ran.stdout == "attendee01  failed: Stopped while AWS was still at work.\n"
    assert time.monotonic() - before < 30


def test_a_lost_connection_does_not_end_the_second_screen(organiser: Account, monkeypatch: pytest.MonkeyPatch):
    """It shows the last look with what is wrong, and opens no account anew."""
    fleet = Fleet(organiser, (Member("guest", "ap-southeast-2"),))
    monkeypatch.setattr(check, "_EVERY", 0)
    monkeypatch.setattr(check, "to_paste", lambda rest: rest)
    looks = check._looks(fleet)
    looked, trouble = next(looks)
    assert (looked[0].member.attendee, trouble) == ("guest", None)
    opened = fleet.open(fleet.members[0])
    next(looks)
    assert fleet.open(fleet.members[0]) is opened
    with monkeypatch.context() as broken:
        lost = EndpointConnectionError(endpoint_url="https://sts.amazonaws.com")
        broken.setattr(check, "for_everyone", Mock(side_effect=lost))
        assert next(looks) == (looked, "https://sts.amazonaws.com could not be reached.")
    assert next(looks)[1] is None


def test_hints_name_the_file_and_who_was_meant(organiser: Account, attendee: Attendee):
    """Pasted without them, the hint would work on other people's accounts."""
    Path("my fleet.csv").write_text("attendee\nsimon\naisha\n")
    ran = attendee.run("fleet", "--file", "my fleet.csv", "--only", "simon", "cost")
    assert "emotions fleet --file 'my fleet.csv' --only simon cost\n" in ran.stderr
    ran = attendee.run("fleet", "--file", "my fleet.csv", "--only", "simon", "check")
    assert ran.stdout.endswith("→ emotions fleet --file 'my fleet.csv' --only simon deploy\n")
    ran = attendee.run("fleet", "--file", "nobody.csv", "check")
    assert "Make one: emotions fleet --file nobody.csv init" in ran.stderr


def test_without_a_publication_nothing_is_deployed(organiser: Account, attendee: Attendee):
    attendee.run("fleet", "init", "300000000002")
    ran = attendee.run("fleet", "deploy")
    assert ran.exit_code == 1
    assert "Nothing is published in ap-southeast-2." in ran.stderr


def test_attendees_of_a_shared_account_have_stacks_of_their_own(
    organiser: Account, attendee: Attendee, synthesised: object
):
    Path("fleet.csv").write_text("attendee\nsimon\naisha\n")
    assert attendee.run("fleet", "publish").exit_code == 0
    assert attendee.run("fleet", "deploy", "Foundation").stdout.splitlines() == [
        "simon  Foundation: created",
        "aisha  Foundation: created",
    ]
    assert sorted(stacks_in(attendee)) == ["ShowYourEmotions-aisha-Foundation", "ShowYourEmotions-simon-Foundation"]
    assert attendee.run("fleet", "--only", "simon", "destroy", "--yes").stdout == "simon  nothing left\n"
    assert sorted(stacks_in(attendee)) == ["ShowYourEmotions-aisha-Foundation"]


def test_check_says_who_is_where_and_what_they_lack(attendee: Attendee, three: list[Attendee]):
    attendee.run("fleet", "--only", "attendee01", "--only", "attendee02", "deploy", "Foundation")
    outputs = stacks.describe(three[0].client("cloudformation"), "ShowYourEmotions-attendee01-Foundation")["Outputs"]
    named = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    for bucket in ("RawBucket", "ProcessedBucket"):
        three[0].client("s3").put_public_access_block(Bucket=named[bucket], PublicAccessBlockConfiguration=closed)
    three[0].client("rekognition").create_collection(CollectionId=named["CollectionId"])
    looked = attendee.run("fleet", "check")
    first, second, third = looked.stdout.splitlines()
    assert first.startswith("attendee01  ●○○○○○  step 2: There is no photo in the raw bucket. → emotions --attendee ")
    assert second.startswith("attendee02  ○○○○○○  step 1: ")
    assert third == "attendee03  ○○○○○○  step 1: Foundation is not deployed. → emotions fleet deploy"
    assert looked.stderr == "3 attendees: 0 done, 1 at step 2, 2 at step 1\n"
    assert looked.exit_code == 1
    assert attendee.run("fleet", "--only", "attendee01", "check", "1").exit_code == 0
    documents = json.loads(attendee.run("fleet", "check", "--json").stdout)
    assert [document["step"] for document in documents] == [1, 0, 0]


def test_gallery_and_cost_of_all_accounts(attendee: Attendee, three: list[Attendee]):
    assert attendee.run("fleet", "deploy", "Foundation").exit_code == 0
    (attendee.folder / "selfie.jpg").write_bytes(GROUP_PHOTO.read_bytes())
    for number, account in enumerate(three[:2], start=1):
        name = f"ShowYourEmotions-attendee0{number}-Foundation"
        (collection,) = [
            output["OutputValue"]
            for output in stacks.describe(account.client("cloudformation"), name)["Outputs"]
            if output["OutputKey"] == "CollectionId"
        ]
        account.client("rekognition").create_collection(CollectionId=collection)
        ran = account.run("--attendee", f"attendee0{number}", "index", "selfie.jpg")
        assert ran.exit_code == 0, ran.output
    made = attendee.run("fleet", "gallery", "--embed")
    assert made.exit_code == 0, made.output
    Path("fleet.csv").write_text(Path("fleet.csv").read_text() + "missing,,,no-such-profile,\n")
    incomplete = attendee.run("fleet", "gallery", "--embed")
    assert incomplete.exit_code == 1
    assert "1 attendee of 4 failed" in incomplete.stderr
    page = Path("gallery.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 2
    assert "attendee01" in page
    assert "attendee02" in page

    counted = attendee.run("fleet", "--only", "attendee01", "--only", "attendee02", "cost")
    assert counted.exit_code == 0, counted.output
    assert [line.split()[:2] for line in counted.stdout.splitlines()[2:4]] == [["attendee01", "1"], ["attendee02", "1"]]
    not_counted = attendee.run("fleet", "--only", "attendee03", "cost")
    assert not_counted.exit_code == 1
