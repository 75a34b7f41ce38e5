"""`deepwhisk demo`: the main job from end to end, once, on real photographs, leaving nothing behind."""

import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import requests

from deepwhisk.cli import demo_training
from deepwhisk.cli.common import out
from deepwhisk.cli.containers import Containers
from deepwhisk.cli.interrupts import settling
from deepwhisk.cli.machine import Machine
from deepwhisk.cli.predict import argument, ask
from deepwhisk.errors import PredictionFailed
from deepwhisk.examples import Example, differences, read_examples
from deepwhisk.manifest import Origin, compose
from deepwhisk.objects.store import Store
from deepwhisk.objects.stores import open_store
from deepwhisk.project import MANIFEST, Model, Project
from deepwhisk.settings import State

MODEL = "image-classification"
UPLOADS, RESULTS = "uploads", "results"
WAIT_SECONDS = 60.0


@click.command()
@click.option("--training", is_flag=True, help="Retrain a model by a trigger, and promote what comes of it.")
def demo(training: bool) -> None:
    """See all of it work, once: from photographs to classes.

    Starts everything on free ports, puts photographs into a bucket and prints the classes that come out. Then
    asks the same model over HTTP and from the command line, and checks every answer against the expected
    one. With --training a trigger retrains a model, and the same photograph is answered by its new version.
    Exit code 1 when something is not as expected.
    """
    project = Project.find(Path.cwd())
    with tempfile.TemporaryDirectory(prefix="deepwhisk-demo-") as folder:
        with (
            Machine(State(Path(folder) / "state"), "127.0.0.1", 0, None, Containers()) as machine,
            settling(),
        ):
            if training:
                demo_training.show(machine, project)
                return
            model = project.model(MODEL)
            machine.start(project, only(project, model))
            wrong = _show_all(machine, model)
        if wrong:
            raise PredictionFailed("Not every answer is the expected one: " + "; ".join(wrong))
        out.print("Every answer is the expected one. Go on with [bold]deepwhisk up[/].")


def only(project: Project, model: Model) -> Origin:
    """The project with one model: the environments of the others would take minutes the first time."""
    return Origin(MANIFEST, project.folder, compose(replace(project, models=(model,))))


def _show_all(machine: Machine, model: Model) -> list[str]:
    """Show every way to the model; what is not as expected."""
    examples = read_examples(model.folder)
    store = open_store(machine.store)
    out.print(f"\nPhotographs put into the bucket [bold]{UPLOADS}[/], results from [bold]{RESULTS}[/]:")
    wrong = [sentence for example in examples for sentence in _by_bucket(store, example)]
    first = examples[0]
    out.print("\nThe same model as a web action, and from the command line:")
    wrong += differences(first, _by_web(machine, first))
    wrong += differences(first, _by_tool(machine, first))
    out.print()
    return wrong


def _by_bucket(store: Store, example: Example) -> list[str]:
    image = example.input["image"]
    began = time.perf_counter()
    store.put(UPLOADS, image.name, image.read_bytes(), content_type="image/jpeg")
    found = _await_result(store, image.name)
    milliseconds = (time.perf_counter() - began) * 1000
    label, probability = found["labels"][0], found["probabilities"][0]
    out.print(
        f"  {image.name:14} → {label:22} {probability:6.1%}   {milliseconds:5.0f} ms from PUT to result"
    )
    return differences(example, found)


def _await_result(store: Store, key: str) -> dict[str, Any]:
    """The model's answer in the result object of an upload. Raises PredictionFailed when none comes."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        for stored in store.list(RESULTS, f"{MODEL}/{key}/"):
            with store.get(RESULTS, stored.key) as body:
                return dict(json.loads(body.read())["result"])
        time.sleep(0.002)
    raise PredictionFailed(
        f"No result for {key} after {WAIT_SECONDS:.0f} s; see `deepwhisk status` and the logs."
    )


def _by_web(machine: Machine, example: Example) -> Any:
    url = f"{machine.running.apihost}/api/v1/web/guest/models/{MODEL}/v2/models/{MODEL}/predict/"
    image = example.input["image"]
    out.print(f"  curl -F image=@{image.name} {url}", markup=False)
    with image.open("rb") as body:
        response = requests.post(url, files={"image": (image.name, body, "image/jpeg")}, timeout=WAIT_SECONDS)
    if not response.ok:
        raise PredictionFailed(f"The web action answered {response.status_code}: {response.text[:500]}")
    answer = response.json()["predictions"]
    out.print(f"    {json.dumps(answer)}", markup=False)
    return answer


def _by_tool(machine: Machine, example: Example) -> Any:
    image = example.input["image"]
    out.print(f"  deepwhisk predict {MODEL} -i image=@{image.name}", markup=False)
    answer = ask(machine.whisk, MODEL, {"image": argument(machine.whisk, image)})
    out.print(f"    {json.dumps(answer)}", markup=False)
    return answer
