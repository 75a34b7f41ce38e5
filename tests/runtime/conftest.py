"""What the tests of the shim share: the program itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.program import Program


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Program]:
    with Program(tmp_path) as program:
        yield program
