"""`deepwhisk user` against a real engine, and against what is none."""

import json
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
import requests

from deepwhisk.settings import read_wskprops
from deepwhisk.whisk import Whisk
from fixtures.engine import ECHO, Engine, start_engine, stop_engine
from fixtures.machine import run


@pytest.fixture
def name() -> str:
    return f"user-{uuid4().hex[:8]}"


def ask(engine: Engine, *arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
    done = run("user", *arguments, DEEPWHISK_STATE=str(engine.state))
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def as_json(engine: Engine, *arguments: str) -> Any:
    return json.loads(ask(engine, *arguments, "--json").stdout)


def view(engine: Engine, auth: str) -> Whisk:
    return Whisk(engine.apihost, auth.strip())


def status(engine: Engine, auth: str) -> int:
    where = f"{engine.apihost}/api/v1/namespaces"
    user, _, key = auth.strip().partition(":")
    return requests.get(where, auth=(user, key), timeout=60).status_code


def test_a_new_users_key_is_all_that_is_printed(engine: Engine, name: str) -> None:
    done = ask(engine, "create", name)
    whisk = view(engine, done.stdout)
    whisk.put("actions", "a", {"exec": {"kind": "python:3", "code": ECHO}})

    assert whisk.namespace() == name
    assert whisk.invoke("a", {"x": 1}, result=True) == {"x": 1}
    assert f"{name} has the namespace {name}." in done.stderr
    assert "not shown again" in done.stderr
    whisk.close()


def test_a_key_can_go_to_a_file_instead(engine: Engine, name: str, tmp_path: Path) -> None:
    file = tmp_path / "ada.wskprops"
    done = ask(engine, "create", name, "--config", str(file))
    kept = read_wskprops(file)

    assert file.stat().st_mode & 0o777 == 0o600
    assert (kept["APIHOST"], kept["NAMESPACE"]) == (engine.apihost, name)
    assert status(engine, kept["AUTH"]) == 200
    assert kept["AUTH"].partition(":")[2] not in done.stdout + done.stderr


def test_programs_get_json(engine: Engine, name: str, tmp_path: Path) -> None:
    made = as_json(engine, "create", name, "--namespace", f"{name}-space")
    again = as_json(engine, "key", name, "--namespace", f"{name}-space", "--config", str(tmp_path / "w"))

    assert set(made) == {"subject", "namespace", "auth"}
    assert again == {"subject": name, "namespace": f"{name}-space", "config": str(tmp_path / "w")}


def test_the_list_has_users_and_no_keys(engine: Engine, name: str) -> None:
    auth = ask(engine, "create", name).stdout.strip()
    ask(engine, "create", name, "--namespace", f"{name}-2")
    ask(engine, "block", name)
    shown = ask(engine, "list").stdout
    row = next(line for line in shown.splitlines() if line.startswith(name))
    listed = next(each for each in as_json(engine, "list") if each["subject"] == name)

    assert row.split() == [name, f"{name},", f"{name}-2", "blocked"]
    assert listed["blocked"] is True
    assert listed["namespaces"][0] == {"name": name, "uuid": auth.partition(":")[0]}
    assert auth.partition(":")[2] not in shown + json.dumps(listed)


def test_a_user_is_shown_with_who_shares_and_what_there_is(engine: Engine, name: str) -> None:
    whisk = view(engine, ask(engine, "create", name).stdout)
    whisk.put("packages", "p", {})
    whisk.close()
    ask(engine, "create", f"{name}-2", "--namespace", name)

    assert f"{name}  {name}, {name}-2  packages: 1" in ask(engine, "get", name).stdout
    assert as_json(engine, "get", name)["namespaces"][0]["users"] == [name, f"{name}-2"]
    assert [each["subject"] for each in as_json(engine, "list", name)] == [name, f"{name}-2"]


def test_blocked_users_come_back_with_their_keys(engine: Engine, name: str) -> None:
    auth = ask(engine, "create", name).stdout
    ask(engine, "block", name)
    assert status(engine, auth) == 401
    ask(engine, "unblock", name)
    assert status(engine, auth) == 200


def test_a_new_key_opens_and_the_old_one_does_not(engine: Engine, name: str) -> None:
    old = ask(engine, "create", name).stdout
    new = ask(engine, "key", name).stdout

    assert (status(engine, old), status(engine, new)) == (401, 200)


def test_a_key_from_elsewhere_can_be_brought(engine: Engine, name: str) -> None:
    auth = f"{uuid4()}:{'k' * 64}"

    assert ask(engine, "create", name, "--key", auth).stdout == f"{auth}\n"
    assert status(engine, auth) == 200


def test_a_user_is_not_deleted_unasked(engine: Engine, name: str) -> None:
    whisk = view(engine, auth := ask(engine, "create", name).stdout)
    whisk.put("triggers", "t", {})
    whisk.close()
    refused = ask(engine, "delete", name, code=2)

    assert f"The namespace {name} goes, with triggers: 1." in refused.stderr
    assert "Nothing was deleted: say --yes" in refused.stderr
    assert status(engine, auth) == 200
    assert f"namespaces that went along: {name}" in ask(engine, "delete", name, "--yes").stderr
    assert status(engine, auth) == 401


def test_limits_are_shown_set_and_taken_back(engine: Engine, name: str) -> None:
    auth = ask(engine, "create", name).stdout
    set_now = as_json(engine, "limits", name, "firesPerMinute=3", "allowedKinds=python:3,sequence")
    table = ask(engine, "limits", name, "storeActivations=false").stdout

    assert set_now["set"] == {"firesPerMinute": 3, "allowedKinds": ["python:3", "sequence"]}
    assert view(engine, auth).request("GET", "limits")["firesPerMinute"] == 3
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines()}
    assert rows["firesPerMinute"] == ["3", "set"]
    assert rows["storeActivations"] == ["False", "set"]
    assert len(rows["maxActionMemory"]) == 1
    assert as_json(engine, "limits", name, "firesPerMinute=default")["set"].get("firesPerMinute") is None
    assert as_json(engine, "limits", name, "--reset", "maxActionLogs=1")["set"] == {"maxActionLogs": 1}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("limits", "guest", "firesPerMinute"), 2, "say firesPerMinute=VALUE"),
        (("limits", "guest", "fires=1"), 1, "there is no limit 'fires'; there are: allowedKinds"),
        (("limits", "guest", "firesPerMinute=-1"), 1, "must be a whole number from 0"),
        (("limits", "nobody"), 1, "There is no namespace 'nobody'."),
        (("block", "nobody"), 1, "There is no user 'nobody'."),
        (("create", "guest"), 1, "has a key to the namespace 'guest' already"),
        (("create", "x y "), 1, "illegal characters"),
        (("delete", "whisk.system", "--yes"), 1, "who alone can administer this engine"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    engine: Engine, arguments: tuple[str, ...], code: int, says: str
) -> None:
    assert says in ask(engine, *arguments, code=code).stderr


