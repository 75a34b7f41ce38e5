"""An engine with the limits of the server that was recorded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import Engine, start_engine, stop_engine


@pytest.fixture(scope="session")
def openwhisk(tmp_path_factory: pytest.TempPathFactory, environment_cache: Path) -> Iterator[Engine]:
    state = tmp_path_factory.mktemp("openwhisk") / "state"
    started = start_engine(state, environment_cache, 0, "--limits", "openwhisk")
    yield started
    assert stop_engine(started) == 0
