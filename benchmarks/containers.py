"""Containers without the REST side: cold start, one warm call, the memory of one more.

Beside them: a fresh interpreter that imports the same libraries, which is what a container without a zygote
is, and aiohttp's client on the same socket; in turn, so that what else the machine does hurts both.
"""

import asyncio
import base64
import io
import os
import statistics
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from benchmarks import Row
from deepwhisk.engine.bodies import run_body
from deepwhisk.engine.containers.wire import Wire
from deepwhisk.engine.containers.zygote import BASE
from deepwhisk.engine.invocation import Call, Executable
from deepwhisk.engine.pool import MachinePool
from deepwhisk.keeper import memory

CATALOG = Path(__file__).parent.parent / "catalog"
NO_OP = "import {}\ndef main(args):\n    return {{}}\n".format
COLD_STARTS, CALLS, MORE = 20, 3000, 4


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="b-") as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Row]:
    async with machine_pool(folder) as (pool, scratch):
        await pool.run(executable(NO_OP("json"), "first"), call())
        return [
            await cold_start(pool, folder),
            await warm_call(pool),
            await clients(pool, scratch),
            await one_more(
                "plain action", pool, scratch, lambda n: executable(NO_OP("json"), f"more{n}"), {}, 0
            ),
            *await model(pool, scratch),
        ]


@asynccontextmanager
async def machine_pool(folder: Path) -> AsyncIterator[tuple[MachinePool, Path]]:
    scratch = folder / "s"
    scratch.mkdir()
    pool = MachinePool(folder / "cache", "http://127.0.0.1:1", scratch=scratch)
    try:
        yield pool, scratch
    finally:
        await pool.close()


async def cold_start(pool: MachinePool, folder: Path) -> Row:
    """A new action's first call, against an interpreter that imports what the zygote holds."""
    python = next((folder / "cache" / "environments").glob("[!.]*/bin/python"))
    ours, fresh = [], []
    for number in range(COLD_STARTS):
        action = executable(NO_OP("flask, pydantic, boto3"), f"cold{number}")
        ours.append(await _milliseconds(lambda action=action: pool.run(action, call())))
        fresh.append(await _milliseconds(lambda: _interpreter(python)))
    mine, other = statistics.median(ours), statistics.median(fresh)
    return Row(
        "cold start: a new action's first call, libraries held by the zygote, p50",
        f"{mine:.1f} ms (worst {max(ours):.1f})",
        f"{other:.0f} ms: a fresh interpreter with these imports",
        f"{other / mine:.0f}×",
        "≤ 50 ms",
        mine <= 50,
    )


async def _interpreter(python: Path) -> None:
    process = await asyncio.create_subprocess_exec(python, "-c", f"import {', '.join(BASE)}")
    await process.wait()


async def warm_call(pool: MachinePool) -> Row:
    """All of it on the engine's side and in the container, and the engine's share of the processor's time."""
    action, asked = executable(NO_OP("json"), "warm"), call()
    await pool.run(action, asked)
    taken, before = [], time.process_time()
    for _ in range(CALLS):
        taken.append(await _milliseconds(lambda: pool.run(action, asked)))
    processor = (time.process_time() - before) / CALLS * 1000
    return Row(
        "one no-op through pool and warm container, p50",
        f"{statistics.median(taken):.3f} ms",
        f"{processor:.3f} ms of it are the engine's own processor time",
        f"{processor / statistics.median(taken):.0%}",
        "≤ 0.2 ms of the engine's",
        processor <= 0.2,
    )


