"""An organiser with a fleet of accounts on the local AWS, and a small cloud assembly in place of a synth."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workshop.attendee import FOUNDATION, SERVERLESS, Attendee
from workshop.aws.account import Account
from workshop.fleet import publication
from workshop.fleet.templates import ANYBODY

CODE = "c" * 64

_accounts = itertools.count(310000000001)


@pytest.fixture
def organiser(attendee: Attendee, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The attendee of the other tests, with the local AWS in this process and a profile for one more account."""
    credentials = attendee.folder / "credentials"
    credentials.write_text("[simons]\naws_access_key_id = 300000000001\naws_secret_access_key = local\n")
    for name, value in attendee.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    return Account.open()


@pytest.fixture
def ids() -> Callable[[], str]:
    """Account ids that no other test has."""
    return lambda: str(next(_accounts))


@pytest.fixture
def synthesised(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The settings of every synth that `publish` asks for; each writes the small assembly."""
    asked: list[dict[str, str]] = []

    def synthesise(assembly: Path, region: str, bucket: str, settings: dict[str, str]) -> None:
        asked.append(settings)
        write_assembly(assembly, bucket)

    monkeypatch.setattr(publication, "_synthesise", synthesise)
    return asked


def write_assembly(folder: Path, bucket: str) -> None:
    """Both stacks of the other tests, tagged, with a function whose code is in the bucket."""
    tags = [{"Key": "workshop", "Value": "show-your-emotions"}, {"Key": "attendee", "Value": ANYBODY}]
    foundation = json.loads(json.dumps(FOUNDATION))
    foundation["Resources"]["Raw"]["Properties"]["Tags"] = tags
    announcing = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage"}
    foundation["Resources"]["InboxPolicy"] = {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": "Inbox"}],
            "PolicyDocument": {"Statement": [{**announcing, "Resource": {"Fn::GetAtt": ["Inbox", "Arn"]}}]},
        },
    }
    foundation["Resources"]["Raw"]["DependsOn"] = "InboxPolicy"
    foundation["Description"] = f"for {ANYBODY}"
    foundation["Outputs"]["CollectionId"] = {"Value": f"ShowYourEmotions-{ANYBODY}-Foundation.faces"}
    serverless = json.loads(json.dumps(SERVERLESS))
    del serverless["Resources"]["Trigger"]  # its role is a name without permissions
    function = serverless["Resources"]["Annotator"]["Properties"]
    function |= {"Code": {"S3Bucket": bucket, "S3Key": f"{CODE}.zip"}, "Tags": tags}
    (folder / f"asset.{CODE}").mkdir()
    (folder / f"asset.{CODE}" / "index.py").write_text("def handle(event, context): return event\n")
    code = {"source": {"path": f"asset.{CODE}", "packaging": "zip"}, **_to(bucket, f"{CODE}.zip")}
    for name, template in (("Foundation", foundation), ("Serverless", serverless)):
        (folder / f"{name}.template.json").write_text(json.dumps(template))
        itself = {"source": {"path": f"{name}.template.json", "packaging": "file"}, **_to(bucket, f"{name}.json")}
        manifest = {"files": {CODE: code, name: itself}, "dockerImages": {}}
        (folder / f"{name}.assets.json").write_text(json.dumps(manifest))


def _to(bucket: str, key: str) -> dict[str, Any]:
    return {"destinations": {"anywhere": {"bucketName": bucket, "objectKey": key}}}
