"""Servers that pip installs, each in an environment of its own, with one worker and the model of `served/`.

Environments are made once and kept in the cache of who runs this; one that does not install says why.
"""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from deepwhisk.cli.ports import any_free
from deepwhisk.keeper import memory

SERVED = Path(__file__).parent / "served"
RUNTIME = Path(__file__).parents[1] / "runtimes/python"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deepwhisk-bench"
SECONDS = 60  # to answer the first time
ARGUMENTS = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
INFERENCE = {"inputs": [{"name": "x", "shape": [4], "datatype": "FP64", "data": list(ARGUMENTS.values())}]}
ENTRY_POINT = "[deepaas.v2.model]\niris = with_deepaas\n"


class NotInstalled(Exception):
    """Raised when there is no such server here; says why."""


@dataclass(frozen=True, eq=False)
class Rival:
    """One server: what pip installs, how it is begun in a folder, and what it is asked."""

    name: str
    packages: tuple[str, ...]
    path: str
    command: Callable[[Path, Path, int], Sequence[str | Path]]  # of its programs, a folder and a port
    body: object = None  # ARGUMENTS, unless it wants them in another form

    @property
    def sent(self) -> str:
        return json.dumps(self.body or ARGUMENTS)

    def environment(self) -> Path:
        """Where its programs are; they are installed the first time."""
        digest = hashlib.sha256(" ".join(self.packages).encode()).hexdigest()[:12]
        folder = CACHE / f"{self.name.split()[0].lower()}-{digest}"
        if not (folder / "installed").exists():
            uv("venv", "--clear", "--python", sys.executable, folder)
            uv("pip", "install", "--python", folder / "bin/python", *self.packages)
            (folder / "installed").touch()
        return folder / "bin"


def uv(*words: str | Path) -> None:
    command = [Path(sys.executable).with_name("uv"), *words, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalled((done.stderr.strip().splitlines() or ["uv failed"])[0])


def with_mlserver(programs: Path, folder: Path, port: int) -> Sequence[str | Path]:
    settings = {"http_port": port, "grpc_port": any_free("127.0.0.1"), "metrics_port": any_free("127.0.0.1")}
    more = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False}
    (folder / "settings.json").write_text(json.dumps(settings | more))
    (folder / "model-settings.json").write_text('{"name": "iris", "implementation": "with_mlserver.Iris"}')
    return [programs / "mlserver", "start", folder]


def with_deepaas(programs: Path, folder: Path, port: int) -> Sequence[str | Path]:
    """The module is found by the entry point of a package, which stands in the folder."""
    package = folder / "iris-1.dist-info"
    package.mkdir(exist_ok=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: iris\nVersion: 1\n")
    (package / "entry_points.txt").write_text(ENTRY_POINT)
    return [programs / "deepaas-run", "--listen-port", str(port)]


def script(name: str) -> Callable[[Path, Path, int], Sequence[str | Path]]:
    return lambda programs, folder, port: [programs / "python", SERVED / name, str(port)]


RIVALS = (
    Rival("FastAPI + uvicorn", ("fastapi", "uvicorn[standard]"), "/predict", script("with_fastapi.py")),
    Rival("LitServe", ("litserve",), "/predict", script("with_litserve.py")),
    Rival("BentoML", ("bentoml",), "/predict", lambda programs, folder, port: [
        programs / "bentoml", "serve", "with_bentoml:Iris", "--host", "127.0.0.1", "--port", str(port)]),
    Rival("MLServer", ("mlserver",), "/v2/models/iris/infer", with_mlserver, INFERENCE),
    Rival("deepaas", ("deepaas",), "/v2/models/iris/predict/", with_deepaas),
)  # fmt: skip


def ours(programs: Path, folder: Path, port: int) -> Sequence[str | Path]:
    return [sys.executable, "-m", "deepwhisk_runtime", "serve", SERVED, "--port", str(port)]


OURS = Rival("deepwhisk", (), "/v2/models/served/predict/", ours)


@dataclass(frozen=True, eq=False)
class Server:
    """One that runs."""

    rival: Rival
    port: int
    process: "subprocess.Popen[bytes]"
    took: float  # seconds from its start until it first answered

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.rival.path}"

    def memory(self) -> float:
        """MB of all its processes, a page that several share counted once."""
        return memory.proportional(members(self.process.pid)) / (1 << 20)


@contextmanager
def running(rival: Rival, programs: Path, folder: Path) -> Iterator[Server]:
    """A server until the block ends, which it does with all its processes."""
    folder.mkdir(exist_ok=True)
    port = any_free("127.0.0.1")
    command = list(map(str, rival.command(programs, folder, port)))
    paths = os.pathsep.join(map(str, (SERVED, RUNTIME, folder)))
    with (folder / "log").open("wb") as log:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": paths}, stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        wait(process, port, rival, folder)
        yield Server(rival, port, process, time.perf_counter() - begun)
    finally:
        end(process)


def wait(process: "subprocess.Popen[bytes]", port: int, rival: Rival, folder: Path) -> None:
    """Until it answers what it is asked with 200."""
    deadline = time.monotonic() + SECONDS
    while not answers(port, rival):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotInstalled(f"it does not answer: {(folder / 'log').read_text()[-300:]}")
        time.sleep(0.002)


def answers(port: int, rival: Rival, host: str = "127.0.0.1") -> bool:
    connection = HTTPConnection(host, port, timeout=10)
    try:
        connection.request("POST", rival.path, rival.sent, {"Content-Type": "application/json"})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def end(process: "subprocess.Popen[bytes]") -> None:
    """All processes of a session: first told, then made to."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in members(process.pid):
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, number)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and (process.poll() is None or members(process.pid)):
            time.sleep(0.02)
    process.wait()


def members(session: int) -> list[int]:
    """The processes of a session that are no zombies."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, *fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[2]) == session and state != "Z":
            found.append(int(folder.name))
    return found
