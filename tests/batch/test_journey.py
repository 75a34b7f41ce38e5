"""Trainings from request to end, and through deaths: real store, engine, service, runner and node."""

import base64
import io
import json
import os
import signal
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from deepwhisk.batch.layout import BUCKET, Place
from deepwhisk.batch.records import Records
from deepwhisk.batch.training import Training, now
from deepwhisk.cli.ports import any_free
from deepwhisk.objects.seaweed import Seaweed
from deepwhisk.objects.stores import open_store
from deepwhisk.whisk import Whisk
from fixtures import mortal
from fixtures.engine import Engine, wait_until

MODEL = '''"""Counts, tells a file that it began, and waits for another before it goes on."""

import time
from pathlib import Path


class Model:
    def predict(self, text: str) -> int:
        return len(text)

    def train(self, out: Path, marks: str, epochs: int = 3, gate: str = "/"):
        with open(marks, "a") as file:
            file.write("begun\\n")
        for epoch in range(epochs):
            time.sleep(0.1)
            while epoch == 1 and not Path(gate).exists():
                time.sleep(0.05)
            yield {"epoch": epoch + 1}
        (out / "count.txt").write_text(str(epochs))
'''


@dataclass
class House:
    """A store and an engine of one's own, and services that come and go."""

    seaweed: Seaweed
    whisk: Whisk
    folder: Path
    cache: Path
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    token: str = ""

    @property
    def records(self) -> Records:
        return Records(open_store(self.seaweed.settings))

    @property
    def marks(self) -> Path:
        """A line for each time that a training began on a node."""
        return self.folder / "marks"

    @property
    def gate(self) -> Path:
        """Trainings wait for this file after their first epoch."""
        return self.folder / "gate"

    def begun(self) -> int:
        return len(self.marks.read_text().splitlines()) if self.marks.exists() else 0

    def request(self, **arguments: Any) -> Place:
        """Write a request, as the action training/submit does."""
        place = Place("counting", uuid.uuid4().hex)
        asked = {"marks": str(self.marks), "gate": str(self.gate), **arguments}
        about = {"uuid": place.uuid, "kind": "train", "model": place.model, "arguments": asked}
        body = {**about, "date": now(), "by": "guest", "via": "cli", "promote": "by hand"}
        self.records.write(place.request, body, once=True)
        return place

    def service(self, point: str = "") -> str:
        """Start a service, to be killed at a point if one is named; its address."""
        state, port = self.folder / "state", any_free("127.0.0.1")
        tool = [sys.executable, "-c", "from deepwhisk.cli import main; main()"]
        command = [sys.executable, mortal.__file__, point] if point else tool
        settings = self.seaweed.settings
        told = {
            "DEEPWHISK_STORE_ENDPOINT": settings.endpoint,
            "DEEPWHISK_STORE_ACCESS_KEY": settings.access_key,
            "DEEPWHISK_STORE_SECRET_KEY": settings.secret_key,
            "DEEPWHISK_AUTH": self.whisk.auth,
            "DEEPWHISK_CACHE": str(self.cache),
        }
        command += ["batch", "--state", str(state), "--port", str(port), "--look", "0.2"]
        with (self.folder / "said").open("ab") as said:
            process = subprocess.Popen(
                [*command, "--apihost", self.whisk.apihost],
                env={**os.environ, **told},
                cwd=self.folder,
                stdout=said,
                stderr=said,
            )
        self.processes.append(process)
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: process.poll() is not None or self.answers(address))
        self.token = (state / "batch" / "token").read_text()
        return address

    def answers(self, address: str) -> bool:
        try:
            return bool(requests.get(f"{address}/health", timeout=5).json()["status"] == "ok")
        except (requests.RequestException, KeyError):
            return False

    def ask(self, method: str, url: str, body: Any = None) -> Any:
        shown = {"Authorization": f"Bearer {self.token}"}
        return requests.request(method, url, json=body, headers=shown, timeout=60).json()

    def dies(self) -> None:
        """Wait until the last service was killed."""
        assert self.processes[-1].wait(60) == -signal.SIGKILL, self.said

    def end_services(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def found(self, place: Place) -> Training:
        training = self.records.find(place)
        assert training is not None
        return training

    def ends(self, place: Place) -> Training:
        """The training once it has ended."""
        wait_until(lambda: self.found(place).phase.ended, 120)
        return self.found(place)

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text()


@pytest.fixture
def house(engine: Engine, environment_cache: Path, tmp_path: Path) -> Iterator[House]:
    whisk = Whisk(engine.apihost, engine.auth)
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("model.py", MODEL)
        code = base64.b64encode(file.getvalue()).decode()
    whisk.put("packages", "models", {})
    whisk.put("actions", "models/counting", {"exec": {"kind": "python:3", "code": code, "binary": True}})
    with ExitStack() as stack:
        seaweed = stack.enter_context(Seaweed(tmp_path / "store"))
        open_store(seaweed.settings, [BUCKET])
        made = House(seaweed, whisk, tmp_path, environment_cache)
        stack.callback(made.end_services)
        yield made


def states(training: Training) -> list[str]:
    return [entry.phase.value for entry in training.history]


def test_a_training_goes_on_though_the_service_is_killed_at_every_turn(house: House) -> None:
    place = house.request()
    address = house.service("submit")
    with pytest.raises(requests.RequestException):
        house.ask("POST", f"{address}/trainings/counting/{place.uuid}")
    house.dies()
    assert states(house.found(place)) == ["submitted"]

    house.service("running")
    house.dies()
    assert "running" not in states(house.found(place))

    house.service()
    wait_until(lambda: "running" in states(house.found(place)))
    house.processes[-1].send_signal(signal.SIGKILL)
    house.dies()
    house.gate.touch()
    house.service("done")
    house.dies()
    assert not house.found(place).phase.ended

    house.service()
    training = house.ends(place)
    assert states(training)[-2:] == ["running", "done"], house.said
    assert house.begun() == 1
    assert training.has("artifact.zip")
    lines = (house.records.bytes(place.attempt(1).metrics) or b"").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]


