"""wrk (Debian package `wrk`), an engine for it to load, and a bare server beside that."""

import base64
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import requests

from benchmarks.running import Running

ROUNDS = 3
SECONDS = 3
IDLE = 30  # seconds; the engine lets idle connections go
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
    p99: float
    rate: float  # a second


class Engine:
    """A running engine, wrk's script for it, and one kept connection."""

    def __init__(self, apihost: str, auth: str, script: Path) -> None:
        self.apihost, self.script = apihost, script
        self.key = base64.b64encode(auth.encode()).decode()
        script.write_text(SCRIPT % self.key)
        self._headers = {"Authorization": f"Basic {self.key}", "Content-Type": "application/json"}
        self._connection = HTTPConnection(apihost.removeprefix("http://"), timeout=60)
        self._used = 0.0

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer that must be success. `requests` alone would take a millisecond."""
        sent = None if body is None else json.dumps(body)
        if time.monotonic() - self._used > IDLE:
            self._connection.close()  # it opens again by itself
        self._connection.request(method, f"/api/v1/namespaces/_/{path}", sent, self._headers)
        answer = self._connection.getresponse()
        self._used = time.monotonic()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text)

    def put(self, name: str, exec_: dict[str, object], **more: object) -> None:
        self.ask("PUT", f"actions/{name}?overwrite=true", {"exec": exec_, **more})

    def load(self, name: str, connections: int) -> Load:
        return self.load_path(f"namespaces/_/actions/{name}?blocking=true", connections)

    def load_path(self, path: str, connections: int) -> Load:
        return wrk(f"{self.apihost}/api/v1/{path}", connections, self.script)


def require_wrk() -> None:
    if shutil.which("wrk") is None:
        sys.exit("This measurement needs wrk: apt-get install wrk")


def wrk(url: str, connections: int, script: Path) -> Load:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", str(script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise RuntimeError(f"{url} did not answer every call with success:\n{said}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert rate is not None
    return Load(_milliseconds(said, 50), _milliseconds(said, 99), float(rate[1]))


def _milliseconds(said: str, percentile: int) -> float:
    found = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", said)
    assert found is not None
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def taking_turns(*loads: Callable[[], Load]) -> list[Load]:
    """The least disturbed of each over the rounds, in which they take turns."""
    rounds = [[load() for load in loads] for _ in range(ROUNDS)]
    return [min(found, key=lambda load: load.p50) for found in zip(*rounds, strict=True)]


@contextmanager
def bare_server() -> Iterator[str]:
    command = [sys.executable, "-c", BARE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        try:
            yield f"http://127.0.0.1:{running.stdout.readline().strip()}/"
        finally:
            running.terminate()


@contextmanager
def an_engine(state: Path, *options: str) -> Iterator[Engine]:
    """One that is warm: its base environment is there."""
    running = Running(state, *options)
    running.start()
    try:
        wait_for_environment(running.apihost)
        yield Engine(running.apihost, running.auth, state / "wrk.lua")
    finally:
        running.stop()


def wait_for_environment(apihost: str) -> None:
    while True:
        found = requests.get(f"{apihost}/environments", timeout=10)
        states = {each["state"] for each in found.json()}
        if states == {"ready"}:
            return
        if "failed" in states:
            raise RuntimeError(found.text)
        time.sleep(0.2)
