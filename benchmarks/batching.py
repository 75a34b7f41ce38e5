"""Photographs classified together: 32 callers of a deployed model, beside its own `predict_batch` in a loop.

The loop is the bare model in its environment, with the same photograph: no HTTP, no engine, no container. It
never waits for anybody, so nothing can serve the model from one process at a higher rate.
"""

import asyncio
import base64
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import uvloop

from benchmarks import Row
from benchmarks.containers import CATALOG, zipped
from benchmarks.wrk import Engine, an_engine, wait_for_environment
from deepwhisk.engine import Limits
from deepwhisk.environments import Environments
from deepwhisk.project.catalog import Model, read_model
from deepwhisk.settings import cache_folder

CALLERS, ROUNDS, NICE = 32, 3, 2
SWING, SECONDS = 1.5, 4.0  # until all callers are under way, and to measure
Asked = tuple[str, dict[str, str], bytes]  # path, headers, body
FOLDER = CATALOG / "image-classification"
PHOTOGRAPH = FOLDER / "example" / "coffee.jpg"
WHOLE = 0.6  # of the machine's containers' memory: there is no room for a second
BARE = """
import os, sys, time
from pathlib import Path
os.nice(int(sys.argv[4]))  # as a container is
sys.path.insert(0, sys.argv[1])
from model import Model
model = Model()
model.load(Path(sys.argv[2]))
calls = [{"image": Path(sys.argv[3]), "top": 5}] * Model.max_batch
model.predict_batch(calls)
for line in sys.stdin:
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < float(line):
        done += len(model.predict_batch(calls))
    print(done / (time.perf_counter() - begun), flush=True)
"""


def measure() -> list[Row]:
    model = read_model(FOLDER, CATALOG.parent)
    with (
        tempfile.TemporaryDirectory() as folder,
        bare(model) as loop,
        an_engine(Path(folder) / "state") as engine,
    ):
        deploy(engine, "one", memory=int(Limits.machine().max_memory * WHOLE), concurrency=CALLERS)
        deploy(engine, "more", memory=model.memory, concurrency=16)
        wait_for_environment(engine.apihost)
        asked = {"one": invocation("one", engine), "more": invocation("more", engine), "web": upload("more")}
        rates: dict[str, list[float]] = {name: [] for name in (*asked, "bare")}
        for _ in range(ROUNDS):
            rates["bare"].append(rate_of(loop))
            for name, each in asked.items():
                rates[name].append(uvloop.run(rate(engine, *each)))
        return rows({name: statistics.median(found) for name, found in rates.items()})


def rows(rates: dict[str, float]) -> list[Row]:
    beside = f"its bare predict_batch in a loop {rates['bare']:.0f}/s"
    one, more, web = (rates[name] / rates["bare"] for name in ("one", "more", "web"))
    what, met = f"EfficientNet, {CALLERS} callers", one >= 0.9
    return [
        Row(
            f"{what}, batches in one container", f"{rates['one']:.0f}/s", beside, f"{one:.2f}×", "≥ 0.9×", met
        ),
        Row(
            f"{what}, as the catalog deploys it", f"{rates['more']:.0f}/s", beside, f"{more:.2f}×", "–", True
        ),
        Row(f"{what}, uploads to its web action", f"{rates['web']:.0f}/s", beside, f"{web:.2f}×", "–", True),
    ]


def deploy(engine: Engine, name: str, *, memory: int, concurrency: int) -> None:
    notes = {"web-export": True, "raw-http": True, "concurrency": concurrency}
    annotations = [{"key": key, "value": value} for key, value in notes.items()]
    exec_ = {"kind": "python:3", "code": zipped(FOLDER)}
    engine.put(name, exec_, annotations=annotations, limits={"memory": memory})


async def rate(engine: Engine, path: str, headers: dict[str, str], body: bytes) -> float:
    """Answers a second while callers who never pause are in full swing."""
    answered: list[float] = []
    url, begun = f"{engine.apihost}/api/v1/{path}", time.perf_counter()

    async def ask(session: aiohttp.ClientSession) -> None:
        while time.perf_counter() < begun + SWING + SECONDS:
            async with session.post(url, data=body, headers=headers) as answer:
                if answer.status != 200:
                    raise RuntimeError(f"{url}: {answer.status} {await answer.text()}")
            answered.append(time.perf_counter() - begun)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CALLERS)) as session:
        await asyncio.gather(*(ask(session) for _ in range(CALLERS)))
    return sum(SWING <= each < SWING + SECONDS for each in answered) / SECONDS


def invocation(name: str, engine: Engine) -> Asked:
    body = json.dumps({"image": base64.b64encode(PHOTOGRAPH.read_bytes()).decode()})
    headers = {"Authorization": f"Basic {engine.key}", "Content-Type": "application/json"}
    return f"namespaces/_/actions/{name}?blocking=true&result=true", headers, body.encode()


def upload(name: str) -> Asked:
    head = '--b\r\nContent-Disposition: form-data; name="image"; filename="coffee.jpg"\r\n\r\n'
    body = head.encode() + PHOTOGRAPH.read_bytes() + b"\r\n--b--\r\n"
    path = f"web/guest/default/{name}/v2/models/{name}/predict/"
    return path, {"Content-Type": "multipart/form-data; boundary=b"}, body


@contextmanager
def bare(model: Model) -> Iterator["subprocess.Popen[str]"]:
    """The loop in a process of its own, which runs as long as it is told."""
    made = Environments(cache_folder()).prepare(model.requirements, model.build, lambda line: None)
    command = [str(made.python), "-c", BARE, str(FOLDER), str(made.weights), str(PHOTOGRAPH), str(NICE)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def rate_of(loop: "subprocess.Popen[str]") -> float:
    assert loop.stdin is not None
    assert loop.stdout is not None
    print(SECONDS, file=loop.stdin, flush=True)
    return float(loop.stdout.readline())
