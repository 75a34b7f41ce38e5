"""The standalone server beside what pip installs, and the engine's web action beside both: one tiny model.

The load is wrk's, over kept connections, in turns; the least disturbed round of each counts. What does not
install here is named with its reason.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import Row
from benchmarks.containers import zipped
from benchmarks.rivals import ARGUMENTS, OURS, RIVALS, SERVED, NotInstalled, Rival, Server, answers, running
from benchmarks.wrk import Engine, Load, an_engine, require_wrk, taking_turns, wrk

CONNECTIONS = (1, 8, 32, 64)
STARTS = 3
COLD_STARTS = 15
CALLS = 100_000
LUA = """
wrk.method = "POST"
wrk.body = [[{}]]
wrk.headers["Content-Type"] = "application/json"
""".format
WEB = "the web action of the engine"
KIND = "python:3"


@dataclass(frozen=True)
class Figures:
    """What one server did."""

    loads: Mapping[int, Load]  # by connections
    start: float  # seconds
    memory: float  # MB


def measure() -> list[Row]:
    require_wrk()
    with tempfile.TemporaryDirectory(prefix="b-") as folder:
        installed, lacking = environments()
        starts = {
            rival: fastest_start(rival, programs, Path(folder)) for rival, programs in installed.items()
        }
        with ExitStack() as stack:
            servers = [
                stack.enter_context(running(rival, programs, Path(folder) / rival.name))
                for rival, programs in installed.items()
            ]
            engine = stack.enter_context(an_engine(Path(folder) / "engine"))
            return rows(servers, starts, engine, Path(folder), lacking)


def environments() -> tuple[dict[Rival, Path], list[str]]:
    """Where the programs of each server are, ours first; and which are not to be had, and why."""
    found, lacking = {OURS: Path(sys.executable).parent}, []
    for rival in RIVALS:
        try:
            found[rival] = rival.environment()
        except NotInstalled as lack:
            lacking.append(f"{rival.name} did not install: {lack}")
            print(lacking[-1], file=sys.stderr)
    return found, lacking


def fastest_start(rival: Rival, programs: Path, folder: Path) -> float:
    """The first of all is left out: it compiles."""
    taken = []
    for _ in range(STARTS + 1):
        with running(rival, programs, folder / rival.name) as server:
            taken.append(server.took)
    return min(taken[1:])


def rows(
    servers: list[Server], starts: Mapping[Rival, float], engine: Engine, folder: Path, lacking: list[str]
) -> list[Row]:
    web = put(engine, "iris")
    scripts = {server: script(folder, server.rival) for server in servers}
    askers = [partial(wrk, server.url, script=scripts[server]) for server in servers]
    askers.append(partial(wrk, f"{engine.apihost}{web}", script=scripts[servers[0]]))
    loads: list[dict[int, Load]] = [{} for _ in askers]
    for connections in CONNECTIONS:
        found = taking_turns(*(partial(asker, connections=connections) for asker in askers))
        for each, load in zip(loads, found, strict=True):
            each[connections] = load
    figures = {
        server.rival.name: Figures(each, starts[server.rival], server.memory())
        for server, each in zip(servers, loads, strict=False)
    }
    return [*table(figures, lacking), *through_the_engine(engine, loads[-1], figures)]


def script(folder: Path, rival: Rival) -> Path:
    """What wrk is to send."""
    made = folder / f"{rival.name}.lua"
    made.write_text(LUA(rival.sent))
    return made


def table(figures: Mapping[str, Figures], lacking: list[str]) -> list[Row]:
    """Our server beside the others."""
    bare = bare_call()
    over = {name: each.loads[1].p50 - bare for name, each in figures.items()}
    rates = {n: {name: each.loads[n].rate for name, each in figures.items()} for n in CONNECTIONS}
    own = rates[64][OURS.name] / rates[8][OURS.name]
    flat = ", ".join(
        f"{name}: {rates[64][name] / rates[8][name]:.2f}" for name in figures if name != OURS.name
    )
    return [
        less("warm overhead over the bare call, c=1, p50", over, "{:.3f} ms", "below all", lacking),
        *(more(f"predictions a second, c={n}", rates[n]) for n in CONNECTIONS[1:3]),
        Row("peers: as many with 64 connections as with 8", f"{rates[64][OURS.name]:,.0f} / s",
            f"of c=8 {flat}", f"{own:.2f}× of 8", "≥ 0.9×", own >= 0.9),
        less("process start → first 200", {name: each.start for name, each in figures.items()},
             "{:.2f} s", "below all"),
        less("memory (PSS) after all this", {name: each.memory for name, each in figures.items()},
             "{:.0f} MB", "–"),
    ]  # fmt: skip


def bare_call() -> float:
    """Milliseconds of the model itself."""
    sys.path.insert(0, str(SERVED))
    try:
        from iris import predict  # noqa: PLC0415 — it is the servers', not ours
    finally:
        sys.path.remove(str(SERVED))
    inputs, begun = tuple(ARGUMENTS.values()), time.perf_counter()
    for _ in range(CALLS):
        predict(*inputs)
    return (time.perf_counter() - begun) / CALLS * 1000


def less(
    what: str, values: Mapping[str, float], form: str, bar: str, lacking: list[str] | None = None
) -> Row:
    """A row where less is better."""
    own, others = values[OURS.name], others_of(values)
    beside = ", ".join([f"{name} {form.format(each)}" for name, each in others.items()] + (lacking or []))
    best = min(others.values())
    met = bar == "–" or own < best
    return Row(f"peers: {what}", form.format(own), beside, f"{own / best:.2f}× the best", bar, met)


def more(what: str, values: Mapping[str, float]) -> Row:
    """A row where more is better, and twice the best is meant."""
    own, others = values[OURS.name], others_of(values)
    beside = ", ".join(f"{name} {each:,.0f}" for name, each in others.items())
    best = max(others.values())
    return Row(
        f"peers: {what}", f"{own:,.0f} / s", beside, f"{own / best:.1f}× the best", "≥ 2×", own >= 2 * best
    )


def others_of(values: Mapping[str, float]) -> dict[str, float]:
    return {name: each for name, each in values.items() if name != OURS.name}


def put(engine: Engine, name: str) -> str:
    """Make a model's web action; gives the path of its predictions."""
    annotations = [{"key": key, "value": True} for key in ("web-export", "raw-http")]
    engine.put(name, {"kind": KIND, "code": zipped(SERVED), "binary": True}, annotations=annotations)
    return f"/api/v1/web/guest/default/{name}/v2/models/{name}/predict/"


