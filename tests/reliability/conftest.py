"""Fixtures: the function with its stage, and CloudFormation's side of the custom resource."""

from collections.abc import Iterator

import pytest

from tests.face_collection.conftest import (  # noqa: F401 - fixtures
    cloudformation,
    letterbox,
    one_server,
    rekognition,
    server,
)
from tests.reliability.stage import Stage, on_stage


@pytest.fixture(scope="session")
def one_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with on_stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
def stage(one_stage: Stage) -> Stage:
    one_stage.clear()
    return one_stage