def test_another_key_is_told_which_one_it_takes(engine: Engine) -> None:
    done = ask(engine, "list", "--auth", engine.auth, code=1)

    assert f"This takes the key of whisk.system at {engine.apihost}: give it with --auth." in done.stderr


def test_without_an_engine_it_is_said_how_to_get_one(tmp_path: Path) -> None:
    done = run("user", "list", "--state", str(tmp_path))

    assert done.returncode == 2
    assert "Start one with `deepwhisk up`" in done.stderr


class Cluster(BaseHTTPRequestHandler):
    """Answers what is no route of its own, as the controller of OpenWhisk does and as a server before it."""

    def do_GET(self) -> None:
        kind, body = self.server.answers  # type: ignore[attr-defined]
        self.send_response(404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(
    params=[
        ("application/json", b'{"error":"The requested resource could not be found.","code":"x"}'),
        ("text/html", b"<html>404 Not Found</html>"),
    ],
    ids=["controller", "nginx"],
)
def cluster(request: pytest.FixtureRequest) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Cluster)
    server.answers = request.param  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_on_apache_openwhisk_it_names_the_tool_that_does_it(cluster: str) -> None:
    done = run("user", "list", "--apihost", cluster, "--auth", "u:k")

    assert done.returncode == 1
    assert f"{cluster} has no API for operators: on Apache OpenWhisk, `wskadmin` does this." in done.stderr


def test_an_engine_keeps_to_a_file_of_limits_also_after_a_restart(
    tmp_path: Path, environment_cache: Path, name: str
) -> None:
    file, state = tmp_path / "limits.yaml", tmp_path / "state"
    file.write_text(f"profile: openwhisk\nnamespaces:\n  {name}: {{firesPerMinute: 3, maxActionLogs: 2}}\n")
    shown: dict[str, Any] = {}
    for settings in (["maxActionLogs=5"], []):
        engine = start_engine(state, environment_cache, 0, "--limits", str(file))
        if settings:
            ask(engine, "create", name)
        shown = as_json(engine, "limits", name, *settings)["limits"]
        assert stop_engine(engine) == 0

    assert (shown["firesPerMinute"], shown["maxActionLogs"]) == (3, 5)
    assert shown["maxActionTimeout"] == 300_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("profile: x", "limits.yaml:1: profile must be machine or openwhisk, not 'x'."),
        (None, "nor is there such a file"),
    ],
)
def test_an_engine_does_not_start_with_limits_that_are_none(
    tmp_path: Path, text: str | None, says: str
) -> None:
    file = tmp_path / "limits.yaml"
    if text is not None:
        file.write_text(text)
    done = run("engine", "--limits", str(file), "--state", str(tmp_path / "state"), "--port", "0")

    assert done.returncode == 2
    assert says in done.stderr
