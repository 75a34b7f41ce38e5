"""The engine: a no-op through the REST API, beside a bare aiohttp server that answers the same bytes.

The load is wrk's. Every call is authenticated, runs in a container and is recorded. Of several rounds the
least disturbed one counts, on both sides.
"""

import json
import statistics
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks import Row
from benchmarks.wrk import ROUNDS, Engine, Load, an_engine, bare_server, require_wrk, taking_turns, wrk
from deepwhisk.engine import Limits

NOOP = "def main(args):\n    return args\n"
STAMP = "import time\ndef main(args):\n    return {'started': time.time()}\n"
KIND = "python:3"
CONNECTIONS = (4, 16, 64)
FIRES = 200
ACTIONS, HELD = 100, 50  # different actions, and how many of them the pool holds


def measure() -> list[Row]:
    require_wrk()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bare = stack.enter_context(bare_server())
        engine = stack.enter_context(an_engine(folder / "process"))
        synced = stack.enter_context(an_engine(folder / "power-loss", "--durable", "power-loss"))
        for each in (engine, synced):
            each.put("noop", {"kind": KIND, "code": NOOP}, annotations=[{"key": "web-export", "value": True}])
            each.load("noop", 4)  # warm
        return [
            *one_caller(bare, engine, synced),
            *many_callers(bare, engine),
            *sequences(engine),
            fire_to_start(engine),
            in_turn(engine),
        ]


def one_caller(bare: str, engine: Engine, synced: Engine) -> list[Row]:
    floor, call, web, disk = taking_turns(
        lambda: wrk(bare, 1, engine.script),
        lambda: engine.load("noop", 1),
        lambda: engine.load_path("web/guest/default/noop.json", 1),
        lambda: synced.load("noop", 1),
    )
    return [
        _one_caller("no-op", call, floor),
        _one_caller("web action no-op", web, floor),
        Row("engine: no-op, every answer synced to disk, p50", f"{disk.p50:.2f} ms",
            f"by default {call.p50:.2f} ms", f"{disk.p50 / call.p50:.1f}×", "–", True),
    ]  # fmt: skip


def _one_caller(what: str, load: Load, floor: Load) -> Row:
    return Row(f"engine: {what}, one caller, p50 / p99", f"{load.p50:.2f} / {load.p99:.2f} ms",
               f"bare aiohttp {floor.p50:.2f} / {floor.p99:.2f} ms", f"{load.p50 / floor.p50:.1f}×",
               "≤ 0.7 / ≤ 3 ms", load.p50 <= 0.7 and load.p99 <= 3)  # fmt: skip


def many_callers(bare: str, engine: Engine) -> list[Row]:
    """As fast with sixty-four as with four."""
    most, web, *found = taking_turns(
        lambda: wrk(bare, 4, engine.script),
        lambda: engine.load_path("web/guest/default/noop.json", 4),
        *(partial(engine.load, "noop", connections) for connections in CONNECTIONS),
    )
    rates = dict(zip(CONNECTIONS, (load.rate for load in found), strict=True))
    beside = ", ".join(f"{each}: {rate:,.0f}" for each, rate in rates.items())
    flat = rates[64] / rates[4]
    return [
        *(Row(f"engine: no-op, {connections} callers", f"{rates[connections]:,.0f} / s",
              f"bare aiohttp {most.rate:,.0f} / s", f"{rates[connections] / most.rate:.2f}×", "≥ 2200 / s",
              rates[connections] >= 2200) for connections in CONNECTIONS[:2]),
        Row("engine: no-op, 64 callers", f"{rates[64]:,.0f} / s", beside, f"{flat:.2f}× of 4", "≥ 0.9×",
            flat >= 0.9),
        Row("engine: web action no-op, 4 callers", f"{web.rate:,.0f} / s",
            f"by the API {rates[4]:,.0f} / s", f"{web.rate / rates[4]:.2f}×", "≥ 2200 / s", web.rate >= 2200),
    ]  # fmt: skip


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
    beside = ", ".join(f"{length}: {each:.2f} ms" for length, each in best.items())
    return [
        Row("engine: one more no-op in a sequence, p50", f"{step:.2f} ms", beside, f"{step / best[1]:.2f}×",
            "≤ 0.4 ms", step <= 0.4)
    ]  # fmt: skip


def fire_to_start(engine: Engine) -> Row:
    """From the moment a client begins to send until the rule's action runs."""
    engine.put("stamp", {"kind": KIND, "code": STAMP})
    engine.ask("PUT", "triggers/bell?overwrite=true", {})
    engine.ask("PUT", "rules/rings?overwrite=true", {"trigger": "/_/bell", "action": "/_/stamp"})
    waited, answered = [], []
    for _ in range(FIRES):
        sent = time.time()
        fired = engine.ask("POST", "triggers/bell", {})["activationId"]
        answered.append((time.time() - sent) * 1000)
        waited.append((_started(engine, fired) - sent) * 1000)
    p50 = statistics.median(waited)
    return Row("engine: fire → the rule's action runs, p50", f"{p50:.2f} ms",
               f"the answer to the fire: {statistics.median(answered):.2f} ms",
               f"{p50 / statistics.median(answered):.2f}×", "≤ 2 ms", p50 <= 2)  # fmt: skip


def _started(engine: Engine, fired: str) -> float:
    line = json.loads(engine.ask("GET", f"activations/{fired}")["logs"][0])
    while True:
        listed = engine.ask("GET", "activations?name=stamp&limit=1&docs=true")
        if listed and listed[0]["activationId"] == line["activationId"]:
            return float(listed[0]["response"]["result"]["started"])
        time.sleep(0.005)


def in_turn(engine: Engine) -> Row:
    """A hundred actions in turn, where the pool holds fifty: every call finds its container gone."""
    memory = Limits.machine().max_memory // HELD
    for number in range(ACTIONS):
        engine.put(f"turn{number}", {"kind": KIND, "code": NOOP}, limits={"memory": memory})
    first = [_call(engine, number) for number in range(HELD // 2)]  # there is room, and none has to go
    rounds = [[_call(engine, number) for number in range(ACTIONS)] for _ in range(ROUNDS)]
    cold, turn = statistics.median(first), min(statistics.median(times) for times in rounds)
    return Row("engine: 100 actions in turn, the pool holds 50, p50", f"{turn:.1f} ms",
               f"a first call where there is room {cold:.1f} ms", f"{turn / cold:.2f}×", "≤ 1.3×",
               turn <= 1.3 * cold)  # fmt: skip


def _call(engine: Engine, number: int) -> float:
    began = time.perf_counter()
    engine.ask("POST", f"actions/turn{number}?blocking=true", {})
    return (time.perf_counter() - began) * 1000
