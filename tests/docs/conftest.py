"""A port for what pages start."""

from collections.abc import Iterator

import pytest

from deepwhisk.cli.ports import hold_any
from deepwhisk.sockets import number


@pytest.fixture
def port() -> Iterator[int]:
    """One that no other program takes, before whatever the page starts listens there and after."""
    with hold_any("127.0.0.1") as held:
        yield number(held)
