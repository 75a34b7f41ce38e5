"""The ports of `up`."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from deepwhisk.cli.ports import Ports, any_free, choose_ports
from deepwhisk.errors import ServiceError
from deepwhisk.settings import State
from deepwhisk.sockets import hold

Start = Callable[..., Ports]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Choose the ports of a start; all are released after the test."""
    with ExitStack() as stack:

        def ports(engine: int = 0, folder: str = "state") -> Ports:
            state = State(tmp_path / folder)
            state.make()
            chosen = choose_ports(state, "127.0.0.1", engine)
            stack.callback(chosen.release)
            return chosen

        yield ports


@contextmanager
def ended(first: Ports) -> Iterator[None]:
    """That start is over, and no other program of this machine takes the port of its feed."""
    held = hold("127.0.0.1", first.feed)
    assert held is not None
    with held:
        first.release()
        yield


def test_the_feed_keeps_its_port_from_start_to_start(start: Start) -> None:
    first = start()
    with ended(first):
        assert start().feed == first.feed


def test_a_port_that_is_taken_is_refused_with_another_to_try(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServiceError, match=f"Port {port}.*--port {port + 1}"):
            start(port)


def test_the_feed_takes_another_port_when_its_own_is_taken(start: Start) -> None:
    first = start()
    with socket.create_server(("127.0.0.1", first.feed)):
        first.release()
        assert start().feed != first.feed


def test_a_port_that_was_half_written_is_forgotten(start: Start, tmp_path: Path) -> None:
    (tmp_path / "state" / "feed").mkdir(parents=True)
    for left in ("", "2300\n24", "99999"):
        (tmp_path / "state" / "feed" / "port").write_text(left)

        assert 1024 < start().feed < 65536


def test_a_part_does_not_take_the_port_of_another(start: Start, tmp_path: Path) -> None:
    first = start()
    (tmp_path / "state" / "batch" / "port").write_text(str(first.feed))

    with ended(first):
        again = start(first.feed)

    assert len({again.engine, again.feed, again.batch}) == 3
    assert again.engine == first.feed


def test_a_port_is_nobody_elses_before_its_part_listens(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    monkeypatch.setattr("random.sample", lambda span, count: [first.engine, first.feed, first.batch])

    with pytest.raises(ServiceError, match="No free port"):
        any_free("127.0.0.1")


def test_a_part_listens_at_the_port_that_is_held_for_it_again_and_again(start: Start) -> None:
    port = start().feed
    for _ in range(2):
        with (
            socket.create_server(("127.0.0.1", port)) as server,
            socket.create_connection(("127.0.0.1", port)) as client,
        ):
            accepted, _ = server.accept()
            accepted.close()  # first, so that this end waits in TIME_WAIT
            assert client.recv(1) == b""
