"""A thousand trainings in the store: listed as a user does, and compared with what a cluster says of them."""

import json
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import Row
from benchmarks.pipeline import parts
from benchmarks.training import BUCKET, a_slurm, project, timed, up
from deepwhisk.batch.layout import Place, job_name
from deepwhisk.batch.runner import Job, Resources
from deepwhisk.batch.runners import open_runner
from deepwhisk.batch.service.desks import Around, desk
from deepwhisk.batch.sites import Site
from deepwhisk.cli.training_calls import Trainings
from deepwhisk.objects.seaweed import Seaweed
from deepwhisk.objects.store import Store
from deepwhisk.objects.stores import open_store
from deepwhisk.settings import State as Folder
from deepwhisk.whisk import Whisk

COUNT, LISTS = 1000, 5
AT = "2026-11-22T08:00:00+00:00"
OTHER = "deepwhisk-thousand"


def measure() -> list[Row]:
    """Both on one machine."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="deepwhisk-")))
        slurm = stack.enter_context(a_slurm())
        project(folder / "project", None)
        state = Folder(folder / "state")
        stack.enter_context(up(folder / "project", state))
        store, whisk = parts(state)
        rows = [listed(store, whisk)]
        return [*rows, *([reconciled(state, whisk, slurm, folder)] if slurm else [])]


def listed(store: Store, whisk: Whisk) -> Row:
    """All of them, by the action that lists, a page of 200 after the other."""
    fill(store, BUCKET, {uuid.uuid4().hex: None for _ in range(COUNT)})
    trainings = Trainings(whisk)
    while len(trainings.all(COUNT)) < COUNT:  # the service looks once in a minute for what others wrote
        time.sleep(1)
    page = statistics.median(timed(lambda: trainings.ask("list", limit=20), LISTS))
    whole = statistics.median(timed(lambda: trainings.all(COUNT), LISTS))
    return Row("1,000 trainings: list all of them through OpenWhisk", f"{whole:.0f} ms",
               f"the newest 20: {page:.0f} ms", f"{whole / page:.1f}×", "≤ 200 ms", whole <= 200)  # fmt: skip


def reconciled(state: Folder, whisk: Whisk, slurm: Any, folder: Path) -> Row:
    """One pass over a bucket of trainings that all wait in a real queue."""
    store = open_store(Seaweed(state.folder / "store").settings, (OTHER,))
    runner = open_runner(slurm.here_url(), {}, folder / "runner")
    slurm.command("sbatch", "--exclusive", "--output=/dev/null", "--wrap=sleep 3000")
    names = [uuid.uuid4().hex for _ in range(COUNT)]
    jobs = [Job(job_name(name, 1), "true", Resources(memory=100)) for name in names]
    handles = dict(zip(names, runner.submit(jobs), strict=True))
    fill(store, OTHER, handles)
    counted = Counted(store)
    sites = (Site("here", slurm.here_url()),)
    around = Around(counted, whisk, sites, folder / "batch", lambda *_: runner, OTHER)  # type: ignore[arg-type]
    with desk(around) as verbs:
        first = timed(verbs.reconciler.whole, 1)[0]
        cluster, before = verbs.reconciler.clusters.all["here"], Counter(counted.calls)
        asked = cluster.questions
        again = timed(verbs.reconciler.whole, 1)[0]
        calls = Counter(counted.calls) - before
        questions = cluster.questions - asked
    slurm.command("scancel", "--user=root")
    ours = f"{again:.0f} ms: {calls.total()} question to the store, {questions} to Slurm"
    met = calls == {"list": 1} and questions == 1
    beside = f"with all of them read for the first time: {first:.0f} ms"
    return Row("1,000 trainings: compare store and queue", ours, beside, f"{again / first:.2f}",
               "one listing, one `squeue`", met)  # fmt: skip


def fill(store: Store, bucket: str, trainings: Mapping[str, str | None]) -> None:
    """Write trainings: those with a handle are in the queue, the others are done."""
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda each: write(store, bucket, *each), enumerate(trainings.items())))


def write(store: Store, bucket: str, number: int, named: tuple[str, str | None]) -> None:
    name, handle = named
    place = Place("counts", name)
    request = {"uuid": name, "kind": "train", "model": "counts", "date": AT, "via": "cli"}
    request |= {"arguments": {"to": number}, "by": "guest", "files": {}, "resources": {}}
    state = {"at": AT, "attempt": 1, "site": "here", "job": job_name(name, 1), "handle": handle or "0"}
    bodies = {
        place.request: request,
        f"{place.prefix}states/0001-submitted.json": state | {"state": "submitted"},
    }
    if handle:
        bodies[f"{place.prefix}states/0002-queued.json"] = state | {"state": "queued"}
    else:
        bodies[f"{place.prefix}states/0002-done.json"] = state | {"state": "done"}
    for key, body in bodies.items():
        store.put(bucket, key, json.dumps(body).encode(), content_type="application/json")


class Counted:
    """A store whose calls are counted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._store, name)

        def count(*arguments: Any, **given: Any) -> Any:
            self.calls[name] += 1
            return verb(*arguments, **given)

        return count
