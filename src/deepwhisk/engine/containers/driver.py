"""Makes process containers: environment, zygote and fork, the first two once for all that share them.

Law: whatever takes long happens in `ready`, outside every action's time limit.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from deepwhisk.engine.container import Container
from deepwhisk.engine.containers import launch, process, zygote
from deepwhisk.engine.containers.making import Makings
from deepwhisk.engine.containers.node import Node, wants_node
from deepwhisk.engine.containers.orphans import claim_folder
from deepwhisk.engine.containers.watch import Watch
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.kinds import NO_NODE, OWN_IMAGES, is_own
from deepwhisk.engine.source import Recipe
from deepwhisk.environments import Environment, digest_of, install_runtime
from deepwhisk.errors import ContainerFailed, EnvironmentFailed, ImageMissing

_BASE = Recipe()


class ProcessDriver:
    """Containers as processes of this machine; create it inside a running event loop."""

    def __init__(
        self,
        cache: Path,
        variables: Mapping[str, str],
        idle_seconds: float,
        scratch: Path | None = None,
        node: Node | None = None,
    ) -> None:
        self._cache = cache
        self._node = node
        self._variables = dict(variables)
        self._idle_seconds = idle_seconds
        self._makings = Makings(cache)
        self._folder, self._lock = claim_folder(scratch)
        self._watch = Watch()
        self._zygotes: dict[str, asyncio.Task[zygote.Zygote]] = {}
        self._used: dict[str, float] = {}
        self._number = 0
        self._closed = False
        self._background: set[asyncio.Task[None]] = set()
        self._keep(self._prepare_base())
        self._keep(self._end_idle())

    def status(self) -> list[dict[str, Any]]:
        """How every environment stands; one whose libraries are still being imported is not ready."""
        return [self._importing(state) for state in self._makings.status()]

    def _importing(self, state: dict[str, Any]) -> dict[str, Any]:
        task = self._zygotes.get(state["digest"])
        if state["state"] == "ready" and task is not None and not task.done():
            return {**state, "state": "making", "phase": "importing its libraries"}
        return state

    def prepare(self, executable: Executable) -> None:
        self._keep(self._prepare(executable))

    async def ready(self, executable: Executable) -> None:
        if executable.image and not is_own(executable.image):
            raise ImageMissing(
                executable.image,
                f"The image {executable.image} cannot run as a process: of images, only those named "
                f"{OWN_IMAGES[0]}… stand for a runtime that this engine has without them.",
            )
        if wants_node(executable) and self._node is None:
            raise ContainerFailed(f"{executable.key[1]} cannot run. {NO_NODE}")
        await self._warm(await self._recipe(executable))

    async def start(self, executable: Executable) -> Container:
        recipe = await self._recipe(executable)
        environment = await self._makings.environment(recipe)
        parent = await self._zygote(environment, recipe.packages)
        try:
            return await self._fork(parent, executable, environment)
        except ContainerFailed:
            if parent.alive:
                raise
        return await self._fork(await self._zygote(environment, recipe.packages), executable, environment)

    async def _fork(
        self, parent: zygote.Zygote, executable: Executable, environment: Environment
    ) -> process.ProcessContainer:
        self._number += 1
        folder = parent.folder / str(self._number)
        variables, program = self._variables_of(environment), list[str]()
        if self._node is not None and wants_node(executable):
            variables, program = variables | self._node.variables(), self._node.command(executable)
        try:
            return await process.fork(parent, executable, folder, variables, self._watch, program)
        except OSError as fault:
            raise ContainerFailed(f"cannot start a container: {fault}") from fault

    async def close(self) -> None:
        self._closed = True
        for task in self._background:
            task.cancel()
        for starting in self._zygotes.values():
            starting.cancel()  # if it is not done
        await self._makings.close()
        await asyncio.gather(*self._background, return_exceptions=True)
        started = await asyncio.gather(*self._zygotes.values(), return_exceptions=True)
        await asyncio.gather(*(each.close() for each in started if isinstance(each, zygote.Zygote)))
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        os.close(self._lock)

    async def _recipe(self, executable: Executable) -> Recipe:
        """Node.js wants nothing of a zygote but to be forked by it."""
        return _BASE if wants_node(executable) else await self._makings.recipe(executable)

    def _variables_of(self, environment: Environment) -> dict[str, str]:
        weights = {"DEEPWHISK_WEIGHTS": str(environment.weights)} if environment.weights else {}
        return self._variables | weights

    async def _prepare(self, executable: Executable) -> None:
        try:
            self._makings.forget_failure(await self._recipe(executable))
            await self.ready(executable)
        except (EnvironmentFailed, ContainerFailed):
            return  # `status` shows it, and a call gets it as its outcome

    async def _prepare_base(self) -> None:
        try:
            await self._warm(_BASE)
        except (EnvironmentFailed, ContainerFailed):
            return  # as above

    async def _warm(self, recipe: Recipe) -> None:
        environment = await self._makings.environment(recipe)
        await self._zygote(environment, recipe.packages)

    async def _zygote(self, environment: Environment, packages: list[str]) -> zygote.Zygote:
        """The living zygote of an environment; another one if that has died."""
        if self._closed:
            raise ContainerFailed("the engine is being shut down")
        digest = environment.digest
        self._used[digest] = time.monotonic()
        task = self._zygotes.get(digest)
        if task is None or (task.done() and not _lives(task)):
            task = asyncio.create_task(self._start_zygote(environment, packages))
            self._zygotes[digest] = task
        return await asyncio.shield(task)

    async def _start_zygote(self, environment: Environment, packages: list[str]) -> zygote.Zygote:
        self._number += 1
        folder = self._folder / f"{environment.digest[:8]}-{self._number}"
        try:
            runtime = await asyncio.to_thread(install_runtime, self._cache)
            return await launch.start(environment.python, runtime, folder, self._variables, packages)
        except OSError as fault:
            raise ContainerFailed(f"cannot start {environment.python}: {fault}") from fault

    async def _end_idle(self) -> None:
        """A zygote that has no containers is kept for a while; the base's for ever."""
        base = digest_of("")
        while True:
            await asyncio.sleep(min(30.0, self._idle_seconds))
            until = time.monotonic() - self._idle_seconds
            for digest in [each for each, used in self._used.items() if used < until and each != base]:
                await self._end_zygote(digest)

    async def _end_zygote(self, digest: str) -> None:
        task = self._zygotes[digest]
        if task.done() and _lives(task) and not task.result().containers:
            del self._zygotes[digest], self._used[digest]
            await task.result().close()

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _lives(task: asyncio.Task[zygote.Zygote]) -> bool:
    return not task.cancelled() and task.exception() is None and task.result().alive