async def clients(pool: MachinePool, scratch: Path) -> Row:
    """Our wire and aiohttp's client, in turn, on the door of the same container."""
    action = executable(NO_OP("json"), "door")
    await pool.run(action, call())
    door = max(scratch.glob("*/*/*/door"), key=lambda path: path.stat().st_mtime_ns)
    body = run_body(action, call())
    _, wire = await asyncio.get_running_loop().create_unix_connection(Wire, str(door))
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(door))) as session:
        ours = [await _milliseconds(lambda: wire.ask("/run", body)) for _ in range(CALLS)]
        theirs = [await _milliseconds(lambda: _aiohttp(session, body)) for _ in range(CALLS)]
        ours += [await _milliseconds(lambda: wire.ask("/run", body)) for _ in range(CALLS)]
    wire.close()
    mine, other = statistics.median(ours), statistics.median(theirs)
    return Row(
        "`/run` over the Unix socket alone, p50",
        f"{mine:.3f} ms",
        f"{other:.3f} ms: aiohttp's client",
        f"{other / mine:.1f}×",
        "faster",
        mine < other,
    )


async def _aiohttp(session: aiohttp.ClientSession, body: bytes) -> bytes:
    async with session.post("http://container/run", data=body) as answer:
        return await answer.read()


async def model(pool: MachinePool, scratch: Path) -> list[Row]:
    """The same for a real model, its weights apart."""
    folder = CATALOG / "image-classification"
    code = zipped(folder)
    payload = {"image": base64.b64encode((folder / "example" / "cat.jpg").read_bytes()).decode()}

    def action(number: int) -> Executable:
        return executable(code, f"model{number}", binary=True, memory=512)

    await pool.run(action(0), call(**payload))
    weights = sum(path.stat().st_size for path in (scratch.parent / "cache" / "weights").glob("[!.]*/*"))
    start = time.perf_counter()
    outcome = await pool.run(action(1), call(**payload))
    cold = (time.perf_counter() - start) * 1000
    inside = f"{outcome.init_time} ms of it are its /init: unpack, schema, load of the weights"
    return [
        Row(
            "cold start of image-classification, with its first prediction",
            f"{cold:.0f} ms",
            inside,
            "",
            "–",
            True,
        ),
        await one_more("image-classification", pool, scratch, lambda n: action(n + 2), payload, weights),
    ]


async def one_more(
    what: str,
    pool: MachinePool,
    scratch: Path,
    action: Callable[[int], Executable],
    payload: dict[str, Any],
    weights: int,
) -> Row:
    """What the sum over all processes grows by, so that what containers share counts once."""
    await pool.run(action(0), call(**payload))
    before = total(scratch)
    for number in range(1, MORE + 1):
        await pool.run(action(number), call(**payload))
    grown = (total(scratch) - before) / MORE / (1 << 20)
    whole = memory.proportional([_newest(scratch)]) / (1 << 20)
    resident, held = memory.resident([_newest(scratch)]) / (1 << 20), weights / (1 << 20)
    return Row(
        f"memory of one more warm container (PSS): {what}",
        f"{grown:.1f} MB, weights of {held:.1f} MB included" if weights else f"{grown:.1f} MB",
        f"{resident:.0f} MB resident, {whole:.0f} MB with its share of the zygote",
        "",
        "≤ 45 MB + weights",
        grown <= 45 + held,
    )


def total(scratch: Path) -> int:
    return memory.proportional(_processes(scratch))


def _processes(scratch: Path) -> list[int]:
    return [pid for pid in memory.family(os.getpid())[1:] if _works_below(pid, scratch)]


def _newest(scratch: Path) -> int:
    return max(_processes(scratch))


def _works_below(pid: int, scratch: Path) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/cwd").startswith(str(scratch))
    except FileNotFoundError:
        return False


async def _milliseconds(act: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await act()
    return (time.perf_counter() - start) * 1000


def zipped(folder: Path) -> str:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.iterdir():
            if path.is_file():
                archive.write(path, path.name)
    return base64.b64encode(held.getvalue()).decode()


def executable(code: str, name: str, **others: Any) -> Executable:
    known: dict[str, Any] = {"binary": False, "memory": 256, "timeout": 60_000}
    return Executable(
        key=("guest", f"guest/{name}", "1"),
        kind="python:3",
        image=None,
        code=code,
        main=None,
        logs=10,
        concurrency=1,
        **(known | others),
    )


def call(**payload: Any) -> Call:
    return Call(os.urandom(16).hex(), "benchmark", payload, None)
