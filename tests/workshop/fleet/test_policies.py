"""The policies to paste are enough: the whole evening with IAM enforced and nothing else allowed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.local import PROJECT, LocalAws
from tests.workshop.attendee import GROUP_PHOTO, Attendee
from workshop.commands.fleet import destroy
from workshop.fleet import stacks
from workshop.fleet.roster import DEFAULT_ROLE

pytestmark = pytest.mark.slow

OURS, THEIRS = "320000000001", "320000000002"


@pytest.fixture
def enforced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stacks, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(destroy, "PATIENCE", 0)
    with LocalAws(enforce_iam=True) as local_aws:
        yield local_aws


def role_with(policy: str, name: str, owner: Attendee) -> None:
    """A role that everybody in our account may assume, with the policy of this name in docs/kit."""
    ours = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OURS}:root"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [ours]}
    iam = owner.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    document = (PROJECT / "docs" / "kit" / f"{policy}.json").read_text(encoding="utf-8")
    iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)


def test_the_policies_to_paste_allow_an_evening(enforced: LocalAws, tmp_path: Path, synthesised: object):
    us, them = Attendee(enforced, tmp_path, OURS), Attendee(enforced, tmp_path, THEIRS)
    role_with("organiser", "Organiser", us)
    role_with("attendee", DEFAULT_ROLE, them)
    arn = f"arn:aws:iam::{OURS}:role/Organiser"
    keys = us.client("sts").assume_role(RoleArn=arn, RoleSessionName="organiser")["Credentials"]
    organiser = {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }

    def typed(*arguments: str, code: int = 0) -> str:
        ran = us.run("fleet", *arguments, **organiser)
        assert ran.exit_code == code, ran.output
        return ran.stdout

    typed("init", THEIRS)
    assert typed("init") == "1 attendee in 1 account: all can be opened.\n"
    typed("publish")
    assert typed("deploy") == "attendee01  Foundation: created, Serverless: created\n"
    name = "ShowYourEmotions-attendee01-Foundation"
    them.client("rekognition").create_collection(
        CollectionId=f"{name}.faces", Tags={"workshop": "show-your-emotions", "attendee": "attendee01"}
    )
    raw = next(
        output["OutputValue"]
        for output in stacks.describe(them.client("cloudformation"), name)["Outputs"]
        if output["OutputKey"] == "RawBucket"
    )
    door = {
        "Resources": {"Door": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "d", "ProtocolType": "HTTP"}}}
    }
    them.client("cloudformation").create_stack(
        StackName="ShowYourEmotions-attendee01-Wall", TemplateBody=json.dumps(door)
    )
    them.client("s3").put_object(Bucket=raw, Key="me.jpg", Body=GROUP_PHOTO.read_bytes())
    assert "○" in typed("check", code=1)
    assert typed("gallery") == "gallery.html\n"
    assert "attendee01" in typed("cost")
    assert "with 1 photo" in us.run("fleet", "destroy", **organiser).stderr
    for version in them.client("s3").list_object_versions(Bucket=raw)["Versions"]:
        them.client("s3").delete_object(Bucket=raw, Key="me.jpg", VersionId=version["VersionId"])
    left = typed("destroy", "--yes", code=1)  # this small stack has no custom resource that deletes the collection
    assert left.startswith(f"attendee01  left: collection {name}.faces (")
    them.client("rekognition").delete_collection(CollectionId=f"{name}.faces")
    assert typed("destroy", "--yes") == "attendee01  nothing left\n"
    typed("unpublish", "--yes")

    # And not more than that: without its policy the role opens nothing.
    them.client("iam").delete_role_policy(RoleName=DEFAULT_ROLE, PolicyName="attendee")
    assert "failed: " in typed("destroy", "--yes", code=1)
