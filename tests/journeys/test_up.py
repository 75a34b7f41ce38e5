"""`deepwhisk up` as a process: what it refuses, what it leaves behind, what survives a second start."""

import json
import socket
import stat
from pathlib import Path

import pytest

from deepwhisk.objects.store import StoreSettings
from fixtures.machine import parents, run, started, until


def project(folder: Path) -> Path:
    """A project whose only model needs no package: quick to start."""
    done = run("new", "project", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


def auth(wskprops: Path) -> list[str]:
    return [line for line in wskprops.read_text().splitlines() if line.startswith("AUTH=")]


def parts(state: str) -> list[str]:
    """How they are; one that does not answer at once is taken to be down."""
    status = json.loads(run("status", "--json", "--state", state).stdout)
    return [part["state"] for part in status["parts"]]


def test_up_ends_on_TERM_and_leaves_no_process(tmp_path: Path) -> None:
    with started(tmp_path, project(tmp_path / "p")) as machine:
        below = machine.processes()
        code = machine.stop()

    assert code == 0
    assert below
    assert until(lambda: not below & parents().keys())


def test_up_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    with started(tmp_path, project(tmp_path / "p")) as machine:
        below = machine.processes()
        machine.process.kill()
        machine.process.wait()

    assert until(lambda: not below & parents().keys())


def test_keys_and_data_are_for_their_owner_only_and_stay_for_a_second_start(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    with started(tmp_path, folder) as machine:
        before = auth(machine.state.wskprops)
        machine.bucket_store("kept").put("kept", "kept.txt", b"kept")
    with started(tmp_path, folder) as machine:
        assert before == auth(machine.state.wskprops)
        assert machine.store.head("kept", "kept.txt").size == 4
        for name in ("wskprops", "wskprops.system"):
            assert stat.S_IMODE((machine.state.folder / name).stat().st_mode) == 0o600


def test_a_second_up_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with started(tmp_path, project(tmp_path / "p")) as machine:
        second = machine.tool("up", "--port", "0")

    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert "deepwhisk down" in second.stderr


def test_a_busy_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("up", "--port", str(port), "--state", str(tmp_path / "state"))

    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "--port" in done.stderr


def test_a_broken_project_is_refused_before_anything_starts(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    (folder / "sequences").mkdir(exist_ok=True)
    (folder / "sequences" / "broken.yaml").write_text("actoins: models/x\n")

    done = run("up", "--port", "0", "--state", str(tmp_path / "state"), cwd=folder)

    assert done.returncode == 1
    assert "broken.yaml" in done.stderr
    assert "actoins" in done.stderr
    assert not (tmp_path / "state").exists()


def test_detached_up_returns_when_ready_and_down_ends_it(tmp_path: Path) -> None:
    folder, state = project(tmp_path / "p"), str(tmp_path / "state")
    done = run("up", "--detach", "--port", "0", "--state", state, cwd=folder)
    try:
        assert done.returncode == 0, done.stderr
        assert until(lambda: set(parts(state)) == {"up"}), parts(state)
    finally:
        ended = run("down", "--state", state)
    assert ended.returncode == 0, ended.stderr
    assert run("status", "--state", state).returncode == 1


def test_up_on_another_store_takes_its_keys_from_the_environment(
    tmp_path: Path, store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPWHISK_STORE_ENDPOINT", store_settings.endpoint)
    monkeypatch.setenv("DEEPWHISK_STORE_ACCESS_KEY", store_settings.access_key)
    monkeypatch.setenv("DEEPWHISK_STORE_SECRET_KEY", store_settings.secret_key)

    with started(tmp_path, project(tmp_path / "p")) as machine:
        assert machine.running.store == store_settings.endpoint
        assert not (machine.state.folder / "store").exists()
        link = machine.whisk.invoke(
            "objects/link", {"name": "a.txt", "contentType": "text/plain"}, result=True
        )
        hinted = until(lambda: "/hooks/minio" in machine.said.read_text())
        said = machine.said.read_text()

    assert link["put"]["url"].startswith(store_settings.endpoint)
    assert hinted
    assert store_settings.secret_key not in said