def test_the_store_may_be_away_while_a_run_writes_into_it(house: House) -> None:
    address = house.service()
    place = house.request()
    one = f"{address}/trainings/{place.uuid}"
    house.ask("POST", f"{address}/trainings/counting/{place.uuid}")
    wait_until(lambda: house.begun() == 1)

    house.seaweed.stop()
    house.gate.touch()
    assert "no object store answered" in house.ask("GET", one)["error"]
    house.seaweed.start()

    training = house.ends(place)
    assert states(training)[-1] == "done", house.said
    assert house.begun() == 1
    lines = (house.records.bytes(place.attempt(1).metrics) or b"").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]


def test_two_services_by_mistake_run_every_training_once(house: House) -> None:
    addresses = [house.service(), house.service()]
    house.gate.touch()
    places = [house.request(epochs=1) for _ in range(3)]
    for number, place in enumerate(places):
        for address in (addresses[number % 2], addresses[1 - number % 2]):
            house.ask("POST", f"{address}/trainings/counting/{place.uuid}")

    ended = [house.ends(place) for place in places]

    assert [training.phase.value for training in ended] == ["done"] * 3, house.said
    assert house.begun() == 3
    assert {training.attempt for training in ended} == {1}


def test_a_cancelled_run_ends_and_keeps_what_it_has_though_the_service_is_killed(house: House) -> None:
    address = house.service()
    place = house.request()
    house.ask("POST", f"{address}/trainings/counting/{place.uuid}")
    wait_until(lambda: house.ask("GET", f"{address}/trainings/{place.uuid}?metrics=0&wait=5")["metrics"])

    house.ask("POST", f"{address}/trainings/{place.uuid}/cancel", {"by": "me"})
    house.processes[-1].send_signal(signal.SIGKILL)
    house.dies()
    house.service()

    training = house.ends(place)
    assert training.phase.value == "cancelled"
    assert training.has("metrics.jsonl")
    assert not running_jobs(house.folder)


def running_jobs(folder: Path) -> list[str]:
    """Processes that work in a folder of ours."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in line and "deepwhisk.keeper.job" in line:
            found.append(line)
    return found
