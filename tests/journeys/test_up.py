"""`deepwhisk up` as a process: what it refuses, what it leaves behind, what survives a second start."""

import json
import socket
import stat
from pathlib import Path

from fixtures.machine import parents, run, start, until


def project(folder: Path) -> Path:
    """A project whose only model needs no package: quick to start."""
    done = run("new", "project", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


def test_up_ends_on_TERM_and_leaves_no_process(tmp_path: Path) -> None:
    machine = start(tmp_path, project=project(tmp_path / "p"))
    below = machine.processes()
    code = machine.stop()

    assert code == 0
    assert until(lambda: not below & parents().keys(), 5)


def test_up_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    machine = start(tmp_path, project=project(tmp_path / "p"))
    below = machine.processes()
    machine.process.kill()
    machine.process.wait()

    assert until(lambda: not below & parents().keys(), 10)


def test_keys_and_data_are_for_their_owner_only_and_stay_for_a_second_start(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    machine = start(tmp_path, project=folder)
    key = machine.state.wskprops.read_text()
    machine.store.put("uploads", "kept.txt", b"kept")
    machine.stop()
    again = start(tmp_path, project=folder)
    try:
        auth = [line for line in key.splitlines() if line.startswith("AUTH")]
        assert auth == [
            line for line in again.state.wskprops.read_text().splitlines() if line.startswith("AUTH")
        ]
        assert again.store.head("uploads", "kept.txt").size == 4
        for name in ("wskprops", "wskprops.system"):
            assert stat.S_IMODE((again.state.folder / name).stat().st_mode) == 0o600
    finally:
        again.stop()


def test_a_second_up_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    machine = start(tmp_path, project=project(tmp_path / "p"))
    try:
        second = machine.tool("up", "--port", "0")
        assert second.returncode == 1
        assert "already runs" in second.stderr
        assert "deepwhisk down" in second.stderr
    finally:
        machine.stop()


def test_a_busy_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("up", "--port", str(port), "--state", str(tmp_path / "state"))

    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "--port" in done.stderr


def test_a_broken_project_is_refused_before_anything_starts(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    (folder / "sequences" / "broken.yaml").parent.mkdir(exist_ok=True)
    (folder / "sequences" / "broken.yaml").write_text("actoins: models/x\n")
    process = None
    try:
        import os
        import subprocess

        from fixtures.machine import TOOL

        process = subprocess.run(
            [str(TOOL), "up", "--port", "0", "--state", str(tmp_path / "state")],
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        assert process is not None
    assert process.returncode == 1
    assert "broken.yaml" in process.stderr
    assert "actoins" in process.stderr


def test_detached_up_returns_when_ready_and_down_ends_it(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    done = run("up", "--detach", "--port", "0", "--state", state)
    try:
        assert done.returncode == 0, done.stderr
        status = json.loads(run("status", "--json", "--state", state).stdout)
        assert all(part["state"] == "up" for part in status["parts"])
    finally:
        ended = run("down", "--state", state)
    assert ended.returncode == 0, ended.stderr
    assert run("status", "--state", state).returncode == 1
