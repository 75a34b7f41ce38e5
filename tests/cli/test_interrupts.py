"""Ctrl-C: whatever a command is doing, it ends, says so, and leaves no process and no file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deepwhisk.settings import State
from fixtures.machine import ROOT, TOOL, descendants, is_ready, parents, run, until

PATIENCE = 60.0
FOREGROUND = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
os.execv(sys.argv[1], sys.argv[1:])
"""
HELD = "import sys, time\nif 'engine' in sys.orig_argv:\n    time.sleep(600)\n"
SLOW = '"""Slow."""\nimport pathlib, time\ndef predict(began: str) -> str:\n'
SLOW += "    pathlib.Path(began).touch()\n    time.sleep(600)\n    return began\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "p"
    assert run("new", "project", str(folder)).returncode == 0
    (folder / "catalog" / "slow").mkdir()
    (folder / "catalog" / "slow" / "model.py").write_text(SLOW)
    return folder


@pytest.fixture
def unready(tmp_path: Path) -> dict[str, str]:
    """Variables with which an engine never listens, so that `up` is starting at whatever moment one looks."""
    folder = tmp_path / "held"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HELD)
    return {"PYTHONPATH": str(folder)}


def begin(project: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """A command in the foreground, as a shell starts it; one in the background ignores Ctrl-C."""
    return subprocess.Popen(
        [sys.executable, "-c", FOREGROUND, str(TOOL), *arguments],
        cwd=project,
        env={**os.environ, "NO_COLOR": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def interrupted(process: "subprocess.Popen[str]", when: Callable[[], object]) -> tuple[int, str]:
    """The exit code and the words of a command that is interrupted twice, and has left no process."""
    until(lambda: when() or process.poll() is not None, PATIENCE)
    below = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE)
    assert until(lambda: not below & parents().keys())
    return process.returncode, said


def test_up_that_is_starting(project: Path, tmp_path: Path, unready: dict[str, str]) -> None:
    state = State(tmp_path / "state")
    process = begin(project, "up", "--port", "0", "--state", str(state.folder), **unready)

    code, said = interrupted(process, lambda: state.log("engine").exists())

    assert code == 130
    assert said.endswith("Interrupted.\n")
    assert not state.running.exists()


def test_up_that_was_ready_has_done_what_it_was_asked_for(project: Path, tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    process = begin(project, "up", "--port", "0", "--state", str(state.folder))

    code, said = interrupted(process, lambda: is_ready(state))

    assert code == 0
    assert said.endswith("Ended.\n")


def test_up_that_is_being_detached(project: Path, tmp_path: Path, unready: dict[str, str]) -> None:
    state = State(tmp_path / "state")
    process = begin(project, "up", "--detach", "--port", "0", "--state", str(state.folder), **unready)

    code, _ = interrupted(process, lambda: state.log("engine").exists())

    assert code == 130
    assert run("status", "--state", str(state.folder)).returncode == 1


def test_a_prediction_here(project: Path, tmp_path: Path) -> None:
    process = begin(project, "predict", "slow", "--local", "-i", f"began={tmp_path / 'began'}")

    code, said = interrupted(process, (tmp_path / "began").exists)

    assert (code, said.strip()) == (130, "Interrupted.")


def test_the_demo(tmp_path: Path) -> None:
    process = begin(ROOT, "demo", TMPDIR=str(tmp_path))

    code, said = interrupted(process, lambda: len(descendants(process.pid)) > 2)

    assert code == 130
    assert said.endswith("Interrupted.\n")
    assert not list(tmp_path.iterdir())
