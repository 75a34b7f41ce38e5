"""Runs calls in containers: warm ones if there are, new ones as memory allows.

Law: `run` always gives an outcome. A container that failed its call is ended; one that answered stays warm.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepwhisk.engine import running, verdict
from deepwhisk.engine.berth import Berth
from deepwhisk.engine.container import Answer, Container, Driver
from deepwhisk.engine.containers.chooser import PROCESS, Chooser, MakeDriver
from deepwhisk.engine.containers.driver import ProcessDriver
from deepwhisk.engine.containers.node import Node
from deepwhisk.engine.invocation import (
    APPLICATION_ERROR,
    ENVIRONMENT,
    INIT,
    QUEUE,
    RUN,
    START,
    Call,
    Executable,
    Outcome,
    PoolStatus,
    Progress,
    Usage,
)
from deepwhisk.engine.shelf import Shelf
from deepwhisk.errors import ContainerFailed, EnvironmentFailed
from deepwhisk.keeper.memory import machine

_ATTEMPTS = 3


class WarmPool:
    """A `Pool` over any driver; `memory` (MB) is what all containers together may be granted."""

    def __init__(self, driver: Driver, *, memory: int, idle_seconds: float = 600.0) -> None:
        self._driver = driver
        self._idle_seconds = idle_seconds
        self._shelf = Shelf(memory, self._dispose)
        self._tasks: set[asyncio.Task[None]] = set()
        self._tidying = asyncio.create_task(self._tidy())
        self._closed = False

    async def run(self, executable: Executable, call: Call) -> Outcome:
        arrived = running.now()
        for _ in range(_ATTEMPTS):
            try:
                berth = self._shelf.take(executable.key) or await self._claim(executable, call.progress)
            except (EnvironmentFailed, ContainerFailed) as fault:
                return running.unstarted(fault, executable, call, arrived)
            outcome = await self._run_in(berth, call, arrived)
            if outcome is not None:
                return outcome
        gone = ContainerFailed(f"{_ATTEMPTS} containers in turn were shutting down when they were asked")
        return running.unstarted(gone, executable, call, arrived)

    async def prewarm(self, executable: Executable) -> bool:
        """Start and initialize a container for the next call; a failure is left for that to meet."""
        try:
            await self._driver.ready(executable)
            berth = self._shelf.offer(executable)
            if berth is not None:
                await self._initialize_ahead(berth)
        except (EnvironmentFailed, ContainerFailed):
            return True
        return berth is not None

    def prepare(self, executable: Executable) -> None:
        self._driver.prepare(executable)

    async def close(self) -> None:
        self._closed = True
        self._tidying.cancel()
        for berth in self._shelf.all():
            self._shelf.remove(berth)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._driver.close()

    async def _claim(self, executable: Executable, progress: Progress) -> Berth:
        progress.enter(ENVIRONMENT)
        await self._driver.ready(executable)
        if self._closed:
            raise ContainerFailed("the engine is being shut down")
        progress.enter(QUEUE)
        berth = await self._shelf.claim(executable)
        if berth.starting:
            progress.enter(START)
            await self._start(berth)
        return berth

    async def _start(self, berth: Berth) -> Container:
        try:
            container = berth.container = await self._driver.start(berth.executable)
        except BaseException:
            self._shelf.remove(berth)
            raise
        container.on_end(lambda: self._bury(berth))
        return container

    async def _initialize_ahead(self, berth: Berth) -> None:
        ready = False
        try:
            container = await self._start(berth)
            reply = await running.initialize(container, berth.executable, None)
            ready = verdict.of_init(reply, berth.executable.timeout) is None
        finally:
            self._shelf.started(berth) if ready else self._shelf.remove(berth)

    async def _run_in(self, berth: Berth, call: Call, arrived: int) -> Outcome | None:
        """None: this container cannot take the call, another one may."""
        try:
            outcome = await self._activate(berth, call, arrived)
        except BaseException:
            self._shelf.retire(berth)
            raise
        if outcome is None or outcome.status > APPLICATION_ERROR:
            self._shelf.retire(berth)
        else:
            self._shelf.release(berth)
        return outcome

    async def _activate(self, berth: Berth, call: Call, arrived: int) -> Outcome | None:
        assert berth.container is not None
        container, executable = berth.container, berth.executable
        start = running.now()
        times: dict[str, Any] = {"start": start, "wait_time": start - arrived, "container": "warm"}
        used: Usage | None = None
        if berth.starting:
            call.progress.enter(INIT)
            reply = await running.initialize(container, executable, call)
            times |= {"init_time": running.now() - start, "container": container.origin}
            if running.refuses(reply):
                return None
            failure = verdict.of_init(reply, executable.timeout, executable.kind)
            if failure:
                return await running.outcome_of(container, executable, reply, failure, times)
            used = reply.usage if isinstance(reply, Answer) else None
            self._shelf.started(berth)
        call.progress.enter(RUN)
        reply = await running.run(container, executable, call)
        if running.refuses(reply):
            return None
        judged = verdict.of_run(reply, executable.timeout, executable.kind)
        outcome = await running.outcome_of(container, executable, reply, judged, times)
        if outcome.usage is not None:
            outcome.usage = outcome.usage.after(used)
        return outcome

    def _bury(self, berth: Berth) -> None:
        """A container that dies while a call runs is that call's to report; it takes no other."""
        berth.closing = True
        if berth.idle:
            self._shelf.remove(berth)

    def _dispose(self, berth: Berth) -> None:
        if berth.container is not None:
            task = asyncio.create_task(berth.container.stop())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(min(5.0, self._idle_seconds / 2))
            self._shelf.expire(self._idle_seconds)


class MachinePool(WarmPool):
    """The pool of one machine. Create it inside a running event loop.

    `cache` keeps environments and weights between runs. `api_host` is what actions see as `__OW_API_HOST`.
    `memory` (MB) is what all containers together may be granted; 70 % of the machine's if None.
    `idle_seconds` is how long an unused container stays warm. `variables` are set in every container.
    `scratch` is where containers have their folders: the system's place for temporary files if None.
    `node` runs actions of kind `nodejs:…`, if there is one. `default` names the driver of kinds and own
    images; `images` makes those that run any image, the preferred one first, from what to set in containers.
    `answers` is where processes keep the answers of models that say they are deterministic.
    """

    def __init__(
        self,
        cache: Path,
        api_host: str,
        *,
        memory: int | None = None,
        idle_seconds: float = 600.0,
        variables: Mapping[str, str] | None = None,
        scratch: Path | None = None,
        node: Node | None = None,
        default: str = PROCESS,
        images: Mapping[str, MakeDriver] | None = None,
        answers: Path | None = None,
    ) -> None:
        known = {"__OW_API_HOST": api_host, **(variables or {})}
        shared = {"DEEPWHISK_ANSWERS": str(answers.absolute())} if answers else {}
        self._processes = ProcessDriver(cache, known | shared, idle_seconds, scratch, node)
        made = {name: make(known) for name, make in (images or {}).items()}
        budget = memory or int(machine() * 0.7) >> 20
        chooser = Chooser(self._processes, made, default)
        super().__init__(chooser, memory=budget, idle_seconds=idle_seconds)

    def status(self) -> PoolStatus:
        return PoolStatus(self._processes.status(), self._shelf.gauges())
