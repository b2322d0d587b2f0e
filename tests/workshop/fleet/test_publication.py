"""Publishing: what is put where, who may read it, and that a second time changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.workshop.attendee import REGION, Attendee
from tests.workshop.fleet.conftest import CODE
from workshop.aws.account import Account
from workshop.fleet.publication import Readers, policy_for
from workshop.fleet.templates import ANYBODY, for_any_attendee, quick_create_link


def test_the_attendees_name_becomes_a_parameter_wherever_it_stands():
    template = {
        "Description": f"buckets of {ANYBODY}",
        "Resources": {"Role": {"Properties": {"Arn": {"Fn::Join": ["", ["a:", f"b/{ANYBODY}-x.*"]]}, "Other": "${X}"}}},
        "Outputs": {"Out": {"Value": 1, "Export": {"Name": f"Emotions-{ANYBODY}:${{odd}}"}}},
    }
    published = json.loads(for_any_attendee(template))
    assert published["Description"] == "buckets of an attendee"
    assert published["Resources"]["Role"]["Properties"] == {
        "Arn": {"Fn::Join": ["", ["a:", {"Fn::Sub": "b/${Attendee}-x.*"}]]},
        "Other": "${X}",
    }
    assert published["Outputs"]["Out"]["Export"]["Name"] == {"Fn::Sub": "Emotions-${Attendee}:${!odd}"}
    assert published["Parameters"]["Attendee"]["Default"] == "me"


def test_a_link_for_a_browser_has_region_template_and_name():
    link = quick_create_link("eu-west-1", "https://b.s3.eu-west-1.amazonaws.com/F.json", "simon", "Foundation")
    assert link == (
        "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks/create/review?"
        "templateURL=https%3A%2F%2Fb.s3.eu-west-1.amazonaws.com%2FF.json"
        "&stackName=ShowYourEmotions-simon-Foundation&param_Attendee=simon"
    )


def test_the_readers_are_the_accounts_or_the_organisation_and_nobody_else():
    tls, reading = policy_for("b", Readers(frozenset({"444455556666", "111122223333"})))["Statement"]
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert reading["Principal"] == {"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"]}
    assert reading["Action"] == "s3:GetObject"
    _, organisation = policy_for("b", Readers(frozenset({"111122223333"}), "o-abc"))["Statement"]
    assert organisation["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}
    assert [each["Sid"] for each in policy_for("b", Readers(frozenset()))["Statement"]] == ["OnlyWithTls"]


def test_publish_twice_then_unpublish(
    organiser: Account, attendee: Attendee, synthesised: list[dict[str, str]], ids: Callable[[], str]
):
    member = ids()
    attendee.run("fleet", "init", member)
    bucket = f"show-your-emotions-{attendee.account}-{REGION}-an"
    first = attendee.run("fleet", "publish", "-c", "keep_days=2")
    assert first.exit_code == 0, first.output
    described, foundation, serverless = first.stdout.splitlines()
    assert described == f"{REGION}  {bucket}  0.0 MB, readable by 1 account"
    assert foundation.startswith("me  Foundation  https://")
    assert f"{bucket}.s3.{REGION}.amazonaws.com%2FServerless.template.json" in serverless
    s3 = attendee.client("s3")
    assert {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]} == {
        f"{CODE}.zip", "Foundation.template.json", "Serverless.template.json", "publication.json",
    }  # fmt: skip
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["Expiration"] == {"Days": 30}
    uploaded = s3.head_object(Bucket=bucket, Key=f"{CODE}.zip")["LastModified"]

    second = attendee.run("fleet", "publish", "-c", "memory=1024", "--links")
    assert second.stdout.splitlines()[1].startswith("attendee01  Foundation  https://")
    assert "memory changes from its default to 1024 with the next `emotions fleet deploy`." in second.stderr
    assert synthesised == [{"keep_days": "2"}, {"keep_days": "2", "memory": "1024"}]
    assert s3.head_object(Bucket=bucket, Key=f"{CODE}.zip")["LastModified"] == uploaded
    assert "uploading" not in second.stderr

    gone = attendee.run("fleet", "unpublish", "--yes")
    assert (gone.exit_code, gone.stdout) == (0, "nothing left\n")
    assert bucket not in {each["Name"] for each in s3.list_buckets()["Buckets"]}
    assert attendee.run("fleet", "unpublish").stdout == "nothing left\n"


def test_only_the_fleets_accounts_can_read_what_is_published(
    organiser: Account, attendee: Attendee, synthesised: list[dict[str, str]], ids: Callable[[], str]
):
    member, stranger = ids(), ids()
    attendee.run("fleet", "init", member)
    assert attendee.run("fleet", "publish").exit_code == 0
    wanted = {"Bucket": f"show-your-emotions-{attendee.account}-{REGION}-an", "Key": f"{CODE}.zip"}
    inside = Attendee(attendee.local_aws, attendee.folder, member).client("s3")
    assert inside.get_object(**wanted)["Body"].read()
    for operation, who in (("put_object", member), ("get_object", stranger)):
        outside = Attendee(attendee.local_aws, attendee.folder, who).client("s3")
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(outside, operation)(**wanted)


def test_the_account_behind_a_profile_can_read_it_too(
    organiser: Account, attendee: Attendee, synthesised: list[dict[str, str]]
):
    Path("fleet.csv").write_text("attendee,profile\nsimon,simons\n")
    assert attendee.run("fleet", "publish", AWS_SHARED_CREDENTIALS_FILE=None).exit_code == 1
    ran = attendee.run("fleet", "publish", AWS_SHARED_CREDENTIALS_FILE=str(attendee.folder / "credentials"))
    assert "readable by 1 account" in ran.stdout


def test_a_setting_and_an_organisation_can_be_taken_back(
    organiser: Account, attendee: Attendee, synthesised: list[dict[str, str]], ids: Callable[[], str]
):
    attendee.run("fleet", "init", ids())
    ran = attendee.run("fleet", "publish", "--organisation", "o-abc", "-c", "keep_days=2")
    assert "readable by the organisation o-abc" in ran.stdout
    assert "readable by the organisation o-abc" in attendee.run("fleet", "publish").stdout
    ran = attendee.run("fleet", "publish", "--organisation", "", "-c", "keep_days=")
    assert "readable by 1 account" in ran.stdout
    assert "keep_days changes from 2 to its default" in ran.stderr
    assert synthesised == [{"keep_days": "2"}, {"keep_days": "2"}, {}]


def test_the_readers_are_always_all_who_are_in_the_file(
    organiser: Account, attendee: Attendee, synthesised: list[dict[str, str]], ids: Callable[[], str]
):
    """Published for some, the others' next deploy could not read it."""
    attendee.run("fleet", "init", ids(), ids())
    ran = attendee.run("fleet", "--only", "attendee01", "publish")
    assert ran.exit_code == 1
    assert "What is published is for all who are in the file." in ran.stderr
    assert not synthesised


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("keep_days=0", "Invalid keep_days='0'"),
        ("keepdays=3", "did you mean keep_days?"),
        ("keepdays=", "did you mean keep_days?"),
        ("keep_days", "is not a setting with a value"),
        ("attendee=simon", "A fleet has no setting attendee"),
    ],
)
def test_a_wrong_setting_publishes_nothing(
    organiser: Account, attendee: Attendee, synthesised: list[dict[str, str]], given: str, says: str
):
    attendee.run("fleet", "init", "300000000002")
    ran = attendee.run("fleet", "publish", "-c", given)
    assert ran.exit_code == 1
    assert says in ran.stderr
    assert not synthesised
    assert not attendee.client("s3").list_buckets()["Buckets"]
