"""Credentials, clients, and the commands to paste."""

import base64
import json
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import boto3
import pytest
from awscrt.crypto import EC, ECExportFormat, ECType

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


def test_a_profile_of_aws_login_works_and_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """botocore signs the renewal with awscrt, without which every command fails (aws-sam-cli #8456)."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_LOGIN_CACHE_DIRECTORY", str(tmp_path))
    session = "arn:aws:iam::111122223333:user/simon"
    (tmp_path / "config").write_text(f"[default]\nlogin_session = {session}\nregion = ap-southeast-2\n")
    key = EC.new_generate(ECType.P_256).export_key(ECExportFormat.SEC1)
    key_file = f"-----BEGIN EC PRIVATE KEY-----\n{base64.b64encode(key).decode()}\n-----END EC PRIVATE KEY-----\n"
    old = {"accessKeyId": "OLD", "secretAccessKey": "old", "sessionToken": "old", "accountId": "111122223333"}
    token = {
        "accessToken": {**old, "expiresAt": "2020-01-01T00:00:00Z"},
        "refreshToken": "refresh",
        "clientId": "arn:aws:signin:::devtools/same-device",
        "dpopKey": key_file,
    }
    (tmp_path / f"{sha256(session.encode()).hexdigest()}.json").write_text(json.dumps(token))
    asked = []

    class SignIn(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, self.headers["DPoP"]))
            fresh = {"accessKeyId": "NEW", "secretAccessKey": "new", "sessionToken": "new"}
            answer = {"accessToken": fresh, "tokenType": "aws_sigv4", "expiresIn": 900, "refreshToken": "next"}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), SignIn) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_SIGNIN", f"http://127.0.0.1:{server.server_port}")
        account = Account.open()
        assert account.credentials_expire is not None
        assert account.credentials_are_renewed
        assert account.session.get_credentials().access_key == "NEW"
    ((path, proof),) = asked
    assert path == "/v1/token"
    assert proof.count(".") == 2
