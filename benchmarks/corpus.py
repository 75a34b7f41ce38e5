"""Bad requests, ten thousand of them, to a model that fails in every way: each is answered, with its cause.

Law: no status that the caller has not earned, no 500 without a cause, no hang; when all is over the server
has as many processes, threads and open files as before, and its temporary folder is empty.
"""

import collections
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import Row
from benchmarks.asks import PATH, Ask, ask, request
from benchmarks.rivals import members
from deepwhisk.keeper import memory

RUNTIME = Path(__file__).parents[1] / "runtimes/python"
REQUESTS = 10_000
SECONDS = 30.0  # that an answer may take
LARGEST = 2_000_000  # bytes of a request
FLAGS = ["--model-name", "odd", "--listen-port", "0", "--client-max-size", str(LARGEST)]
MODEL = '''"""Fails in every way."""
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from pydantic import BaseModel, Field
from werkzeug.exceptions import Conflict

class Box(BaseModel):
    width: int

class Unpicklable(Exception):
    def __init__(self, one, *, two):
        super().__init__("made of two")

class Odd:
    def __repr__(self): raise RuntimeError("not even its name")
    __str__ = __repr__

def deep(): return deep()

class Model:
    def predict(
        self, text: Annotated[str, Field(max_length=6000)] = "",
        number: Annotated[int, Field(ge=1, le=9)] = 3, share: float | None = None,
        numbers: list[int] = [], box: Box | None = None, day: date | None = None,
        kind: Literal["a", "b"] = "a", file: Path | None = None, files: list[bytes] = [],
    ) -> Any:
        match text:
            case "raise": raise ValueError(Odd())
            case "unpicklable": raise Unpicklable(1, two=2)
            case "exit": raise SystemExit(3)
            case "deep": deep()
            case "memory": raise MemoryError
            case "none": return None
            case "nan": return {"a": [float("nan")]}
            case "object": return {"a": Odd()}
            case "schema": return {"a": {1: {("b",): 2}}}
            case "missing": return Path("/no/such/file")
            case "status": raise Conflict("not now")
        named = file and [file.name, file.stat().st_size]
        return [len(text), number, len(numbers), named, sum(map(len, files))]
'''


@dataclass
class Found:
    """What came of it."""

    statuses: "collections.Counter[int | None]" = field(default_factory=collections.Counter)
    faults: list[str] = field(default_factory=list)  # what must not have happened
    longest: float = 0.0


@dataclass(frozen=True)
class State:
    """What a server holds."""

    processes: int
    threads: int
    files: int
    left: tuple[str, ...]  # in the temporary folder

    def differs(self, before: "State") -> bool:
        """Fewer files are no difference: a connection may have been closing before."""
        return replace(self, files=max(self.files, before.files)) != before


@dataclass(frozen=True)
class Odd:
    """The server."""

    process: "subprocess.Popen[str]"
    port: int
    temporary: Path

    def state(self) -> State:
        proc = Path(f"/proc/{self.process.pid}")
        threads, files = (len(os.listdir(proc / each)) for each in ("task", "fd"))
        left = sorted(path.name for path in self.temporary.iterdir())
        return State(len(members(self.process.pid)), threads, files, tuple(left))

    def memory(self) -> float:
        return memory.proportional([self.process.pid]) / (1 << 20)


def measure() -> list[Row]:
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="b-") as folder, served(Path(folder)) as odd:
        found = played(odd, range(REQUESTS // 20))
        before, held = odd.state(), odd.memory()
        found = played(odd, range(REQUESTS), found)
        settled(odd, before, found)
        grown = odd.memory() - held
    for fault in found.faults[:20]:
        print(fault, file=sys.stderr)
    statuses = ", ".join(f"{status or 'broken off'}: {n:,}" for status, n in found.statuses.most_common())
    took = time.perf_counter() - begun
    beside = f"{statuses}; the longest {found.longest * 1000:.0f} ms, all {took:.0f} s"
    what = f"corpus: {REQUESTS:,} bad requests, answered otherwise than they should be"
    return [Row(what, f"{len(found.faults)}", beside, f"{grown:+.1f} MB", "0", not found.faults)]


@contextmanager
def served(folder: Path) -> Iterator[Odd]:
    """The model on a server of its own, whose temporary folder nobody else uses."""
    (folder / "odd").mkdir()
    (folder / "odd" / "model.py").write_text(MODEL)
    (folder / "tmp").mkdir()
    variables = {"PYTHONPATH": str(RUNTIME), "TMPDIR": str(folder / "tmp"), "HOME": str(folder)}
    command = [sys.executable, "-m", "deepwhisk_runtime", "run", *FLAGS]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | variables, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip
    with process:
        assert process.stdout is not None
        found = re.search(r":(\d+)/", process.stdout.readline())
        assert found, (folder / "log").read_text()
        try:
            yield Odd(process, int(found[1]), folder / "tmp")
        finally:
            process.terminate()


def played(odd: Odd, numbers: Iterable[int], found: Found | None = None) -> Found:
    """What the requests of these numbers are answered."""
    found = found or Found()
    for number in numbers:
        asked = ask(number)
        begun = time.perf_counter()
        try:
            said = answer(odd.port, asked)
        except TimeoutError:
            found.faults.append(f"{number} ({asked.kind}): no answer in {SECONDS:.0f} s")
            continue
        found.longest = max(found.longest, time.perf_counter() - begun)
        found.statuses[status_of(said)] += 1
        if fault := fault_of(asked, said):
            found.faults.append(f"{number} ({asked.kind}): {fault}")
    return found


def answer(port: int, asked: Ask) -> bytes:
    """What comes back; a client that breaks off does so when the server waits for more."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as client:
        said, came, breaks_off = b"", b"-", None in asked.statuses
        try:
            client.sendall(asked.content)
            while came and not whole(said, asked):
                if breaks_off and not select.select([client], [], [], asked.patience)[0]:
                    client.shutdown(socket.SHUT_WR)
                    breaks_off = False
                said += (came := client.recv(1 << 16))
        except TimeoutError:
            raise
        except OSError:
            return said  # it has closed before all was sent
    return said


def whole(said: bytes, asked: Ask) -> bool:
    head, end, body = said.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100"):
        return whole(body, asked)
    length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
    none = asked.head or b" 204 " in head[:16]
    return bool(end) and (none or (length is not None and len(body) >= int(length[1])))


def status_of(said: bytes) -> int | None:
    found = re.match(rb"HTTP/1\.[01] (\d+) ", said.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n"))
    return int(found[1]) if found else None


def fault_of(asked: Ask, said: bytes) -> str | None:
    """What is wrong with an answer."""
    status, body = status_of(said), said.rpartition(b"\r\n\r\n")[2]
    if status not in asked.statuses:
        return f"{status} to {asked.content[:300]!r}: {said[-300:]!r}"
    if status == 500:
        try:
            error = json.loads(body)["error"]
        except (ValueError, KeyError):
            error = {}
        if not {"message", "phase"} <= error.keys():
            return f"500 without a cause to {asked.content[-80:]!r}: {said[-300:]!r}"
    return None


def settled(odd: Odd, before: State, found: Found) -> None:
    """Note what is left over once all connections are closed, and whether it still answers."""
    deadline = time.monotonic() + SECONDS
    while (after := odd.state()).differs(before) and time.monotonic() < deadline:
        time.sleep(0.1)
    if after.differs(before):
        found.faults.append(f"left over: {after} after {before}")
    good = Ask("the next good one", request(b'{"text": "x"}', path=PATH), frozenset({200}))
    if fault := fault_of(good, answer(odd.port, good)):
        found.faults.append(fault)
