"""What a running `up` says of itself."""

import fcntl
from dataclasses import replace
from pathlib import Path

from deepwhisk.cli.running import Running
from deepwhisk.settings import State

SAYS = Running(
    1,
    "http://127.0.0.1:3233",
    "http://127.0.0.1:1",
    "http://127.0.0.1:2",
    "http://127.0.0.1:3",
    "10.0.0.1",
    ready=False,
)


def test_an_up_that_died_does_not_run(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.lock.touch()
    SAYS.write(state)

    assert Running.read(state) is None


def test_an_up_that_holds_its_lock_is_found(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        SAYS.write(state)

        assert Running.read(state) == SAYS


def test_half_a_file_is_nothing(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state.running.write_text('{"pid": 1')

        assert Running.read(state) is None


def test_containers_find_what_listens_on_the_loopback_elsewhere() -> None:
    assert SAYS.within("http://127.0.0.1:2/hooks?a=b") == "http://10.0.0.1:2/hooks?a=b"
    assert SAYS.within("http://localhost") == "http://10.0.0.1"
    assert SAYS.within("http://[::1]:2") == "http://10.0.0.1:2"
    assert SAYS.within("http://127.0.0.2:2") == "http://10.0.0.1:2"
    assert SAYS.within("https://s3.example.org") == "https://s3.example.org"


def test_containers_that_have_the_machines_loopback_are_told_nothing_else() -> None:
    same = replace(SAYS, inside=None)
    for url in ("http://127.0.0.1:2", "http://localhost:9000", "http://[::1]:9000"):
        assert same.within(url) == url
