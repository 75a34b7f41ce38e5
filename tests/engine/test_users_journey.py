"""Users on a real engine: keys that change under load, and namespaces that go while their actions run."""

import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests

from fixtures.engine import ECHO, Engine, start_engine, stop_engine, wait_until

SLEEPS = (
    "import os, pathlib, time\n\ndef main(args):\n"
    "    pathlib.Path(args['said']).write_text(str(os.getpid()))\n    time.sleep(60)\n    return {}\n"
)
KEY = (
    "import os\n\ndef main(args):\n"
    "    return {'key': os.environ['__OW_API_KEY'], 'said': args.get('said'), 'pid': os.getpid()}\n"
)


class User:
    """One who administers, or calls."""

    def __init__(self, engine: Engine, auth: str) -> None:
        self.engine = engine
        self.auth = auth

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        where = path if path.startswith("/") else f"/api/v1/namespaces/_/{path}"
        user, _, key = self.auth.partition(":")
        return requests.request(method, self.engine.apihost + where, json=body, auth=(user, key), timeout=60)

    def make(self, name: str, code: str, **annotations: Any) -> None:
        pairs = [{"key": key.replace("_", "-"), "value": value} for key, value in annotations.items()]
        body = {"exec": {"kind": "python:3", "code": code}, "annotations": pairs}
        assert self("PUT", f"actions/{name}?overwrite=true", body).status_code == 200


def a_user(engine: Engine, name: str) -> User:
    made = User(engine, engine.auth_system)("PUT", f"/admin/v1/users/{name}", {})
    return User(engine, made.json()["auth"])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_key_can_change_while_calls_run(engine: Engine) -> None:
    root, ada = User(engine, engine.auth_system), a_user(engine, "rotating")
    ada.make("k", KEY, provide_api_key=True)
    assert ada("POST", "actions/k?blocking=true").status_code == 200
    answers: Counter[int] = Counter()
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            caller = User(engine, ada.auth)
            status = caller("POST", "actions/k?blocking=true&result=true").status_code
            answers[status] += 1
            if status == 401:  # at most once a key: who asks with an old one is answered faster
                wait_until(lambda used=caller.auth: ada.auth != used)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for wanted in range(20, 101, 20):
            wait_until(lambda wanted=wanted: answers[200] > wanted)
            ada.auth = root("POST", "/admin/v1/users/rotating/key").json()["auth"]
    finally:
        stop.set()
    for thread in threads:
        thread.join()

    assert set(answers) <= {200, 401}
    assert answers[200] > answers[401]
    assert ada("POST", "actions/k?blocking=true&result=true").json()["key"] == ada.auth


def test_what_runs_for_a_deleted_namespace_is_ended(engine: Engine, tmp_path: Path) -> None:
    root, ada, said = User(engine, engine.auth_system), a_user(engine, "leaving"), tmp_path / "said"
    ada.make("s", SLEEPS)
    answers: list[requests.Response] = []
    waiting = threading.Thread(
        target=lambda: answers.append(ada("POST", "actions/s?blocking=true", {"said": str(said)}))
    )
    waiting.start()
    pid = int(wait_until(lambda: said.exists() and said.read_text()))
    assert alive(pid)
    began = time.monotonic()
    assert root("DELETE", "/admin/v1/users/leaving").json()["removed"] == ["leaving"]
    waiting.join()

    assert time.monotonic() - began < 30
    assert answers[0].status_code == 401
    wait_until(lambda: not alive(pid))


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "blocked"])
def test_what_was_accepted_runs_after_a_crash_for_all_but_the_deleted(
    tmp_path: Path, environment_cache: Path, deleted: bool
) -> None:
    engine = start_engine(tmp_path / "state", environment_cache)
    root, ada, said = User(engine, engine.auth_system), a_user(engine, "ada"), tmp_path / "said"
    ada.make("s", SLEEPS)
    assert ada("POST", "actions/s", {"said": str(said)}).status_code == 202
    wait_until(lambda: said.exists() and said.read_text())
    method, body = ("DELETE", None) if deleted else ("POST", {"blocked": True})
    assert root(method, "/admin/v1/users/ada", body).status_code == 200
    engine.process.kill()
    engine.process.wait()
    assert engine.process.stdout is not None
    engine.process.stdout.close()
    said.unlink()

    engine = start_engine(tmp_path / "state", environment_cache)
    ran = None if deleted else wait_until(lambda: said.exists() and said.read_text())
    guest = User(engine, engine.auth)
    guest.make("a", ECHO)
    assert guest("POST", "actions/a?blocking=true").status_code == 200
    assert said.exists() is not deleted
    assert stop_engine(engine) == 0
    wait_until(lambda: ran is None or not alive(int(ran)))
