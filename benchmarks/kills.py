"""`kill -9` of the engine at random moments under load: what it acknowledged is there when it starts again.

`python -m benchmarks.kills [TIMES]` does it 50 times and says what was lost, if anything was. Clients go on
all the while; after each start they look at what they know.
"""

import asyncio
import contextlib
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benchmarks import Row
from benchmarks.clients import ECHO, Client, Ledger, call, chain, edit, fire, link, post
from benchmarks.running import Running

TIMES = 50
FRESH = 5  # kills for one first start that theirs are compared with
SETTLED = 60  # seconds in which everything accepted must have been run


@dataclass
class Storm:
    """What came of it."""

    kills: int
    ledger: Ledger = field(default_factory=Ledger)
    first: list[float] = field(default_factory=list)  # seconds of first starts
    again: list[float] = field(default_factory=list)  # and of those after a kill
    faults: list[str] = field(default_factory=list)


def measure() -> list[Row]:
    storm = asyncio.run(kill(TIMES))
    told, first, again = storm.ledger, statistics.median(storm.first), statistics.median(storm.again)
    acknowledged = f"{told.edits:,} changes, {len(told.calls):,} calls, {len(told.fires):,} fires"
    return [
        Row(f"`kill -9` under load, {storm.kills} times: acknowledged and lost", str(len(storm.faults)),
            f"acknowledged: {acknowledged}", "", "0", not storm.faults),
        Row("start after `kill -9`, p50", f"{again:.2f} s (worst {max(storm.again):.2f})",
            f"first start {first:.2f} s", f"{again / first:.2f}×", "≤ 1.1×",
            again <= 1.1 * first),
    ]  # fmt: skip


async def kill(times: int, each: int = FRESH) -> Storm:
    """Kills an engine TIMES times, and then looks at everything.

    After EACH of them one more engine is started for the first time, under the same load.
    """
    with tempfile.TemporaryDirectory(prefix="deepwhisk-") as folder:
        engine, storm = Running(Path(folder) / "state"), Storm(times)
        engine.start()
        try:
            async with Client(engine.apihost, engine.auth) as client:
                await prepare(client)
                async with load(client, storm.ledger):
                    for number in range(times):
                        await asyncio.sleep(random.uniform(0.05, 2.0))
                        engine.kill()
                        if number % each == 0:
                            other = Path(folder) / str(number)
                            storm.first.append(await asyncio.to_thread(first_start, other))
                        storm.again.append(await asyncio.to_thread(engine.start))
                storm.faults += storm.ledger.faults + await missing(client, storm.ledger)
        finally:
            engine.stop()
        storm.faults += torn(engine.state / "engine" / "whisk.db")
    return storm


def first_start(state: Path) -> float:
    engine = Running(state)
    took = engine.start()
    engine.stop()
    return took


async def prepare(client: Client) -> None:
    """What the calls and fires need: an action, a sequence of it, a trigger with two rules."""
    for path, body in (
        ("actions/echo", {"exec": {"kind": "python:3", "code": ECHO}}),
        ("actions/chain", {"exec": {"kind": "sequence", "components": ["/_/echo", "/_/echo"]}}),
        ("triggers/bell", {}),
        ("rules/one", {"trigger": "/_/bell", "action": "/_/echo"}),
        ("rules/two", {"trigger": "/_/bell", "action": "/_/echo"}),
    ):
        answer = await client.ask("PUT", path, body)
        assert answer is not None, f"PUT {path} was not answered"
        assert answer.status == 200, answer.body
    await client.ask("POST", "actions/echo?blocking=true", {})


@contextlib.asynccontextmanager
async def load(client: Client, ledger: Ledger) -> AsyncIterator[None]:
    """Clients that never stop; what one of them finds wrong is in LEDGER."""
    makers = [edit, edit, link, call, call, post, fire, chain]
    tasks = [asyncio.create_task(make(client, ledger, number)) for number, make in enumerate(makers)]
    try:
        yield
    finally:
        ledger.over = True
        await asyncio.gather(*tasks)


async def missing(client: Client, ledger: Ledger) -> list[str]:
    """Which acknowledged activations are not there, or not what they were."""
    found = await asyncio.gather(
        *(_missing_call(client, each, sent) for each, sent in ledger.calls.items()),
        *(_missing_fire(client, each, sent) for each, sent in ledger.fires.items()),
        *(_missing_chain(client, each, sent) for each, sent in ledger.chains.items()),
    )
    return [fault for fault in found if fault]


async def _record(client: Client, identity: str) -> dict[str, Any] | None:
    deadline = time.monotonic() + SETTLED
    while time.monotonic() < deadline:
        answer = await client.ask("GET", f"activations/{identity}")
        if answer is not None and answer.status == 200:
            return answer.json
        await asyncio.sleep(0.1)
    return None


async def _missing_call(client: Client, identity: str, sent: int) -> str:
    record = await _record(client, identity)
    if record is None:
        return f"activation {identity} is lost"
    result = record["response"]["result"]
    return "" if result == {"n": sent} else f"activation {identity} of {sent} has the result {result}"


async def _missing_fire(client: Client, identity: str, sent: int) -> str:
    record = await _record(client, identity)
    if record is None:
        return f"fire {identity} is lost"
    lines = [orjson.loads(line) for line in record["logs"]]
    if len(lines) != 2:
        return f"fire {identity} shows {len(lines)} rules of 2"
    for line in lines:
        if not line["success"]:
            return f"fire {identity} did not activate: {line}"
        called = await _record(client, line["activationId"])
        if called is None or called["response"]["result"].get("n") != sent:
            return f"what fire {identity} activated is lost: {line}"
    return ""


async def _missing_chain(client: Client, identity: str, sent: int) -> str:
    fault = await _missing_call(client, identity, sent)
    record = await _record(client, identity) if not fault else None
    for component in record["logs"] if record else []:
        inner = await _record(client, component)
        if inner is None or inner["cause"] != identity:
            return f"component {component} of sequence {identity} is lost"
    return fault


def torn(file: Path) -> list[str]:
    """What is wrong in the file itself, once nobody has it open."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        read = lambda sql: connection.execute(sql).fetchall()  # noqa: E731
        faults = [row[0] for row in read("PRAGMA integrity_check") if row != ("ok",)]
        faults += [f"accepted and never run: {row[0]}" for row in read("SELECT id FROM accepted")]
        for identity, *pieces in read("SELECT id, head, response, logs FROM activations"):
            head, _, _ = map(orjson.loads, pieces)
            if head["activationId"] != identity:
                faults.append(f"the record of {identity} says it is {head['activationId']}")
        tallied = read("SELECT count(*) FROM activations") != read("SELECT sum(count) FROM tallies")
        return faults + ["the tallies do not add up"] * tallied


if __name__ == "__main__":
    ended = asyncio.run(kill(int(sys.argv[1]) if len(sys.argv) > 1 else TIMES))
    told = ended.ledger
    print(
        f"{ended.kills} kills; acknowledged: {told.edits} changes, {len(told.calls)} calls, "
        f"{len(told.chains)} sequences, {len(told.fires)} fires"
    )
    starts = f"p50 {statistics.median(ended.again):.3f} s, worst {max(ended.again):.3f} s"
    print(f"first starts p50 {statistics.median(ended.first):.3f} s, later ones {starts}")
    print("\n".join(ended.faults) or "nothing lost, nothing torn")
    sys.exit(bool(ended.faults))
