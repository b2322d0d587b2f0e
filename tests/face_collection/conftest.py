"""CloudFormation's side of a custom resource: a place to answer to, and its habits."""

import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from local_aws.rekognition import RekognitionServer
from tests.local_aws.rekognition.painted import PaintedSight

REGION = "ap-southeast-2"
ACCOUNTS = itertools.count(111122220000)
STACK = f"arn:aws:cloudformation:{REGION}:111122223333:stack/ShowYourEmotions-simon-Foundation/5e1f"
FAMILY = "ShowYourEmotions-simon-Foundation"


@dataclass
class Letterbox:
    """Where CloudFormation waits for answers."""

    url: str
    answers: list[dict[str, Any]] = field(default_factory=list)
    content_types: list[str | None] = field(default_factory=list)
    refusals: int = 0
    """How many of the next answers are refused with a 503."""


@pytest.fixture
def letterbox() -> Iterator[Letterbox]:
    class Slot(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            box.content_types.append(self.headers["Content-Type"])
            if box.refusals > 0:
                box.refusals -= 1
                self.send_response(503)
            else:
                box.answers.append(json.loads(body))
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slot)
    box = Letterbox(url=f"http://127.0.0.1:{server.server_port}/answer?signature=secret")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield box
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def one_server() -> Iterator[RekognitionServer]:
    with RekognitionServer(sight=PaintedSight()) as running:
        yield running


@pytest.fixture
def server(one_server: RekognitionServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[RekognitionServer]:
    """A Rekognition-compatible server that the handler reaches as it would reach AWS; an account for each test."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", one_server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(next(ACCOUNTS)))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    yield one_server
    one_server.conditions.clear()


@pytest.fixture
def rekognition(server: RekognitionServer) -> Any:
    return boto3.client("rekognition")


@dataclass
class Context:
    log_stream_name: str = "2026/11/22/[$LATEST]abc"


@dataclass
class CloudFormation:
    """Sends requests as CloudFormation does and reads the answers."""

    letterbox: Letterbox
    stack: str = STACK

    def ask(self, request: str, collection_id: str = f"{FAMILY}.faces", **event: Any) -> dict[str, Any]:
        from face_collection.handler import handle

        before = len(self.letterbox.answers)
        handle(self.event(request, collection_id, **event), Context())
        (answer,) = self.letterbox.answers[before:]
        return answer

    def event(self, request: str, collection_id: str = f"{FAMILY}.faces", **event: Any) -> dict[str, Any]:
        return {
            "RequestType": request,
            "RequestId": "r-1",
            "StackId": self.stack,
            "LogicalResourceId": "Faces740F12D8",
            "ResourceType": "Custom::RekognitionCollection",
            "ResponseURL": self.letterbox.url,
            "ResourceProperties": {
                "ServiceToken": "arn",
                "ServiceTimeout": "300",
                "CollectionId": collection_id,
                "Tags": {"workshop": "show-your-emotions", "attendee": "simon"},
            },
            **event,
        }


@pytest.fixture
def cloudformation(letterbox: Letterbox, server: RekognitionServer) -> CloudFormation:
    return CloudFormation(letterbox)
