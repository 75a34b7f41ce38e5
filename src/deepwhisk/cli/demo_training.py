"""`deepwhisk demo --training`: a trigger retrains a model, which answers the same photograph anew."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deepwhisk.cli.common import out
from deepwhisk.cli.machine import Machine
from deepwhisk.cli.plot import bar
from deepwhisk.cli.training_calls import Trainings, short
from deepwhisk.errors import PredictionFailed, TrainingRefused
from deepwhisk.examples import read_examples
from deepwhisk.manifest import Origin, compose
from deepwhisk.objects.store import Store
from deepwhisk.objects.stores import open_store
from deepwhisk.project import MANIFEST, Model, Project

MODEL, USUAL = "plankton", "image-classification"
EXAMPLE = "tripos"
ARGUMENTS = {"epochs": 60, "pause": 0.05}
UPLOADS, RESULTS = "uploads", "results"
WAIT_SECONDS = 120.0
BEGINNINGS = (1, 2, 3, 5)


def show(machine: Machine, project: Project) -> None:
    """Show it all on one machine. Raises what went wrong."""
    model = project.model(MODEL)
    machine.start(project, only(project, model))
    photograph = next(each.input["image"] for each in read_examples(model.folder) if each.name == EXAMPLE)
    Show(machine, Trainings(machine.whisk), open_store(machine.store), photograph).all()


def only(project: Project, model: Model) -> Origin:
    """The project with one model, which photographs in the bucket are for."""
    sequences = tuple(
        replace(each, settings=json.loads(json.dumps(each.settings).replace(USUAL, model.name)))
        for each in project.sequences
    )
    return Origin(MANIFEST, project.folder, compose(replace(project, models=(model,), sequences=sequences)))


@dataclass(frozen=True, slots=True)
class Show:
    """What is shown, step by step."""

    machine: Machine
    trainings: Trainings
    store: Store
    photograph: Path

    def all(self) -> None:
        """From the first answer over the training to the answer of what came of it, and back."""
        out.print(f"\nA photograph put into the bucket [bold]{UPLOADS}[/]:")
        before = self.answer("as it was deployed")
        uuid = self.fire()
        self.follow(uuid)
        version = self.promoted(uuid)
        out.print(f"\nThe same photograph put into the bucket [bold]{UPLOADS}[/]:")
        after = self.answer(f"version {version}")
        if after == before:
            raise PredictionFailed(
                f"The answer is that of before: {before}; version {version} does not serve."
            )
        out.print(f"\n  deepwhisk rollback {MODEL}", markup=False)
        self.trainings.ask("rollback", model=MODEL)
        if self.answer("as it was deployed") != before:
            raise PredictionFailed("After the rollback the answer is not that of before.")
        out.print("\nIt was retrained, promoted and rolled back. Go on with [bold]deepwhisk up[/].")

    def answer(self, who: str) -> dict[str, Any]:
        """What the model in the bucket says of the photograph."""
        key = f"{time.time_ns()}-{self.photograph.name}"
        self.store.put(UPLOADS, key, self.photograph.read_bytes(), content_type="image/jpeg")
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            for stored in self.store.list(RESULTS):
                if f"/{key}/" in stored.key:
                    with self.store.get(RESULTS, stored.key) as body:
                        return self.told(who, dict(json.loads(body.read())))
            time.sleep(0.02)
        raise PredictionFailed(f"No result for {key} after {WAIT_SECONDS:.0f} s; see `deepwhisk status`.")

    def told(self, who: str, stored: dict[str, Any]) -> dict[str, Any]:
        """The answer in a result, printed. Raises PredictionFailed for an error."""
        if "result" not in stored:
            raise PredictionFailed(f"The photograph was not classified: {json.dumps(stored)[:500]}")
        found = dict(stored["result"])
        label, probability = found["labels"][0], found["probabilities"][0]
        out.print(f"  {self.photograph.name} → {label} {probability:.1%}   ({who})", markup=False)
        return found

    def fire(self) -> str:
        """Fire the trigger; the UUID of the training that it began."""
        known = {each["uuid"] for each in self.trainings.all(100, model=MODEL)}
        words = " ".join(f"-p {name} {value}" for name, value in ARGUMENTS.items())
        out.print("\nIt is retrained by a trigger:")
        out.print(f"  wsk trigger fire train-{MODEL} {words}", markup=False)
        self.machine.whisk.fire(f"train-{MODEL}", dict(ARGUMENTS))
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            new = [each["uuid"] for each in self.trainings.all(100, model=MODEL) if each["uuid"] not in known]
            if new:
                return str(new[0])
            time.sleep(0.1)
        raise TrainingRefused(f"The trigger train-{MODEL} began no training in {WAIT_SECONDS:.0f} s.")

    def follow(self, uuid: str) -> None:
        """Show its accuracy as it rises. Raises TrainingRefused when it does not end well."""
        out.print(f"  deepwhisk trainings follow {short(uuid)}", markup=False)
        training: dict[str, Any] = {}
        for lines, training in self.trainings.news(uuid):  # noqa: B007 — the last of it is looked at
            for line in lines:
                self.epoch(line)
        if training.get("state") != "done":
            why = training.get("reason") or (training.get("result") or {}).get("message")
            raise TrainingRefused(f"The training ended as {training.get('state')}: {why}")
        out.print(f"  It ran on {training.get('node')} of the site {training.get('site')}.", markup=False)

    def epoch(self, line: dict[str, Any]) -> None:
        """A few of the first epochs, then every tenth."""
        epoch, accuracy = line["epoch"], line["validation_accuracy"]
        if epoch in BEGINNINGS or epoch % 10 == 0:
            out.print(
                f"    epoch {epoch:3}  {bar(accuracy)}  {accuracy:.1%} of what it never saw", markup=False
            )

    def promoted(self, uuid: str) -> int:
        """The version that the training became, once it serves."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            known = self.trainings.ask("versions", model=MODEL)
            for each in known["versions"]:
                if each["training"] == uuid and known["serving"] == each["version"]:
                    out.print(f"  It arrived, and was promoted: version {each['version']}.", markup=False)
                    return int(each["version"])
            time.sleep(0.1)
        state = {name: self.trainings.show(uuid).get(name) for name in ("state", "reason")}
        raise TrainingRefused(f"The training {short(uuid)} was not promoted: {state}.")
