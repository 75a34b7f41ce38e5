"""One namespace floods the engine while another works: what the other feels."""

import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import Row
from benchmarks.wrk import Engine, an_engine, require_wrk

NOOP = "def main(args):\n    return args\n"
CALLS = 300
FLOODS = (16, 200, 2000)  # connections
SETTLE = 2.0  # seconds


def measure() -> list[Row]:
    require_wrk()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        with an_engine(state) as mine:
            lines = (state / "wskprops.system").read_text().splitlines()
            properties = dict(line.split("=", 1) for line in lines)
            flood = Engine(properties["APIHOST"], properties["AUTH"], state / "flood.lua")
            for each in (mine, flood):
                each.put("noop", {"kind": "python:3", "code": NOOP})
                each.ask("POST", "actions/noop?blocking=true", {})
            alone = calls(mine)
            return [row(mine, flood, connections, alone) for connections in FLOODS]


def row(mine: Engine, flood: Engine, connections: int, alone: list[float]) -> Row:
    with flooding(flood, connections) as rate:
        time.sleep(SETTLE)
        beside = calls(mine)
    p50, p99 = percentiles(beside)
    quiet = percentiles(alone)
    return Row(f"a call while {connections:,} connections of another namespace never stop, p50 / p99",
               f"{p50:.1f} / {p99:.1f} ms",
               f"alone {quiet[0]:.2f} / {quiet[1]:.2f} ms; the flood gets {rate[0]:,.0f} / s",
               f"{p50 / quiet[0]:.0f}×", "p99 ≤ 250 ms", p99 <= 250)  # fmt: skip


def percentiles(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def calls(engine: Engine) -> list[float]:
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        engine.ask("POST", "actions/noop?blocking=true", {})
        times.append((time.perf_counter() - began) * 1000)
    return times


@contextmanager
def flooding(engine: Engine, connections: int) -> Iterator[list[float]]:
    """wrk until the block ends; its rate is in the list then."""
    url = f"{engine.apihost}/api/v1/namespaces/_/actions/noop?blocking=true"
    command = ["wrk", "-t1", f"-c{connections}", "-d600s", "--timeout", "60s", "-s", str(engine.script), url]
    rate: list[float] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield rate
        finally:
            running.send_signal(2)  # it says what it found
            said = running.communicate()[0]
            found = re.search(r"Requests/sec:\s+([\d.]+)", said)
            rate.append(float(found[1]) if found else 0.0)
