"""Trainings: from a request to the queue, from a metric to who follows, from an artifact to the answer.

All through OpenWhisk, as users do it, on a machine with a real Slurm, reached by sbatch, ssh and REST.
The queue's rows need Slurm (see .ci/run) and root, and are left out with a word where those are not.
"""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import Row
from benchmarks.pipeline import parts
from deepwhisk.cli.running import Running
from deepwhisk.cli.training_calls import OVER, Trainings
from deepwhisk.errors import ObjectMissing
from deepwhisk.objects.store import Store
from deepwhisk.settings import State
from deepwhisk.whisk import Whisk

ROOT = Path(__file__).parent.parent
TOOL = Path(sys.executable).with_name("deepwhisk")
WARM_UP, REQUESTS, ARRIVALS, EPOCHS = 3, 20, 6, 15
BUCKET = "deepwhisk-trainings"
MODEL = '''"""Counts."""

import time
from collections.abc import Iterator
from pathlib import Path


class Model:
    def load(self, artifact: Path | None = None) -> None:
        self.counted = int((artifact / "counted").read_text()) if artifact else 0

    def predict(self) -> dict[str, int]:
        return {"counted": self.counted}

    def train(self, out: Path, to: int = 1, pause: float = 0) -> Iterator[dict[str, int]]:
        for epoch in range(to):
            yield {"epoch": epoch}
            time.sleep(pause)
        (out / "counted").write_text(str(to))
'''
METADATA = "title: Counts\nresources:\n  training: {cpu: 1, memory_MB: 300}\n"
BARS = {"here": ("sbatch", 100), "ssh": ("ssh, one kept connection", 150), "rest": ("slurmrestd", 100)}


def measure() -> list[Row]:
    """One machine for all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="deepwhisk-")))
        slurm = stack.enter_context(a_slurm())
        project(folder / "project", slurm)
        state = State(folder / "state")
        stack.enter_context(up(folder / "project", state))
        store, whisk = parts(state)
        whisk.invoke("models/counts", {}, result=True)
        rows = [followed(whisk), answered(store, whisk)]
        return [*(queued(whisk, slurm) if slurm else []), *rows]


@contextmanager
def a_slurm() -> Iterator[Any]:
    """The cluster that tests use, or None where it cannot be."""
    sys.path.insert(0, str(ROOT / "tests"))
    from shutil import which  # noqa: PLC0415

    from fixtures.slurm import ADVICE, PROGRAMS, SEARCH, started  # noqa: PLC0415 — of the tests

    if os.getuid() != 0 or not all(which(program, path=SEARCH) for program in PROGRAMS):
        print(f"what is about Slurm is left out: it {ADVICE}", file=sys.stderr)
        yield None
        return
    with started() as slurm:
        yield slurm


def project(folder: Path, slurm: Any) -> None:
    """A project with a model that counts, and its sites."""
    subprocess.run([TOOL, "new", "project", folder], check=True, capture_output=True)
    model = folder / "catalog" / "counts"
    model.mkdir()
    (model / "model.py").write_text(MODEL)
    (model / "ai4-metadata.yml").write_text(METADATA)
    subprocess.run([TOOL, "manifest"], cwd=folder, check=True, capture_output=True)
    sites = {"local": "local:"}
    if slurm:
        sites |= {"here": slurm.here_url(), "ssh": slurm.login_url(), "rest": slurm.rest_url()}
    lines = [f'  {name}:\n    runner: "{url}"\n' for name, url in sites.items()]
    (folder / "sites.yaml").write_text("sites:\n" + "".join(lines))


@contextmanager
def up(folder: Path, state: State) -> Iterator[None]:
    """A running `deepwhisk up` of a project."""
    command = [TOOL, "up", "--port", "0", "--state", state.folder]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        while not ((running := Running.read(state)) and running.ready):
            if process.poll() is not None:
                sys.exit(f"`deepwhisk up` ended with exit {process.returncode}")
            time.sleep(0.05)
        yield
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait()


def queued(whisk: Whisk, slurm: Any) -> list[Row]:
    """From the call of training/submit to its answer, which is the job in the queue; nodes are kept busy."""
    slurm.command("sbatch", "--exclusive", "--output=/dev/null", "--wrap=sleep 3000")
    bare = statistics.median(timed(lambda: slurm.command("sbatch", "--output=/dev/null", "--wrap=true"), 5))
    rows = []
    for site, (way, bar) in BARS.items():
        times = [submitted(whisk, site) for _ in range(WARM_UP + REQUESTS)][WARM_UP:]
        p50 = statistics.median(times)
        ours, beside = f"{p50:.0f} ms (worst {max(times):.0f})", f"`sbatch` alone: {bare:.0f} ms"
        rows.append(
            Row(f"training: request → job in the queue by {way}, p50", ours, beside,
                f"{p50 / bare:.1f}×", f"≤ {bar} ms", p50 <= bar)
        )  # fmt: skip
    slurm.command("scancel", "--user=root")
    return rows


def submitted(whisk: Whisk, site: str) -> float:
    """Milliseconds of one request."""
    began = time.perf_counter()
    answer = whisk.invoke("training/submit", {"model": "counts", "site": site}, result=True)
    took = (time.perf_counter() - began) * 1000
    assert answer["state"] == "queued", answer
    return took


def timed(call: Any, count: int) -> list[float]:
    """Milliseconds of each call."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return times


def followed(whisk: Whisk) -> Row:
    """From the line on the node, which has its time, to whoever follows through OpenWhisk."""
    asked = {
        "model": "counts",
        "site": "local",
        "arguments": {"to": EPOCHS, "pause": 1.0},
        "promote": "by hand",
    }
    trainings = Trainings(whisk)
    delays = []
    for lines, _training in trainings.news(trainings.ask("submit", **asked)["uuid"]):
        delays += [time.time() - datetime.fromisoformat(line["at"]).timestamp() for line in lines]
    p50, worst = statistics.median(delays), max(delays)
    return Row("training: metrics line on the node → seen by `follow`, p50", f"{p50 * 1000:.0f} ms",
               f"worst of {len(delays)}: {worst * 1000:.0f} ms", "", "≤ 1 s", p50 <= 1)  # fmt: skip


def answered(store: Store, whisk: Whisk) -> Row:
    """From the artifact's being in the store to the first answer of the new version."""
    trainings = Trainings(whisk)
    times = []
    for number in range(2, 2 + ARRIVALS):
        uuid = trainings.ask("submit", model="counts", site="local", arguments={"to": number})["uuid"]
        while not exists(store, f"counts/{uuid}/attempts/1/artifact.zip"):
            time.sleep(0.005)
        began = time.perf_counter()
        while whisk.invoke("models/counts", {}, result=True)["counted"] != number:
            time.sleep(0.005)
        times.append((time.perf_counter() - began) * 1000)
        while trainings.show(uuid)["state"] not in OVER:
            time.sleep(0.05)
    p50 = statistics.median(times)
    return Row("training: artifact in the store → new version answers, p50", f"{p50:.0f} ms",
               f"worst of {len(times)}: {max(times):.0f} ms", "", "≤ 1 s", p50 <= 1000)  # fmt: skip


def exists(store: Store, key: str) -> bool:
    """Whether an object is there."""
    try:
        store.head(BUCKET, key)
    except ObjectMissing:
        return False
    return True
