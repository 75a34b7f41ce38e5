"""A training from its command to the version that answers, while everything it goes through is killed."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.batch.layout import BUCKET
from deepwhisk.batch.records import Records
from deepwhisk.errors import StoreError
from fixtures.machine import Machine, parents, run, start, until

pytestmark = [pytest.mark.xdist_group("trainings"), pytest.mark.timeout(900)]
SECONDS = 300.0
MODEL = '''"""Says how long it was trained."""

import time
from pathlib import Path


class Model:
    def load(self, artifact: Path | None) -> None:
        self.epochs = "0"
        if artifact is not None:
            self.epochs = (artifact / "epochs" if artifact.is_dir() else artifact).read_text()

    def predict(self, word: str = "") -> dict[str, str]:
        return {"epochs": self.epochs}

    def train(self, out: Path, gate: str, epochs: int = 3):
        with open(f"{gate}.begun", "a") as file:
            file.write("begun\\n")
        for epoch in range(epochs):
            while epoch and not Path(gate).exists():
                time.sleep(0.05)
            yield {"epoch": epoch + 1}
        (out / "epochs").write_text(str(epochs))
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one model that can be trained."""
    folder = tmp_path / "p"
    assert run("new", "project", str(folder)).returncode == 0
    (folder / "catalog" / "patient").mkdir()
    (folder / "catalog" / "patient" / "model.py").write_text(MODEL)
    (folder / "catalog" / "patient" / "ai4-metadata.yml").write_text("title: Patient\n")
    assert run("manifest", cwd=folder).returncode == 0
    return folder


@pytest.fixture
def starts(tmp_path: Path, project: Path) -> Iterator[Callable[[], Machine]]:
    """Start the machine, again if it was killed."""
    started: list[Machine] = []

    def begin() -> Machine:
        started.append(start(tmp_path, project=project))
        return started[-1]

    yield begin
    (tmp_path / "gate").touch()  # no run waits for it any more, whatever became of the test
    for machine in started:
        machine.stop()


def kill(machine: Machine, *parts: str) -> None:
    for part in parts:
        os.kill(machine.part(part), signal.SIGKILL)


def told(machine: Machine, uuid: str) -> dict[str, Any]:
    """What `trainings show` says, as soon as all that it needs is there again."""

    def look() -> dict[str, Any] | None:
        done = machine.tool("trainings", "show", uuid, "--json")
        return dict(json.loads(done.stdout)) if done.returncode == 0 else None

    found = until(look, SECONDS)
    assert found is not None
    return found


def answer(machine: Machine) -> str:
    done = machine.tool("predict", "patient", "-i", "word=x")
    return str(json.loads(done.stdout)["epochs"]) if done.returncode == 0 else done.stderr


def test_a_training_becomes_the_version_that_answers_though_every_part_is_killed_in_turn(
    starts: Callable[[], Machine], tmp_path: Path
) -> None:
    gate, machine = tmp_path / "gate", starts()
    done = machine.tool("train", "patient", "-i", f"gate={gate}", "-i", "epochs=3", "--json")
    assert done.returncode == 0, done.stderr
    uuid = str(json.loads(done.stdout)["uuid"])
    kill(machine, "batch", "engine")
    assert until(lambda: Path(f"{gate}.begun").exists(), SECONDS), told(machine, uuid)

    engine = machine.part("engine")
    os.killpg(machine.process.pid, signal.SIGKILL)  # the tool, and with it all parts
    machine.process.wait()
    assert until(lambda: engine not in parents())  # the next one gives it but a few seconds
    machine = starts()
    kill(machine, "store")
    gate.touch()

    def has_artifact() -> bool:
        try:
            listed = Records(machine.bucket_store(BUCKET)).listed().values()
        except StoreError:
            return False
        return any("artifact.zip" in names for one in listed for names in one.files().values())

    assert until(has_artifact, SECONDS)
    kill(machine, "feed", "engine", "batch")

    assert until(lambda: answer(machine) == "3", SECONDS), told(machine, uuid)
    # The action is told of a version before anything else is.
    found = until(lambda: now if (now := told(machine, uuid))["version"] else {}, SECONDS)
    assert found, told(machine, uuid)
    assert (found["state"], found["version"], found["attempt"]) == ("done", 1, 1)
    states = [entry["state"] for entry in found["history"]]
    assert (states[0], states[-1]) == ("submitted", "done")
    assert Path(f"{gate}.begun").read_text().splitlines() == ["begun"]
