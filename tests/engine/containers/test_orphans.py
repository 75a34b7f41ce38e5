"""What an engine that was killed left behind."""

import os
import subprocess
from pathlib import Path

import pytest

from deepwhisk.engine.containers.orphans import MARK, claim_folder, end_marked
from fixtures.engine import wait_until
from fixtures.pool import marked


def test_folders_of_living_engines_stay(tmp_path: Path) -> None:
    first, lock = claim_folder(tmp_path)
    second, other = claim_folder(tmp_path)

    assert first.exists()
    assert second.exists()
    os.close(lock)
    os.close(other)


def test_a_folder_whose_engine_is_gone_is_removed(tmp_path: Path) -> None:
    left, lock = claim_folder(tmp_path)
    (left / "file").write_text("left")
    os.close(lock)

    now, lock = claim_folder(tmp_path)

    assert set(tmp_path.iterdir()) == {now}
    os.close(lock)


def test_what_belongs_to_somebody_else_stays(tmp_path: Path) -> None:
    (tmp_path / "deepwhisk-project").mkdir()
    (tmp_path / "lock").touch()
    _, lock = claim_folder(tmp_path)

    assert (tmp_path / "deepwhisk-project").exists()
    os.close(lock)


@pytest.mark.parametrize(("below", "ended"), [("", True), ("/zygote/1", True), ("2", False)])
def test_processes_are_known_by_the_folder_in_their_environment(
    tmp_path: Path, below: str, ended: bool
) -> None:
    with subprocess.Popen(["sleep", "60"], env={MARK: f"{tmp_path}{below}", "PATH": os.defpath}) as process:
        wait_until(lambda: process.pid in marked(str(tmp_path)))
        end_marked(str(tmp_path))
        status = process.wait() if ended else process.poll()
        process.kill()

    assert status == (-9 if ended else None)


def test_locks_that_cannot_be_opened_keep_nobody_from_starting(tmp_path: Path) -> None:
    for number, target in enumerate(("nowhere", "/etc/passwd", "deepwhisk-2/lock")):
        folder = tmp_path / f"deepwhisk-{number}"
        folder.mkdir()
        (folder / "lock").symlink_to(target)

    folder, lock = claim_folder(tmp_path)

    assert (tmp_path / "deepwhisk-1").exists()
    assert folder.exists()
    os.close(lock)
