"""An engine as a process: its first start, its end, and what survives both and `kill -9`."""

import base64
import json
import socket
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from deepwhisk.engine.kinds import PYTHON, Kinds
from fixtures.engine import ECHO, Engine, a_whisk, start_engine, stop_engine, wait_until
from fixtures.machine import run

SLEEPS = (
    "import time\n\ndef main(args):\n    time.sleep(args.get('for', 1))\n    return {'n': args.get('n')}\n"
)


class Client:
    """`guest` of a real engine, over plain HTTP."""

    def __init__(self, engine: Engine) -> None:
        self.base = f"{engine.apihost}/api/v1/namespaces/_"
        self.auth = tuple(engine.auth.split(":"))

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(method, f"{self.base}/{path}", json=body, auth=self.auth, timeout=60)

    def make(self, name: str, code: str = ECHO) -> None:
        body = {"exec": {"kind": "python:3", "code": code}}
        assert self("PUT", f"actions/{name}?overwrite=true", body).status_code == 200

    def record(self, activation_id: str) -> Any:
        def look() -> Any:
            answer = self("GET", f"activations/{activation_id}")
            return answer.json() if answer.status_code == 200 else None

        return wait_until(look)


class Restarting:
    """An engine that can be killed and started again on the same state."""

    def __init__(self, state: Path, cache: Path) -> None:
        self.state, self.cache = state, cache
        self.engine = start_engine(state, cache)

    @property
    def client(self) -> Client:
        return Client(self.engine)

    def kill(self) -> None:
        self.engine.process.kill()
        self.engine.process.wait()
        assert self.engine.process.stdout is not None
        self.engine.process.stdout.close()

    def start(self) -> None:
        self.engine = start_engine(self.state, self.cache)

    def crash(self) -> None:
        self.kill()
        self.start()


@pytest.fixture
def restarting(tmp_path: Path, environment_cache: Path) -> Iterator[Restarting]:
    restarting = Restarting(tmp_path / "state", environment_cache)
    yield restarting
    assert stop_engine(restarting.engine) == 0


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_writes_keys_for_the_owner_only(restarting: Restarting) -> None:
    engine = restarting.engine
    lines = (engine.state / "wskprops").read_text().splitlines()

    assert lines == [f"APIHOST={engine.apihost}", f"AUTH={engine.auth}", "NAMESPACE=guest"]
    assert "NAMESPACE=whisk.system" in (engine.state / "wskprops.system").read_text()
    assert engine.auth != engine.auth_system
    assert {mode(engine.state / name) for name in ("wskprops", "wskprops.system")} == {0o600}
    assert mode(engine.state) == mode(engine.state / "engine") == 0o700


def test_keys_and_entities_survive_a_crash(restarting: Restarting) -> None:
    client, keys = restarting.client, (restarting.engine.auth, restarting.engine.auth_system)
    client.make("a")
    client.make("gone")
    client("PUT", "packages/p", {"parameters": [{"key": "k", "value": None, "init": True}], "publish": True})
    client("PUT", "packages/b", {"binding": {"namespace": "_", "name": "p"}})
    client(
        "PUT", "actions/s", {"exec": {"kind": "sequence", "components": ["/_/a"]}, "limits": {"timeout": 500}}
    )
    client("PUT", "triggers/t", {})
    client("PUT", "rules/r", {"trigger": "/_/t", "action": "/_/a"})
    client("POST", "rules/r", {"status": "inactive"})
    client("DELETE", "actions/gone")
    paths = [
        "actions/a",
        "packages/p",
        "packages/b",
        "actions/s",
        "triggers/t",
        "rules/r",
        "actions",
        "rules",
    ]
    before = [client("GET", path).json() for path in paths]
    restarting.crash()

    assert [restarting.client("GET", path).json() for path in paths] == before
    assert (restarting.engine.auth, restarting.engine.auth_system) == keys
    assert restarting.client("GET", "actions/gone").status_code == 404


def test_a_blocking_call_that_was_answered_is_recorded_after_a_crash(restarting: Restarting) -> None:
    restarting.client.make("a")
    restarting.client("PUT", "actions/s", {"exec": {"kind": "sequence", "components": ["/_/a", "/_/a"]}})
    answers = [
        restarting.client("POST", f"actions/{name}?blocking=true", {"x": 1}).json() for name in ("a", "s")
    ]
    restarting.crash()

    for answer in answers:
        kept = restarting.client("GET", f"activations/{answer['activationId']}").json()
        assert kept == {**answer, "logs": kept["logs"]}
    assert [restarting.client.record(part)["cause"] for part in answers[1]["logs"]] == [
        answers[1]["activationId"]
    ] * 2


