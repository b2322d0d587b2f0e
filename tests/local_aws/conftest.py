"""A Lambda host, and a way to put functions into it."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_aws.lambda_host.function import Function
from local_aws.lambda_host.host import LambdaHost
from tests.local_aws.deployed import Deployed, configuration, zipped


class _Logs:
    """Stands for CloudWatch Logs where a test is not about it."""

    def write(self, *_: object) -> None:
        """Nothing is kept."""


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LambdaHost]:
    folder = tmp_path_factory.mktemp("lambda") / "host"
    with LambdaHost("http://127.0.0.1:1", rekognition="http://127.0.0.1:2", folder=folder) as host:
        host.logs = _Logs()  # type: ignore[assignment]
        yield host


@pytest.fixture
def deploy(host: LambdaHost) -> Callable[..., Deployed]:
    def deploy(source: str, file: str = "index.py", **changes: Any) -> Deployed:
        name = f"tried-{uuid.uuid4().hex}"
        function = Function.from_configuration(configuration(name, **changes), {"AWS_ACCESS_KEY_ID": "111122223333"})
        code = host.code.of(function, lambda: zipped(source, file))
        assert code.task_root.is_dir()
        return Deployed(host, function)

    return deploy
