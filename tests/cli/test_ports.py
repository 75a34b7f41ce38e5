"""The ports of `up`."""

import socket
from pathlib import Path

import pytest

from deepwhisk.cli.ports import choose_ports, is_free
from deepwhisk.errors import ServiceError
from deepwhisk.settings import State


def state(folder: Path) -> State:
    made = State(folder / "state")
    made.make()
    return made


def test_the_feed_keeps_its_port_from_start_to_start(tmp_path: Path) -> None:
    first = choose_ports(state(tmp_path), "127.0.0.1", 0)
    second = choose_ports(state(tmp_path), "127.0.0.1", 0)

    assert first.feed == second.feed


def test_a_port_that_is_taken_is_refused_with_another_to_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not is_free("127.0.0.1", port)
        with pytest.raises(ServiceError, match=f"Port {port}.*--port {port + 1}"):
            choose_ports(State(Path("/nowhere")), "127.0.0.1", port)


def test_the_feed_takes_another_port_when_its_own_is_taken(tmp_path: Path) -> None:
    kept = choose_ports(state(tmp_path), "127.0.0.1", 0).feed
    with socket.create_server(("127.0.0.1", kept)):
        assert choose_ports(state(tmp_path), "127.0.0.1", 0).feed != kept


def test_a_port_that_was_half_written_is_forgotten(tmp_path: Path) -> None:
    made = state(tmp_path)
    (made.folder / "feed").mkdir()
    for left in ("", "2300\n24", "999999"):
        (made.folder / "feed" / "port").write_text(left)

        assert 1024 < choose_ports(made, "127.0.0.1", 0).feed < 65536
