"""Environments being made for actions, in threads, with their state for whoever watches.

Law: one recipe is made once at a time; a failure is remembered for a while, so
that no crowd of calls repeats it.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.source import Recipe, recipe_of
from deepwhisk.environments import Environment, Environments, digest_of
from deepwhisk.errors import EnvironmentFailed

RETRY_SECONDS = 30.0
_REMEMBERED = 512


def _now() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Making:
    """The state of one environment, as `GET /environments` shows it."""

    digest: str
    packages: list[str]
    state: str = "making"
    phase: str = "waiting"
    since: int = field(default_factory=_now)
    error: str | None = None

    def become(self, state: str, phase: str, error: str | None = None) -> None:
        self.state, self.phase, self.error, self.since = state, phase, error, _now()


class Makings:
    """Recipes on their way to environments."""

    def __init__(self, cache: Path) -> None:
        self._environments = Environments(cache)
        self._threads = ThreadPoolExecutor(4, "environment")
        self._recipes: dict[tuple[str, str], Recipe] = {}
        self._tasks: dict[Recipe, asyncio.Task[Environment]] = {}
        self._states: dict[Recipe, Making] = {}
        self._reading = 0

    def status(self) -> list[dict[str, Any]]:
        """Every environment; also, without a digest yet, what actions that have just come will need."""
        unread = [Making("", [], phase="reading requirements.txt") for _ in range(self._reading)]
        return [asdict(state) for state in (*self._states.values(), *unread)]

    async def recipe(self, executable: Executable) -> Recipe:
        action = executable.key[1:]
        if action not in self._recipes:
            while len(self._recipes) >= _REMEMBERED:
                del self._recipes[next(iter(self._recipes))]
            self._reading += 1
            try:
                self._recipes[action] = await asyncio.to_thread(recipe_of, executable)
            finally:
                self._reading -= 1
        return self._recipes[action]

    def forget_failure(self, recipe: Recipe) -> None:
        state = self._states.get(recipe)
        if state is not None and state.state == "failed":
            del self._states[recipe], self._tasks[recipe]

    async def environment(self, recipe: Recipe) -> Environment:
        """Shared by all that wait; raises EnvironmentFailed."""
        self._forget_outdated(recipe)
        if recipe not in self._tasks:
            self._states[recipe] = Making(digest_of(recipe.requirements), recipe.packages)
            self._tasks[recipe] = asyncio.create_task(self._make(recipe, self._states[recipe]))
        return await asyncio.shield(self._tasks[recipe])

    def _forget_outdated(self, recipe: Recipe) -> None:
        """A failure of a while ago, or an environment that somebody has deleted."""
        state, task = self._states.get(recipe), self._tasks.get(recipe)
        if state is None or task is None or not task.done():
            return
        if state.state == "failed":
            outdated = _now() - state.since > RETRY_SECONDS * 1000
        else:
            outdated = not task.result().python.exists()
        if outdated:
            del self._states[recipe], self._tasks[recipe]

    async def _make(self, recipe: Recipe, state: Making) -> Environment:
        def progress(line: str) -> None:
            state.phase = line or state.phase

        loop = asyncio.get_running_loop()
        try:
            made = await loop.run_in_executor(
                self._threads, self._environments.prepare, recipe.requirements, recipe.build, progress
            )
        except EnvironmentFailed as fault:
            state.become("failed", state.phase, str(fault))
            raise
        except OSError as fault:
            state.become("failed", state.phase, str(fault))
            raise EnvironmentFailed(f"its environment cannot be kept on this machine: {fault}") from fault
        state.become("ready", "ready")
        return made

    async def close(self) -> None:
        self._environments.close()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