def test_an_accepted_call_runs_again_under_its_id_after_a_crash(restarting: Restarting) -> None:
    restarting.client.make("slow", SLEEPS)
    ids = [restarting.client("POST", "actions/slow", {"n": n}).json()["activationId"] for n in range(3)]
    timed_out = restarting.client("POST", "actions/slow?blocking=true&timeout=10", {"n": 3})
    assert timed_out.status_code == 202
    restarting.crash()

    records = [restarting.client.record(each) for each in (*ids, timed_out.json()["activationId"])]
    assert [record["response"]["result"] for record in records] == [{"n": n} for n in range(4)]
    assert restarting.client("GET", "activations?name=slow&count=true").json() == {"activations": 4}


def test_a_fire_is_accepted_whole_and_survives_a_crash(restarting: Restarting) -> None:
    client = restarting.client
    client.make("slow", SLEEPS)
    client("PUT", "triggers/t", {})
    for rule in ("r1", "r2"):
        client("PUT", f"rules/{rule}", {"trigger": "/_/t", "action": "/_/slow"})
    fired = client("POST", "triggers/t", {"n": 7}).json()["activationId"]
    restarting.crash()

    lines = [json.loads(line) for line in restarting.client("GET", f"activations/{fired}").json()["logs"]]
    assert len(lines) == 2
    for line in lines:
        assert restarting.client.record(line["activationId"])["response"]["result"] == {"n": 7}


def test_an_accepted_call_whose_action_has_gone_is_recorded_as_lost(restarting: Restarting) -> None:
    restarting.client.make("slow", SLEEPS)
    accepted = restarting.client("POST", "actions/slow", {"for": 30}).json()["activationId"]
    restarting.client("DELETE", "actions/slow")
    restarting.crash()

    response = restarting.client.record(accepted)["response"]
    assert response["result"] == {"error": "The requested resource does not exist."}


def test_nothing_acknowledged_is_lost_when_killed_under_load(restarting: Restarting) -> None:
    restarting.client.make("a")
    told: list[str] = []

    def call(client: Client, query: str) -> None:
        while True:
            try:
                told.append(client("POST", f"actions/a{query}", {}).json()["activationId"])
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                return

    callers = [
        threading.Thread(target=call, args=(restarting.client, query)) for query in ("", "?blocking=true") * 2
    ]
    for caller in callers:
        caller.start()
    wait_until(lambda: len(told) > 100)
    restarting.kill()
    for caller in callers:
        caller.join()
    restarting.start()

    assert len(set(told)) == len(told)
    assert all(restarting.client.record(each)["response"]["success"] for each in told)


def test_a_second_engine_on_the_same_state_is_refused(restarting: Restarting) -> None:
    other = run("engine", "--state", str(restarting.state), "--port", "0")

    assert other.returncode == 1
    assert f"another engine works in {restarting.state}/engine" in other.stderr


def test_a_busy_port_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        engine = run("engine", "--state", str(tmp_path / "state"), "--port", port)

    assert engine.returncode == 1
    assert f"cannot listen on port {port} of 127.0.0.1 (Address already in use)" in engine.stderr


def test_a_database_of_a_newer_engine_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    with sqlite3.connect(tmp_path / "engine" / "whisk.db") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    engine = run("engine", "--state", str(tmp_path), "--port", "0")

    assert engine.returncode == 1
    assert "was written by a newer deepwhisk (format 99" in engine.stderr


def test_keys_are_not_logged(restarting: Restarting) -> None:
    restarting.client.make("a")
    restarting.client("POST", "actions/a?blocking=true", {})
    said = restarting.state.with_suffix(".log").read_text()

    assert "listening on" in said
    for credentials in (restarting.engine.auth, restarting.engine.auth_system):
        assert credentials.partition(":")[2] not in said
        assert base64.b64encode(credentials.encode()).decode() not in said


async def test_the_latest_actions_are_prepared_at_the_start(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state") as whisk:
        for number in range(10):
            await whisk.api.make(f"a{number}")
        await whisk.api.put("actions/s", {"exec": {"kind": "sequence", "components": ["/_/a0"]}})
    async with a_whisk(tmp_path / "state") as whisk:
        assert [each.key[1] for each in whisk.pool.prepared] == [
            f"guest/a{number}" for number in range(9, 1, -1)
        ]
        assert await whisk.api.result("a0", {"x": 1}) == {"x": 1}


async def test_an_action_of_a_kind_that_has_gone_can_be_read_and_deleted(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state") as whisk:
        await whisk.api.make("old", exec={"kind": "python:3.11"})
    async with a_whisk(tmp_path / "state", kinds=Kinds({PYTHON: PYTHON})) as whisk:
        answer = await whisk.api("POST", "actions/old")
        assert whisk.pool.prepared == []
        assert (await whisk.api("GET", "actions/old")).status == 200
        assert (await whisk.api("DELETE", "actions/old")).status == 200

    assert (answer.status, answer.error) == (
        400,
        "The 'python:3.11' runtime is no longer supported. "
        "You may read and delete but not update or invoke this action.",
    )
