"""Lines for people, objects for programs."""

import json
import logging
from pathlib import Path

import pytest

from deepwhisk.cli.logs import JsonLines
from deepwhisk.whisk import Whisk
from fixtures.engine import Engine, start_engine, stop_engine, wait_until


def test_a_line_of_json_says_what_it_is_about() -> None:
    about = {"activation": "a" * 32, "other": "not for the log"}
    record = logging.makeLogRecord(
        {"name": "deepwhisk.engine", "levelname": "INFO", "msg": "%s is ö", "args": ("a",), **about}
    )
    shown = json.loads(JsonLines().format(record))

    assert shown.pop("time").endswith("+00:00")
    assert shown == {
        "level": "info",
        "logger": "deepwhisk.engine",
        "message": "a is ö",
        "activation": "a" * 32,
    }


def test_an_error_keeps_its_traceback_in_one_line() -> None:
    try:
        raise ValueError("not\ngood")
    except ValueError as error:
        record = logging.makeLogRecord(
            {"msg": "failed", "exc_info": (ValueError, error, error.__traceback__)}
        )
    line = JsonLines().format(record)

    assert "\n" not in line
    assert "ValueError: not\ngood" in json.loads(line)["error"]


def lines(engine: Engine) -> list[dict[str, object]]:
    return [json.loads(line) for line in engine.state.with_suffix(".log").read_text().splitlines()]


@pytest.mark.parametrize("level", ["info", "debug"])
def test_the_engine_logs_activations(tmp_path: Path, environment_cache: Path, level: str) -> None:
    engine = start_engine(
        tmp_path / "state", environment_cache, 0, "--log-format", "json", "--log-level", level
    )
    whisk = Whisk(engine.apihost, engine.auth)
    try:
        for name, code in (("good", "def main(a):\n    return {}"), ("bad", "def main(a):\n    return 7")):
            whisk.put("actions", name, {"exec": {"kind": "python:3", "code": code}})
            whisk.request("POST", f"actions/{name}", {}, blocking=False)
            wait_until(lambda name=name: whisk.list("activations", limit=1, name=name))
    finally:
        whisk.close()
        assert stop_engine(engine) == 0

    told = {line["action"]: line for line in lines(engine) if "activation" in line and "action" in line}
    assert set(told) == ({"guest/bad"} if level == "info" else {"guest/bad", "guest/good"})
    assert told["guest/bad"]["status"] == "action developer error"
    assert told["guest/bad"]["level"] == "warning"
    assert any(line.get("method") == "PUT" for line in lines(engine)) == (level == "debug")


def test_a_client_can_have_its_request_logged(tmp_path: Path, environment_cache: Path) -> None:
    engine = start_engine(tmp_path / "state", environment_cache, 0, "--log-format", "json")
    whisk = Whisk(engine.apihost, engine.auth)
    try:
        whisk.namespace()
        whisk._session().headers["X-OW-EXTRA-LOGGING"] = "on"
        whisk.request("GET", "actions", limit=1)
    finally:
        whisk.close()
        assert stop_engine(engine) == 0

    [told] = [line for line in lines(engine) if "path" in line]
    assert told["path"] == "/api/v1/namespaces/_/actions"
    assert told["status"] == 200
