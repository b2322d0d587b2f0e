"""Functions in zip files, and a Lambda host to run them."""

import json
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from local_aws.lambda_host.code import Code
from local_aws.lambda_host.environment import Outcome
from local_aws.lambda_host.function import Function
from local_aws.lambda_host.host import LambdaHost

ARN = "arn:aws:lambda:ap-southeast-2:111122223333:function:"


def zipped(source: str, name: str = "index.py") -> bytes:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as zip_file:
        zip_file.writestr(name, dedent(source))
    return archive.getvalue()


def configuration(name: str = "tried", **changes: Any) -> dict[str, Any]:
    return {
        "FunctionName": name,
        "FunctionArn": ARN + name,
        "Role": "arn:aws:iam::111122223333:role/tried",
        "Runtime": "python3.13",
        "Handler": "index.handle",
        "Timeout": 10,
        "MemorySize": 512,
        "Version": "$LATEST",
        "CodeSha256": "sha-of-" + name,
    } | changes


@dataclass
class Deployed:
    """A function whose code is `source`, in the host."""

    host: LambdaHost
    function: Function

    def __call__(self, event: Any = None) -> Any:
        """What the handler returned."""
        outcome = self.outcome(event)
        assert not outcome.is_error, outcome.payload
        return json.loads(outcome.payload)

    def error(self, event: Any = None) -> dict[str, Any]:
        """The error that the caller of a failed invocation is answered with."""
        outcome = self.outcome(event)
        assert outcome.is_error, outcome.payload
        error: dict[str, Any] = json.loads(outcome.payload)
        return error

    def outcome(self, event: Any = None) -> Outcome:
        return self.host.invoke(self.function, json.dumps(event).encode(), str(uuid.uuid4()))

    def log(self, event: Any = None) -> list[str]:
        return [line.message for line in self.outcome(event).log]


class _Logs:
    """Stands for CloudWatch Logs where a test is not about it."""

    def write(self, *_: object) -> None:
        """Nothing is kept."""


@pytest.fixture(scope="session")
def host() -> Iterator[LambdaHost]:
    with LambdaHost("http://127.0.0.1:1", rekognition="http://127.0.0.1:2") as host:
        host.logs = _Logs()  # type: ignore[assignment]
        yield host


@pytest.fixture
def deploy(host: LambdaHost, tmp_path: Path) -> Callable[..., Deployed]:
    def deploy(source: str, file: str = "index.py", **changes: Any) -> Deployed:
        name = f"tried-{uuid.uuid4().hex}"
        function = Function.from_configuration(configuration(name, **changes), {"AWS_ACCESS_KEY_ID": "111122223333"})
        code: Code = host.code.of(function, lambda: zipped(source, file))
        assert code.task_root.is_dir()
        return Deployed(host, function)

    return deploy
