"""Containers that stay warm: after a deployment, a start of the engine, the death of one, and no longer."""

import base64
import io
import os
import signal
import tempfile
import zipfile
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from deepwhisk.engine.containers.process import ProcessContainer
from deepwhisk.engine.entities import Action
from deepwhisk.engine.limit_tables import Policy
from deepwhisk.engine.limits import Limits
from deepwhisk.engine.names import Name
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.pool import MachinePool
from deepwhisk.engine.service import Service, running
from deepwhisk.engine.targets import target
from deepwhisk.engine.warmth import SPARE, Warmth
from fixtures.engine import Answer, Api, Whisk
from fixtures.pool import becomes

PID = "import os\ndef main(args):\n    return {'pid': os.getpid()}\n"
PATIENCE = 60.0
BUILD = """# /// script
# dependencies = []
# ///
import pathlib, time
while not pathlib.Path({!r}).exists(): time.sleep(0.02)
"""


@dataclass
class Machine:
    """An engine in this process with real containers."""

    platform: Platform
    pool: MachinePool
    api: Api

    def pids(self) -> set[int]:
        idle = (berth.container for berth in self.pool._shelf.all() if berth.idle)
        return {container.pid for container in idle if isinstance(container, ProcessContainer)}

    async def idle(self, number: int) -> None:
        await becomes(lambda: self.pool.status().gauges["containers_idle"], number, PATIENCE)


@asynccontextmanager
async def a_machine(state: Path, cache: Path, limits: Limits | None = None) -> AsyncIterator[Machine]:
    pools: list[MachinePool] = []
    with tempfile.TemporaryDirectory(prefix="w-") as scratch:

        def make(address: str) -> MachinePool:
            pools.append(MachinePool(cache, address, memory=2048, idle_seconds=1.0, scratch=Path(scratch)))
            return pools[0]

        async with (
            running(Service(state, 0, policy=Policy(limits or Limits.machine())), make) as (
                address,
                platform,
            ),
            aiohttp.ClientSession() as session,
        ):
            guest = platform.identities.of("guest")
            assert guest is not None
            yield Machine(platform, pools[0], Api(address, guest.credentials, session))


def notes(**annotations: Any) -> list[dict[str, Any]]:
    return [{"key": key.replace("_", "-"), "value": value} for key, value in annotations.items()]


def phases(answer: Answer) -> list[str]:
    return [each.partition(";")[0].strip() for each in answer.headers["Server-Timing"].split(",")]


async def test_as_many_containers_as_are_asked_for_stay_warm(tmp_path: Path, environment_cache: Path) -> None:
    async with a_machine(tmp_path / "state", environment_cache) as machine:
        await machine.api.make("a", PID, annotations=notes(min_warm=2))
        await machine.idle(2)
        answer = await machine.api("POST", "actions/a?blocking=true", {})
        assert answer.headers["X-OW-Container"] == "warm"

        dead = answer.json["response"]["result"]["pid"]
        os.kill(dead, signal.SIGKILL)
        await becomes(lambda: (len(machine.pids()), dead in machine.pids()), (2, False), PATIENCE)

    async with a_machine(tmp_path / "state", environment_cache) as machine:
        await machine.idle(2)  # after a start of the engine
        await machine.api("DELETE", "actions/a")
        for berth in machine.pool._shelf.all():
            berth.held = float("-inf")  # as a minute later
        await machine.idle(0)


async def test_a_first_call_waits_for_what_is_made_and_says_so(
    tmp_path: Path, environment_cache: Path
) -> None:
    gate, code = tmp_path / "gate", io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("__main__.py", PID)
        archive.writestr("build.py", BUILD.format(str(gate)))
    async with a_machine(tmp_path / "state", environment_cache, Limits(max_wait=1000)) as machine:
        exported = notes(web_export=True)
        await machine.api.make("a", base64.b64encode(code.getvalue()).decode(), annotations=exported)
        path = "/api/v1/web/guest/default/a.json"
        answer = await machine.api("GET", path)
        assert answer.status == 503
        assert "The environment of the action is being made" in answer.error

        gate.touch()
        machine.platform.limits = Limits()
        first, second = await machine.api("GET", path), await machine.api("GET", path)
        assert [each.status for each in (first, second)] == [200, 200]
        assert phases(first) == ["queue", "environment", "start", "init", "run"]
        assert phases(second) == ["queue", "run"]


async def test_a_container_that_always_fails_is_not_started_for_ever(whisk: Whisk) -> None:
    await whisk.api.make("a", "def main(args):\n    return args\n", annotations=notes(min_warm=1))
    guest = whisk.platform.identities.of("guest")
    assert guest is not None
    executable = target(whisk.platform.registry, Name("guest", None, "a"), guest).executable
    warmth = Warmth(whisk.platform)
    assert executable is not None
    assert warmth._wanted() == [executable]
    warmth._starts[executable.key] = deque()
    for _ in range(1 + SPARE):
        assert warmth._may_start(executable)
        await warmth._fill(executable)

    assert not warmth._may_start(executable)
    assert executable in whisk.pool.prewarmed


async def test_annotations_say_how_an_action_is_kept_and_asked(whisk: Whisk) -> None:
    async def kept(name: str, **annotations: Any) -> tuple[int, int, float | None]:
        await whisk.api.make(name, annotations=notes(**annotations))
        guest = whisk.platform.identities.of("guest")
        assert guest is not None
        found = target(whisk.platform.registry, Name("guest", None, name), guest).executable
        assert found is not None
        return found.concurrency, found.min_warm, found.keep_alive

    assert await kept("plain") == (1, 0, None)
    assert await kept("batches", concurrency=32, min_warm=1, keep_alive=3600) == (32, 1, 3600.0)
    assert await kept("greedy", concurrency=1000) == (64, 0, None)
    assert await kept("odd", concurrency="x", min_warm=-1, keep_alive=True) == (1, 0, None)
    shown = whisk.platform.registry.get(Action, Name("guest", None, "batches")).limits
    assert shown.concurrency == 1  # what clients see of it is what they said
