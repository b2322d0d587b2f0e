"""No endless loops or waits: every chain of requests has an explicit limit."""

import json
from collections.abc import Iterator

import pytest
from annotator import inbox
from annotator.cloud import clients
from aws_cdk import App
from face_collection import handler as face_collection

from app import compose
from infra.settings import WorkshopSettings
from tests.infra.conftest import ACCOUNT, REGION, cdk_context
from workshop.aws.account import Account


@pytest.fixture(scope="module")
def resources(tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp("cdk.out")
    app = App(context=cdk_context(), outdir=str(folder))
    compose(app, WorkshopSettings.from_context({}, REGION), ACCOUNT)
    app.synth()
    templates = [json.loads((folder / f"{stack}.template.json").read_text()) for stack in ("Foundation", "Serverless")]
    return [resource for template in templates for resource in template["Resources"].values()]


def of_type(resources: list[dict], kind: str) -> list[dict]:
    return [resource["Properties"] for resource in resources if resource["Type"] == kind]


@pytest.fixture
def credentials(monkeypatch) -> Iterator[None]:
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    return


def test_every_client_has_limited_tries_and_time_outs(credentials):
    account = Account.open()
    for client in (
        *clients(),
        inbox.client(),
        face_collection._client(),
        account.client("s3"),
        account.client("rekognition"),
    ):
        assert client.meta.config.retries["mode"] in ("standard", "adaptive")
        assert client.meta.config.retries["total_max_attempts"] <= 6
        assert client.meta.config.connect_timeout <= 5
        assert client.meta.config.read_timeout <= 30


def test_a_failing_photo_moves_to_the_dead_letters_after_five_tries(resources):
    policies = [queue["RedrivePolicy"] for queue in of_type(resources, "AWS::SQS::Queue") if "RedrivePolicy" in queue]
    assert [policy["maxReceiveCount"] for policy in policies] == [5]
    (function,) = (each for each in of_type(resources, "AWS::Lambda::Function") if each.get("PackageType") == "Image")
    waits = [int(each) for each in function["Environment"]["Variables"]["RETRY_AFTER"].split(",")]
    assert len(waits) == 5 - 1
    assert waits == sorted(waits)


def test_outputs_of_the_function_trigger_nothing(resources):
    """The bucket for pictures sends no events, so a picture cannot become the next photo."""
    announcing = [bucket for bucket in of_type(resources, "AWS::S3::Bucket") if bucket.get("NotificationConfiguration")]
    assert len(announcing) == 1
    for policy in of_type(resources, "AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            if "s3:PutObject" in statement["Action"]:
                assert "Raw" not in json.dumps(statement["Resource"])
                assert "Processed" in json.dumps(statement["Resource"])


def test_concurrent_rekognition_calls_are_limited(resources):
    (mapping,) = of_type(resources, "AWS::Lambda::EventSourceMapping")
    assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 8
    assert mapping["BatchSize"] == 1
