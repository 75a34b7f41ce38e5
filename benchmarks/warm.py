"""Models of the catalog in one engine: what all of them take when warm, and a photograph by web action.

The environments are those of who runs this, made when they are not there.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from benchmarks import Row
from benchmarks.containers import zipped
from benchmarks.models import ROOT, payload
from benchmarks.running import Running
from benchmarks.wrk import wait_for_environment
from deepwhisk.keeper import memory
from deepwhisk.keeper.family import family
from deepwhisk.project import read_project
from deepwhisk.project.catalog import Model
from deepwhisk.whisk import Whisk

TEN = 10
COLD_STARTS, CALLS = 7, 60
PHOTOGRAPH = "image-classification"
BOUNDARY = "0" * 16


@dataclass(frozen=True)
class Machine:
    """A running engine."""

    running: Running
    whisk: Whisk
    client: HTTPConnection  # which stays open, as that of whoever asks more than once

    def put(self, model: Model, name: str) -> None:
        exec_ = {"kind": "python:3", "code": zipped(model.folder), "binary": True}
        limits = {"memory": model.memory, "timeout": model.timeout}
        annotations = [{"key": key, "value": True} for key in ("web-export", "raw-http")]
        self.whisk.put("actions", name, {"exec": exec_, "limits": limits, "annotations": annotations})

    def containers(self) -> list[int]:
        """The processes below the engine: zygotes and containers."""
        assert self.running.process is not None
        return family(self.running.process.pid)[1:]


def measure() -> list[Row]:
    models = {model.name: model for model in read_project(ROOT).models}
    with tempfile.TemporaryDirectory(prefix="b-") as folder:
        with machine(Path(folder) / "one") as engine:
            photograph = by_web_action(engine, models[PHOTOGRAPH])
        with machine(Path(folder) / "ten") as engine:
            return [photograph, together(engine, list(models.values())[:TEN])]


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    running = Running(folder)
    running.start()
    try:
        wait_for_environment(running.apihost)
        with closing(HTTPConnection(running.apihost.removeprefix("http://"), timeout=600)) as client:
            yield Machine(running, Whisk(running.apihost, running.auth), client)
    finally:
        running.stop()


def by_web_action(engine: Machine, model: Model) -> Row:
    """An upload over HTTP, through authentication, container and record, and its answer."""
    photograph = next((model.folder / "example").glob("*.jpg")).read_bytes()
    engine.put(model, "first")
    asked(engine, "first", photograph)  # its environment is made
    cold = []
    for number in range(COLD_STARTS):
        engine.put(model, f"cold{number}")
        cold.append(taken(lambda name=f"cold{number}": asked(engine, name, photograph)))
    warm = [taken(lambda: asked(engine, "first", photograph)) for _ in range(CALLS)]
    p50, first = statistics.median(warm), statistics.median(cold)
    size = f"{len(photograph) >> 10} KB; fastest {min(warm):.1f} / {min(cold):.0f} ms"
    return Row(
        f"catalog: {PHOTOGRAPH} by web action, warm / cold, p50", f"{p50:.1f} / {first:.0f} ms", size,
        f"{first / p50:.0f}×", "≤ 12 / ≤ 400 ms", p50 <= 12 and first <= 400,
    )  # fmt: skip


def taken(act: Callable[[], None]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


def asked(engine: Machine, name: str, photograph: bytes) -> None:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    body = head.encode() + photograph + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    engine.client.request("POST", f"/api/v1/web/guest/default/{name}/v2/models/{name}/predict/", body, kind)
    assert json.load(engine.client.getresponse())["status"] == "OK"


def together(engine: Machine, models: list[Model]) -> Row:
    """Ten containers, each of another model that has answered, and the zygotes that hold what they share."""
    for model in models:
        engine.put(model, model.name)
        engine.whisk.invoke(model.name, payload(model))
    pids = engine.containers()
    whole, resident = (of(pids) / (1 << 20) for of in (memory.proportional, memory.resident))
    return Row(
        f"catalog: memory of {TEN} warm models, shared pages counted once (sum of PSS)", f"{whole:,.0f} MB",
        f"resident, shared pages counted each time: {resident:,.0f} MB", f"{whole / resident:.2f}", "–", True,
    )  # fmt: skip
