"""Containers of images beside processes: cold start, one warm call, one that wakes a paused container.

Docker is the one that DOCKER_HOST names; without it, or without our image in it, there are no figures.
"""

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from benchmarks import Row
from benchmarks.containers import NO_OP, _milliseconds, call, executable
from deepwhisk.engine.containers.docker import DockerDriver
from deepwhisk.engine.containers.docker_api import DockerOptions
from deepwhisk.engine.containers.driver import ProcessDriver
from deepwhisk.engine.pool import WarmPool
from deepwhisk.errors import ContainerFailed

HOST = os.environ.get("DOCKER_HOST", DockerOptions().host)
VARIABLES = {"__OW_API_HOST": "http://127.0.0.1:1"}
COLD_STARTS, CALLS, PAUSES, GRACE = 15, 2000, 10, 0.1


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="b-") as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Row]:
    async with _pools(folder) as (docker, processes):
        try:
            await docker._driver.ready(executable(NO_OP("json"), "first"))
        except ContainerFailed as lack:
            print(lack, file=sys.stderr)
            return []
        return [await cold_start(docker, processes), await warm_call(docker, processes), await paused(docker)]


@asynccontextmanager
async def _pools(folder: Path) -> AsyncIterator[tuple[WarmPool, WarmPool]]:
    (folder / "s").mkdir()
    drivers = (
        DockerDriver(DockerOptions(HOST, grace=GRACE), str(folder), VARIABLES),
        ProcessDriver(folder / "cache", VARIABLES, 600, folder / "s"),
    )
    docker, processes = (WarmPool(driver, memory=2048) for driver in drivers)
    try:
        yield docker, processes
    finally:
        await docker.close()
        await processes.close()


async def cold_start(docker: WarmPool, processes: WarmPool) -> Row:
    """A new action's first call, in turn."""
    taken: dict[WarmPool, list[float]] = {docker: [], processes: []}
    for number in range(COLD_STARTS + 1):
        for pool, times in taken.items():
            action = executable(NO_OP("json"), f"cold{number}")
            times.append(await _milliseconds(lambda pool=pool, action=action: pool.run(action, call())))
    ours, beside = (statistics.median(times[1:]) for times in taken.values())
    return _row("Docker: cold start of our image, p50", ours, "a process", beside)


async def warm_call(docker: WarmPool, processes: WarmPool) -> Row:
    """The same action, again and again."""
    medians = []
    for pool in (docker, processes):
        action, asked = executable(NO_OP("json"), "warm"), call()
        await pool.run(action, asked)
        taken = [await _milliseconds(lambda: pool.run(action, asked)) for _ in range(CALLS)]  # noqa: B023
        medians.append(statistics.median(taken))
    return _row("Docker: one no-op in a warm container, p50", medians[0], "a process", medians[1])


async def paused(docker: WarmPool) -> Row:
    """A call that finds its container paused, beside one that does not."""
    action, asleep, awake = executable(NO_OP("json"), "paused"), list[float](), list[float]()
    await docker.run(action, call())
    for _ in range(PAUSES):
        await asyncio.sleep(GRACE + 0.5)
        asleep.append(await _milliseconds(lambda: docker.run(action, call())))
        awake.append(await _milliseconds(lambda: docker.run(action, call())))
    medians = statistics.median(asleep), statistics.median(awake)
    return _row("Docker: a call that wakes a paused container, p50", medians[0], "one awake", medians[1])


def _row(measure: str, ours: float, what: str, beside: float) -> Row:
    return Row(measure, f"{ours:.2f} ms", f"{what}: {beside:.2f} ms", f"{ours / beside:.1f}×", "–", True)