def through_the_engine(
    engine: Engine, loads: Mapping[int, Load], figures: Mapping[str, Figures]
) -> list[Row]:
    """Authenticated, recorded, and in a container that began as a fork."""
    alone = figures[OURS.name].loads
    rates = ", ".join(f"c={n} {load.rate:,.0f} / s" for n, load in loads.items() if n > 1)
    cold = statistics.median(first_call(engine, number) for number in range(COLD_STARTS))
    start = figures[OURS.name].start
    return [
        Row(f"peers: {WEB}, c=1, p50", f"{loads[1].p50:.2f} ms; {rates}",
            f"standalone {alone[1].p50:.2f} ms", f"{loads[1].p50 / alone[1].p50:.1f}×", "–", True),
        Row(f"peers: {WEB}, start from the zygote → first 200", f"{cold:.3f} s",
            f"standalone {start:.2f} s", f"{cold / start:.2f}×", "≤ 0.3 s", cold <= 0.3),
    ]  # fmt: skip


def first_call(engine: Engine, number: int) -> float:
    """Seconds of the first call of a new action."""
    host, _, port = engine.apihost.removeprefix("http://").partition(":")
    asked = Rival("web", (), put(engine, f"cold{number}"), lambda *_: ())
    begun = time.perf_counter()
    if not answers(int(port), asked, host):
        raise RuntimeError(f"{asked.path} does not answer 200")
    return time.perf_counter() - begun
