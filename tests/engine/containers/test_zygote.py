"""Whoever dies takes along what it started: containers, zygotes, the engine itself."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepwhisk.engine.invocation import DEVELOPER_ERROR, SUCCESS
from fixtures.machine import command_line
from fixtures.pool import ECHO, Running, a_pool, becomes, call, executable, marked

BUSY = """
import subprocess, time
def main(args):
    subprocess.Popen(["sleep", "60"])
    subprocess.Popen(["sleep", "60"], start_new_session=True)
    time.sleep(60)
"""
ENGINE = """
import asyncio, sys
from pathlib import Path
from fixtures.pool import call, executable
from deepwhisk.engine.pool import MachinePool

async def main(cache, scratch, code):
    pool = MachinePool(Path(cache), "http://127.0.0.1:1", scratch=Path(scratch))
    await asyncio.gather(*(pool.run(executable(code, name), call()) for name in ("a", "b")))

asyncio.run(main(*sys.argv[1:]))
"""


def zygotes(scratch: Path) -> list[int]:
    pids = marked(str(scratch))
    return [pid for pid in pids if "zygote" in command_line(pid) and _is_leader(pid, scratch)]


def _is_leader(pid: int, scratch: Path) -> bool:
    """A zygote's folder lies right below the engine's; those of containers deeper."""
    try:
        place = Path(os.readlink(f"/proc/{pid}/cwd"))
    except OSError:
        return False  # it has just ended
    return len(place.relative_to(scratch).parts) == 2


def sleepers(scratch: Path) -> int:
    return sum(command_line(pid).startswith("sleep") for pid in marked(str(scratch)))


@pytest.fixture
def scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="p-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def engine(environment_cache: Path, scratch: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process with a pool in which two actions run for a long time."""
    tests = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", ENGINE, str(environment_cache), str(scratch), BUSY]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": tests}) as process:
        yield process
        process.kill()


async def test_an_engine_that_is_killed_leaves_nothing(
    engine: "subprocess.Popen[bytes]", scratch: Path
) -> None:
    await becomes(lambda: sleepers(scratch), 4)

    engine.kill()

    await becomes(lambda: marked(str(scratch)), set())
    await becomes(lambda: list(scratch.glob("*/*/")), [])


async def test_the_next_engine_removes_what_was_left_when_all_were_killed(
    engine: "subprocess.Popen[bytes]", scratch: Path, environment_cache: Path
) -> None:
    await becomes(lambda: sleepers(scratch), 4)
    os.kill(engine.pid, signal.SIGSTOP)
    for pid in zygotes(scratch):
        os.kill(pid, signal.SIGKILL)
    engine.kill()
    engine.wait()
    left = {folder.name for folder in scratch.iterdir()}
    assert left

    async with a_pool(environment_cache, scratch=scratch):
        assert not left & {folder.name for folder in scratch.iterdir()}
        await becomes(lambda: sleepers(scratch), 0)


async def test_the_containers_of_a_killed_zygote_end_and_the_next_call_works(running: Running) -> None:
    await running.run()
    before = running.processes()
    busy = asyncio.create_task(running.pool.run(executable(BUSY, "busy"), call()))
    await becomes(lambda: sleepers(running.scratch), 2)

    [zygote] = zygotes(running.scratch)
    os.kill(zygote, signal.SIGKILL)
    outcome = await busy

    assert outcome.status == DEVELOPER_ERROR
    assert outcome.result == {"error": "command exited"}
    assert any("the process it was forked from" in line for line in outcome.logs)
    await becomes(lambda: sleepers(running.scratch), 0)
    assert (await running.run(ECHO, "echo", x=1)).result == {"x": 1}
    assert zygotes(running.scratch) != [zygote]
    await becomes(lambda: running.processes() & before, set())


async def test_many_calls_survive_the_death_of_their_zygote(running: Running) -> None:
    async def keep_calling(name: str) -> int:
        statuses = [(await running.run(ECHO, name)).status for _ in range(200)]
        return statuses.count(SUCCESS)

    await running.run()
    [zygote] = zygotes(running.scratch)
    calling = [asyncio.create_task(keep_calling(f"a{number}")) for number in range(3)]
    await asyncio.sleep(0.05)
    os.kill(zygote, signal.SIGKILL)
    succeeded = await asyncio.gather(*calling)

    assert all(count >= 199 for count in succeeded)


async def test_a_pool_ends_everything_while_actions_run(environment_cache: Path) -> None:
    async with a_pool(environment_cache) as running:
        await running.run()
        calling = asyncio.create_task(running.pool.run(executable(BUSY, "busy"), call()))
        await becomes(lambda: sleepers(running.scratch), 2)
    outcome = await calling

    assert outcome.status == DEVELOPER_ERROR
