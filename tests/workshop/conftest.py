"""A real emulator on loopback, and attendees at different steps of the workshop."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws import processes
from local_aws.emulator import Emulator
from tests.workshop.attendee import FOUNDATION, SERVERLESS, Attendee

_accounts = itertools.count(100000000001)


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator("http://127.0.0.1:9", processes.free_port()) as emulator:
        yield emulator


@pytest.fixture
def attendee(emulator: Emulator, tmp_path: Path) -> Attendee:
    """Somebody with an account of their own, in which nothing is deployed."""
    return Attendee(emulator.url, tmp_path, str(next(_accounts)))


@pytest.fixture
def deployed(attendee: Attendee) -> Attendee:
    """Somebody who has deployed Foundation, so has done Step 1."""
    attendee.deploy("Foundation", FOUNDATION)
    return attendee


@pytest.fixture
def serverless(deployed: Attendee) -> Attendee:
    """Somebody who has deployed both stacks, so has done Step 5; the tests play the function."""
    deployed.deploy("Serverless", SERVERLESS)
    return deployed
