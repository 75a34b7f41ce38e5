"""Looking at what was called, on a real engine."""

import json
import subprocess
import time
from pathlib import Path
from uuid import uuid4

import pytest

from deepwhisk.cli.activations import read_moment
from deepwhisk.whisk import Whisk
from fixtures.engine import TOOL, Engine, wait_until
from fixtures.machine import run

CODE = (
    "def main(args):\n    print('said', args.get('n'))\n"
    "    return {'error': 'no'} if args.get('fail') else {'n': args.get('n')}"
)


@pytest.fixture
def action(engine: Engine) -> str:
    """A new action that was called three times, the second time in vain."""
    name = f"looked-at-{uuid4().hex[:8]}"
    whisk = Whisk(engine.apihost, engine.auth)
    whisk.put("actions", name, {"exec": {"kind": "python:3", "code": CODE}})
    for number in range(3):
        whisk.request("POST", f"actions/{name}", {"n": number, "fail": number == 1}, blocking=False)
        wait_until(lambda count=number + 1: len(whisk.list("activations", limit=9, name=name)) == count)
    whisk.close()
    return name


def look(engine: Engine, *arguments: str) -> "subprocess.CompletedProcess[str]":
    done = run("activations", "--apihost", engine.apihost, "--auth", engine.auth, *arguments)
    assert done.returncode == 0, done.stderr
    return done


def test_the_newest_come_first_with_status_and_container(engine: Engine, action: str) -> None:
    lines = look(engine, "--name", action).stdout.splitlines()

    assert lines[0].split() == [
        "started",
        "status",
        "duration",
        "container",
        "memory",
        "action",
        "activation",
    ]
    assert ["application error" in line for line in lines[1:]] == [False, True, False]
    assert "forked" in lines[3]
    assert "warm" in lines[1]
    assert f"guest/{action}" in lines[1]


def test_json_is_what_the_server_lists(engine: Engine, action: str) -> None:
    found = json.loads(look(engine, "--name", action, "--limit", "2", "--json").stdout)

    assert [item["statusCode"] for item in found] == [0, 1]
    assert found[0]["usage"]["memoryPeak"] > 0


def test_only_failures_are_shown_to_whoever_asks_for_them(engine: Engine, action: str) -> None:
    found = json.loads(look(engine, "--name", action, "--failed", "--json").stdout)

    assert [item["statusCode"] for item in found] == [1]


def test_nothing_found_is_said(engine: Engine) -> None:
    assert look(engine, "--name", "nobody-calls-this").stdout == "No activations.\n"


def test_one_is_shown_with_result_and_logs(engine: Engine, action: str) -> None:
    [newest] = json.loads(look(engine, "--name", action, "--limit", "1", "--json").stdout)
    shown = look(engine, newest["activationId"]).stdout

    assert "success" in shown
    assert '"n": 2' in shown
    assert "stdout: said 2" in shown
    assert json.loads(look(engine, newest["activationId"], "--json").stdout)["response"]["result"] == {"n": 2}


def test_one_that_is_not_there_is_an_error(engine: Engine) -> None:
    done = run("activations", "--apihost", engine.apihost, "--auth", engine.auth, "0" * 32)

    assert done.returncode == 1
    assert "does not exist" in done.stderr


def test_following_shows_what_comes_and_ends_on_ctrl_c(engine: Engine, action: str, tmp_path: Path) -> None:
    whisk = Whisk(engine.apihost, engine.auth)
    command = [str(TOOL), "activations", "--follow", "--name", action]
    command += ["--apihost", engine.apihost, "--auth", engine.auth]
    said = tmp_path / "said"
    with said.open("w") as out:
        following = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 60
            while "said again" not in said.read_text() and time.monotonic() < end:
                whisk.invoke(action, {"n": "again"})  # until it looks, which is some time after its start
                time.sleep(0.2)
        finally:
            following.send_signal(2)
    code = following.wait(60)
    whisk.close()

    shown = said.read_text()
    assert f"guest/{action}" in shown
    assert "stdout: said again" in shown
    assert "said 0" not in shown  # that was before
    assert code == 130


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("10m", 400_000),
        ("2h", -6_200_000),
        ("1700000000000", 1_700_000_000_000),
        ("1970-01-01T00:00:02+00:00", 2000),
    ],
)
def test_a_moment_is_said_in_three_ways(text: str, moment: int) -> None:
    assert read_moment(text, 1000.0) == moment


def test_a_moment_that_is_none_is_a_usage_error_that_helps() -> None:
    done = run("activations", "--since", "yesterday")

    assert done.returncode == 2
    assert "say 10m" in done.stderr
