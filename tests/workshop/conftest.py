"""A real emulator on loopback, and attendees at different steps of the workshop."""

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.local import LocalAws
from tests.workshop.attendee import FOUNDATION, SERVERLESS, Attendee
from tests.workshop.refusing import Refusing, RefusingServer

_accounts = itertools.count(100000000001)


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    with LocalAws() as local_aws:
        yield local_aws


@pytest.fixture
def attendee(local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attendee:
    """Somebody with an account of their own, in which nothing is deployed, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    return Attendee(local_aws, tmp_path, str(next(_accounts)))


@pytest.fixture
def deployed(attendee: Attendee) -> Attendee:
    """Somebody who has deployed Foundation, so has done Step 1."""
    attendee.deploy("Foundation", FOUNDATION)
    attendee.client("rekognition").create_collection(CollectionId=attendee.outputs["CollectionId"])
    return attendee


@pytest.fixture
def serverless(deployed: Attendee) -> Attendee:
    """Somebody who has deployed both stacks, so has done Step 5; the tests play the function."""
    deployed.deploy("Serverless", SERVERLESS)
    return deployed


@pytest.fixture
def refusing() -> Iterator[RefusingServer]:
    with RefusingServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
