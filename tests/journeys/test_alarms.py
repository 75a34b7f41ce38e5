"""Alarms on a whole machine: declared in a project or a manifest, deployed, fired, killed, shown."""

import os
import signal
from pathlib import Path

from fixtures.machine import Machine, run, started, until

ACTION = '''"""Actions of a test."""

from typing import Any


def seen(args: dict[str, Any]) -> dict[str, Any]:
    """Tells what it got."""
    return {"got": args.get("word")}
'''
TRIGGER = """
feed: /whisk.system/alarms/alarm
inputs:
  cron: "* * * * * *"
  trigger_payload: {word: tick}
rules:
  often: notes/seen
"""
MANIFEST = """
packages:
  default:
    actions:
      plain: {code: "def main(args): return {}", runtime: "python:default"}
    triggers:
      yearly:
        source: /whisk.system/alarms/alarm
        inputs: {cron: "0 0 1 1 *", timezone: Europe/Madrid, trigger_payload: '{"a": 1}'}
      later:
        feed: /whisk.system/alarms/once
        inputs: {date: 2099-12-25T12:30:00.000Z, deleteAfterFire: rules}
      seldom:
        feed: /whisk.system/alarms/interval
        inputs: {minutes: 600}
    rules:
      on-yearly: {trigger: yearly, action: plain}
"""


def project(folder: Path) -> Path:
    """A project without a model, whose trigger fires every second."""
    done = run("new", "project", str(folder))
    assert done.returncode == 0, done.stderr
    (folder / "actions").mkdir(exist_ok=True)
    (folder / "triggers").mkdir(exist_ok=True)
    (folder / "actions" / "notes.py").write_text(ACTION)
    (folder / "triggers" / "ticks.yaml").write_text(TRIGGER)
    assert run("manifest", cwd=folder).returncode == 0
    return folder


def fires(machine: Machine) -> int:
    return len(machine.whisk.list("activations", name="ticks"))


def status(machine: Machine) -> str:
    """What `status` says, once the feed answers it."""
    return until(lambda: said if "guest/ticks" in (said := machine.tool("status").stdout) else "")


def test_alarms_are_declared_deployed_fired_killed_and_shown(tmp_path: Path) -> None:
    with started(tmp_path, project(tmp_path / "p")) as machine:
        assert until(lambda: fires(machine) >= 2)
        seen = until(lambda: machine.whisk.list("activations", name="notes/seen"))
        assert machine.whisk.activation(seen[0]["activationId"])["response"]["result"] == {"got": "tick"}

        os.kill(machine.part("feed"), signal.SIGKILL)
        assert "guest/ticks at * * * * * * UTC, next " in status(machine)
        before = fires(machine)
        assert until(lambda: fires(machine) >= before + 2)

        _deploy_a_manifest_of_old(machine, tmp_path / "old")


def _deploy_a_manifest_of_old(machine: Machine, folder: Path) -> None:
    """With both spellings, as wskdeploy takes it; a second deployment changes nothing."""
    folder.mkdir()
    (folder / "manifest.yaml").write_text(MANIFEST)
    done = run("deploy", "-m", str(folder / "manifest.yaml"), DEEPWHISK_STATE=str(machine.state.folder))
    assert done.returncode == 0, done.stderr
    said = status(machine)
    assert "guest/yearly at 0 0 1 1 * Europe/Madrid, next 20" in said
    assert "guest/later at once at 2099-12-25T12:30:00.000Z, next 2099-12-25T12:30:00.000Z" in said
    assert "guest/seldom at every 600 min, next 20" in said
    again = run(
        "deploy", "-m", str(folder / "manifest.yaml"), "--dry-run", DEEPWHISK_STATE=str(machine.state.folder)
    )
    assert "yearly" not in again.stdout, again.stdout
