"""Who we are in AWS: how AWS is called, and what there is to paste."""

from pathlib import Path

import boto3
import pytest

from tests.workshop.answering import account_with
from workshop.aws.account import Account


@pytest.mark.parametrize("region", ["ap-southeast-2", "us-east-1"])
def test_buckets_are_called_by_their_own_name_in_their_own_region(region: str):
    """The global name redirects while a bucket is new, and a signature does not survive that (boto3 #2989)."""
    s3 = account_with(region).client("s3")
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": "me.jpg"})
    assert link.startswith(f"https://photos.s3.{region}.amazonaws.com/me.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256")


@pytest.mark.parametrize("service", ["s3", "sqs", "rekognition"])
def test_waiting_is_bounded_and_aws_may_stumble_twice(service: str):
    config = account_with().client(service).meta.config
    assert 3 <= config.retries["total_max_attempts"] <= 5
    assert config.retries["mode"] == "standard"
    assert config.connect_timeout <= 5
    assert config.read_timeout <= 30


def test_a_client_is_made_once_for_each_region():
    account = account_with()
    assert account.client("s3") is account.client("s3")
    assert account.client("s3") is not account.client("s3", region="us-east-1")


@pytest.mark.parametrize(
    ("attendee", "profile", "pasted"),
    [
        ("me", None, "npx cdk deploy Foundation"),
        ("simon", None, "npx cdk deploy Foundation -c attendee=simon"),
        ("me", "work", "npx cdk deploy Foundation --profile work"),
        ("simon", "at work", "npx cdk deploy Foundation -c attendee=simon --profile 'at work'"),
    ],
)
def test_the_cdk_command_to_paste_is_for_the_attendee_and_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attendee: str, profile: str | None, pasted: str
):
    (tmp_path / "config").write_text('[profile work]\n[profile "at work"]\n')
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    session = boto3.Session(profile_name=profile, region_name="eu-west-1")
    assert Account(session, "eu-west-1", attendee).cdk("deploy Foundation") == pasted
