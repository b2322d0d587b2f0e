"""Functions as they are deployed, for tests to invoke."""

import json
import uuid
import zipfile
from dataclasses import dataclass
from io import BytesIO
from textwrap import dedent
from typing import Any

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
