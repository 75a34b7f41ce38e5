"""From PUT to result: 200 photographs, one at a time, beside the model's own time for one of them."""

import base64
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import Row
from deepwhisk.cli.machine import Machine
from deepwhisk.objects.store import Store
from deepwhisk.objects.stores import open_store
from deepwhisk.project import Project
from deepwhisk.settings import State

ROOT = Path(__file__).parent.parent
UPLOADS = 200
PHOTOGRAPH = ROOT / "catalog" / "image-classification" / "example" / "coffee.jpg"


def measure() -> list[Row]:
    """Two starts of `up` on one state folder, then the uploads."""
    with TemporaryDirectory(prefix="deepwhisk-") as folder:
        state = State(Path(folder) / "state")
        first = _start_only(state)
        began = time.perf_counter()
        with _machine(state) as machine:
            second = time.perf_counter() - began
            uploads = _uploads(open_store(machine.store))
            alone = _model_alone(machine)
    p50, p99 = statistics.median(uploads), statistics.quantiles(uploads, n=100)[98]
    return [
        Row("`up` to ready, second time", f"{second:.2f} s", f"first, environments there: {first:.2f} s",
            f"{second / first:.2f}", "≤ 3 s", second <= 3),
        Row("PUT → result, p50", f"{p50:.1f} ms", f"one blocking call of the model: {alone:.1f} ms",
            f"{p50 / alone:.1f}", "≤ 40 ms", p50 <= 40),
        Row("PUT → result, p99", f"{p99:.1f} ms", f"one blocking call of the model: {alone:.1f} ms",
            f"{p99 / alone:.1f}", "≤ 150 ms", p99 <= 150),
    ]  # fmt: skip


@contextmanager
def _machine(state: State) -> Iterator[Machine]:
    with Machine(state, "127.0.0.1", 0, None) as machine:
        machine.start(Project.find(ROOT))
        yield machine


def _start_only(state: State) -> float:
    began = time.perf_counter()
    with _machine(state):
        return time.perf_counter() - began


def _uploads(store: Store) -> list[float]:
    """Milliseconds from the beginning of a PUT to the result's first sight; three to warm up."""
    body = PHOTOGRAPH.read_bytes()
    times = [_one(store, f"photo-{number:03}.jpg", body + b"%d" % number) for number in range(UPLOADS + 3)]
    return times[3:]


def _one(store: Store, key: str, body: bytes) -> float:
    began = time.perf_counter()
    store.put("uploads", key, body, content_type="image/jpeg")
    while not any(store.list("results", f"image-classification/{key}/")):
        time.sleep(0.001)
    return (time.perf_counter() - began) * 1000


def _model_alone(machine: Machine) -> float:
    """Milliseconds of one warm blocking call with the photograph in its payload, median of 50."""
    image = {"$bytes": base64.b64encode(PHOTOGRAPH.read_bytes()).decode(), "contentType": "image/jpeg"}
    times = []
    for _ in range(50):
        began = time.perf_counter()
        machine.whisk.invoke("models/image-classification", {"image": image}, result=True)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)
