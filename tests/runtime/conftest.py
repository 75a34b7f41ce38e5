"""What the tests of the shim share: the program itself, and a web server for it to fetch from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.program import Program
from runtime.web import Web, serving


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Program]:
    with Program(tmp_path) as program:
        yield program


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as server:
        yield server
