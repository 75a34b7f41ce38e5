"""The engine: a no-op through the REST API, beside a bare aiohttp server that answers the same bytes.

The load is wrk's (Debian package `wrk`). Every call is authenticated, runs in a container and is recorded.
Of several rounds the least disturbed one counts, on both sides.
"""

import base64
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks import Row

ROUNDS = 3
SECONDS = 3
NOOP = "def main(args):\n    return args\n"
SCRIPT = """
wrk.method = "POST"
wrk.body = '{"x": 1}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Basic %s"
"""
BARE = """
import asyncio, sys
import uvloop
from aiohttp import web

async def answer(request):
    await request.read()
    return web.Response(body=b"x" * 600, headers={"Content-Type": "application/json"})

async def main():
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()

uvloop.run(main())
"""


@dataclass(frozen=True)
class Load:
    """What wrk found."""

    p50: float  # ms
    rate: float  # a second


@dataclass(frozen=True)
class Engine:
    """A running engine and wrk's script for it."""

    apihost: str
    auth: str
    script: Path

    def put(self, name: str, exec_: dict[str, object]) -> None:
        url = f"{self.apihost}/api/v1/namespaces/_/actions/{name}?overwrite=true"
        answer = requests.put(url, json={"exec": exec_}, auth=tuple(self.auth.split(":")), timeout=60)
        answer.raise_for_status()

    def load(self, name: str, connections: int) -> Load:
        url = f"{self.apihost}/api/v1/namespaces/_/actions/{name}?blocking=true"
        return wrk(url, connections, self.script)


def measure() -> list[Row]:
    if shutil.which("wrk") is None:
        sys.exit("benchmarks/engine.py needs wrk: apt-get install wrk")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bare = stack.enter_context(bare_server())
        engine = stack.enter_context(an_engine(folder, "process"))
        synced = stack.enter_context(an_engine(folder, "power-loss"))
        for each in (engine, synced):
            each.put("noop", {"kind": "python:3", "code": NOOP})
            each.load("noop", 4)  # warm
        return [*calls(bare, engine, synced), *sequences(engine)]


def calls(bare: str, engine: Engine, synced: Engine) -> list[Row]:
    """One caller, and four."""
    floor, p50, disk, most, rate = taking_turns(
        lambda: wrk(bare, 1, engine.script).p50,
        lambda: engine.load("noop", 1).p50,
        lambda: synced.load("noop", 1).p50,
        lambda: -wrk(bare, 4, engine.script).rate,
        lambda: -engine.load("noop", 4).rate,
    )
    return [one_caller(p50, floor), four_callers(-rate, -most), every_answer_synced(disk, p50)]


def taking_turns(*loads: Callable[[], float]) -> list[float]:
    """The least of each over the rounds, in which they take turns."""
    rounds = [[load() for load in loads] for _ in range(ROUNDS)]
    return [min(found) for found in zip(*rounds, strict=True)]


def one_caller(p50: float, floor: float) -> Row:
    beside = f"bare aiohttp {floor:.2f} ms"
    ratio = f"{p50 / floor:.1f}×"
    return Row("engine: no-op, one caller, p50", f"{p50:.2f} ms", beside, ratio, "≤ 1.5 ms", p50 <= 1.5)


def four_callers(rate: float, most: float) -> Row:
    beside = f"bare aiohttp {most:,.0f} / s"
    ratio = f"{rate / most:.2f}×"
    return Row("engine: no-op, four callers", f"{rate:,.0f} / s", beside, ratio, "≥ 1500 / s", rate >= 1500)


def every_answer_synced(disk: float, p50: float) -> Row:
    name, beside = "engine: no-op, every answer synced to disk, p50", f"by default {p50:.2f} ms"
    return Row(name, f"{disk:.2f} ms", beside, f"{disk / p50:.1f}×", "–", True)


def sequences(engine: Engine) -> list[Row]:
    """What one more no-op costs, from sequences of 2, 3 and 5."""
    lengths = (1, 2, 3, 5)
    for length in lengths:
        engine.put(f"s{length}", {"kind": "sequence", "components": ["/_/noop"] * length})
    found: dict[int, list[float]] = {length: [] for length in lengths}
    for _ in range(ROUNDS):
        for length in lengths:
            found[length].append(engine.load(f"s{length}", 1).p50)
    best = {length: min(times) for length, times in found.items()}
    step = statistics.linear_regression(list(best), list(best.values())).slope
    return [
        Row(
            "engine: one more no-op in a sequence, p50",
            f"{step:.2f} ms",
            ", ".join(f"{length}: {each:.2f} ms" for length, each in best.items()),
            f"{step / best[1]:.2f}×",
            "≤ 0.5 ms",
            step <= 0.5,
        )
    ]


def wrk(url: str, connections: int, script: Path) -> Load:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", str(script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise RuntimeError(f"{url} did not answer every call with success:\n{said}")
    number, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", said).groups()  # type: ignore[union-attr]
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)[1]  # type: ignore[index]
    return Load(float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit], float(rate))


@contextmanager
def bare_server() -> Iterator[str]:
    with process([sys.executable, "-c", BARE]) as port:
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def an_engine(folder: Path, durable: str) -> Iterator[Engine]:
    state = folder / durable
    tool = Path(sys.executable).with_name("deepwhisk")
    with process([str(tool), "engine", "--state", str(state), "--port", "0", "--durable", durable]):
        properties = dict(line.split("=", 1) for line in (state / "wskprops").read_text().splitlines())
        wait_for_environment(properties["APIHOST"])
        script = folder / f"{durable}.lua"
        script.write_text(SCRIPT % base64.b64encode(properties["AUTH"].encode()).decode())
        yield Engine(properties["APIHOST"], properties["AUTH"], script)


def wait_for_environment(apihost: str) -> None:
    while True:
        states = {each["state"] for each in requests.get(f"{apihost}/environments", timeout=10).json()}
        if states == {"ready"}:
            return
        if "failed" in states:
            raise RuntimeError(json.dumps(requests.get(f"{apihost}/environments", timeout=10).json()))
        time.sleep(0.2)


@contextmanager
def process(command: list[str]) -> Iterator[str]:
    """A process, and the first line it says."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        try:
            yield running.stdout.readline().strip()
        finally:
            running.terminate()
