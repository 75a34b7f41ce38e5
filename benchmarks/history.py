"""Ten million activations in the database, beside a thousand: a call, lists, counts, the start, the tidying.

The past takes three minutes to make and 10 GB of the disk while it lasts. Fewer: `PAST=1000000 make bench`.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import Row
from benchmarks.past import ACTIVATIONS, make_past
from benchmarks.running import Running
from benchmarks.wrk import Engine, an_engine, require_wrk, taking_turns

COUNT = int(os.environ.get("PAST", str(ACTIVATIONS)))
KEEP = ("--keep-days", "100", "--keep-size", "1000000")
TIDY = ("--keep-days", "3.5", "--keep-size", "1000000")
FEW = 1000  # activations of the other engine: lists are as long there
NOOP = "def main(args):\n    return args\n"
TIMES = 200
STARTS = 3
DAY = 86_400_000


def measure() -> list[Row]:
    require_wrk()
    with tempfile.TemporaryDirectory() as folder:
        young, old = Path(folder) / "young", Path(folder) / "old"
        make_past(young, FEW)
        make_past(old, COUNT)
        return compare(young, old)


def compare(young: Path, old: Path) -> list[Row]:
    """The figures of two states, one with a short past and one with a long one."""
    starts = [_start(state) for state in (young, old)]
    with engines(young, old, KEEP) as pair:
        rows = [start_row(*starts), call_row(*pair), *list_rows(*pair)]
    with engines(young, old, TIDY) as pair:
        return [*rows, tidying_row(*pair)]


@contextmanager
def engines(young: Path, old: Path, options: tuple[str, ...]) -> Iterator[tuple[Engine, Engine]]:
    """Both, warm; the first keeps all."""
    with an_engine(young, *KEEP) as few, an_engine(old, *options) as many:
        for each in (few, many):
            each.put("noop", {"kind": "python:3", "code": NOOP})
            each.load("noop", 1)
        yield few, many


def _start(state: Path) -> float:
    times = []
    for _ in range(STARTS):
        engine = Running(state, *KEEP)
        times.append(engine.start())
        engine.stop()
    return min(times)


def start_row(young: float, old: float) -> Row:
    return Row(f"{COUNT:,} activations: start until ready", f"{old:.2f} s", f"{FEW:,}: {young:.2f} s",
               f"{old / young:.2f}×", "≤ 1.2×", old <= 1.2 * young)  # fmt: skip


def call_row(young: Engine, old: Engine) -> Row:
    few, many = taking_turns(lambda: young.load("noop", 1), lambda: old.load("noop", 1))
    return Row(f"{COUNT:,} activations: no-op, one caller, p50", f"{many.p50:.2f} ms",
               f"{FEW:,}: {few.p50:.2f} ms", f"{many.p50 / few.p50:.2f}×", "≤ 1.2×",
               many.p50 <= 1.2 * few.p50)  # fmt: skip


def tidying_row(young: Engine, old: Engine) -> Row:
    """Half of the past leaves, in the background, for many minutes."""
    quiet, busy = taking_turns(lambda: young.load("noop", 1), lambda: old.load("noop", 1))
    return Row(f"{COUNT:,} activations, and half of them are leaving: no-op, p50 / p99",
               f"{busy.p50:.2f} / {busy.p99:.2f} ms", f"{FEW:,}: {quiet.p50:.2f} / {quiet.p99:.2f} ms",
               f"{busy.p50 / quiet.p50:.2f}×", "≤ 1.5×, p99 ≤ 3 ms",
               busy.p50 <= 1.5 * quiet.p50 and busy.p99 <= 3)  # fmt: skip


def list_rows(young: Engine, old: Engine) -> list[Row]:
    """Lists as long as each other; what has no equal in a short past has a bar of its own."""
    now = int(time.time() * 1000)
    alike = {
        "list": "",
        "list by name": "name=action0",
        "list since": f"since={now - DAY * 6}",
        "list upto": f"upto={now - DAY}",
        "list, skip 500": "skip=500",
    }
    rows = [_like(name, query, young, old) for name, query in alike.items()]
    far = {"list, half skipped": f"skip={COUNT // 2}", "count": "count=true",
           "count by name and time": f"count=true&name=action0&since={now - DAY * 3}"}  # fmt: skip
    return rows + [_far(name, query, old) for name, query in far.items()]


def _like(name: str, query: str, young: Engine, old: Engine) -> Row:
    few, many = _listed(query, young, old)
    return Row(f"{COUNT:,} activations: {name}, p50", f"{many:.2f} ms", f"{FEW:,}: {few:.2f} ms",
               f"{many / few:.2f}×", "≤ 1.2×", many <= 1.2 * few)  # fmt: skip


def _far(name: str, query: str, old: Engine) -> Row:
    plain, far = _listed("", old)[0], _listed(query, old)[0]
    return Row(f"{COUNT:,} activations: {name}, p50", f"{far:.2f} ms", f"plain list {plain:.2f} ms",
               f"{far / plain:.2f}×", "≤ 20 ms", far <= 20)  # fmt: skip


def _listed(query: str, *engines: Engine) -> list[float]:
    """Milliseconds, median; they take turns."""
    times: list[list[float]] = [[] for _ in engines]
    for _ in range(TIMES):
        for engine, taken in zip(engines, times, strict=True):
            began = time.perf_counter()
            engine.ask("GET", f"activations?{query}")
            taken.append((time.perf_counter() - began) * 1000)
    return [statistics.median(taken) for taken in times]
