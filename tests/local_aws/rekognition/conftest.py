"""A server with painted eyes, and plain boto3 clients that differ from AWS's only in `endpoint_url`."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.rekognition import RekognitionServer
from tests.local_aws.rekognition.painted import PaintedSight

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

ACCOUNT = "111122223333"
SESSION = boto3.session.Session()  # one, because reading the service models takes longer than any test
Connect = Callable[..., "RekognitionClient"]


def connect_to(url: str, account: str = ACCOUNT, region: str = "ap-southeast-2", **config: Any) -> "RekognitionClient":
    return SESSION.client(
        "rekognition",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="any",
        config=Config(**({"retries": {"total_max_attempts": 1}} | config)),
    )


@pytest.fixture
def sight() -> PaintedSight:
    return PaintedSight()


@pytest.fixture
def server(sight: PaintedSight) -> Iterator[RekognitionServer]:
    with RekognitionServer(sight=sight) as server:
        yield server


@pytest.fixture
def connect(server: RekognitionServer) -> Connect:
    """A client of any account and region."""
    return lambda account=ACCOUNT, region="ap-southeast-2", **config: connect_to(server.url, account, region, **config)


@pytest.fixture
def client(connect: Connect) -> "RekognitionClient":
    return connect()


@pytest.fixture
def collection(client: "RekognitionClient") -> str:
    client.create_collection(CollectionId="room-1")
    return "room-1"


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """The code and the message of the error that a call is answered with."""

    def code_and_message(call: Callable[..., Any], /, **request: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            call(**request)
        return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]

    return code_and_message
