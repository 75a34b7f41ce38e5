"""The end of an engine: whom it waits for, and who waits for it."""

import contextlib
import glob
import os
import signal
import threading
from pathlib import Path
from typing import Any

import requests

from fixtures.engine import Engine, await_call, await_end, start_engine, stop_engine, wait_until

WAITS = (
    "import pathlib, time\n\ndef main(args):\n"
    "    while not pathlib.Path(args['gate']).exists():\n        time.sleep(0.02)\n    return {}\n"
)


def ask(engine: Engine, method: str, path: str, body: Any = None) -> int:
    """The status of an answer to `guest`."""
    url, auth = f"{engine.apihost}/api/v1/namespaces/_/{path}", tuple(engine.auth.split(":"))
    return requests.request(method, url, json=body, auth=auth, timeout=60).status_code


def test_it_ends_on_sigterm_and_lets_a_waiting_call_finish(tmp_path: Path, environment_cache: Path) -> None:
    engine = start_engine(tmp_path / "state", environment_cache)
    said, gate, answers = engine.state.with_suffix(".log"), tmp_path / "gate", list[int]()
    assert ask(engine, "PUT", "actions/waits", {"exec": {"kind": "python:3", "code": WAITS}}) == 200
    asked = engine, "POST", "actions/waits?blocking=true&result=true", {"gate": str(gate)}
    caller = threading.Thread(target=lambda: answers.append(ask(*asked)))
    caller.start()
    await_call(engine.apihost)
    engine.process.terminate()
    wait_until(lambda: said.read_text().rstrip().endswith("ending"))
    gate.touch()
    assert await_end(engine) == 0
    caller.join()

    assert answers == [200]
    assert not list((tmp_path / "state" / "engine").glob("whisk.db-wal"))


def opened(file: Path) -> int:
    """How often processes of this machine have FILE open."""
    number = 0
    for descriptor in glob.glob("/proc/[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            number += os.readlink(descriptor) == str(file)
    return number


def test_one_that_is_still_ending_is_waited_for(tmp_path: Path, environment_cache: Path) -> None:
    first = start_engine(tmp_path / "state", environment_cache)
    first.process.send_signal(signal.SIGSTOP)
    first.process.terminate()

    def go_on_when_it_is_waited_for() -> None:
        try:
            wait_until(lambda: opened(tmp_path / "state" / "engine" / "lock") > 1)
        finally:
            first.process.send_signal(signal.SIGCONT)

    going_on = threading.Thread(target=go_on_when_it_is_waited_for)
    going_on.start()
    second = start_engine(tmp_path / "state", environment_cache)

    going_on.join()
    assert ask(second, "GET", "actions") == 200
    assert (await_end(first), stop_engine(second)) == (0, 0)
