"""The parts of one engine, for everything that answers requests."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deepwhisk.engine.activations import Activations
from deepwhisk.engine.apis import Apis
from deepwhisk.engine.authentication import Identities
from deepwhisk.engine.database import Database
from deepwhisk.engine.invocation import Pool
from deepwhisk.engine.kinds import Kinds
from deepwhisk.engine.limits import Limits
from deepwhisk.engine.registry import Registry
from deepwhisk.engine.throttles import Throttles

T = TypeVar("T")

log = logging.getLogger("deepwhisk.engine")


@dataclass(slots=True)
class Platform:
    """One engine."""

    database: Database
    registry: Registry
    identities: Identities
    activations: Activations
    apis: Apis
    throttles: Throttles
    limits: Limits
    pool: Pool
    running: set[asyncio.Task[Any]] = field(default_factory=set)

    @classmethod
    def open(cls, database: Database, pool: Pool, limits: Limits, kinds: Kinds | None = None) -> "Platform":
        return cls(
            database=database,
            registry=Registry(database, kinds),
            identities=Identities(database),
            activations=Activations(database),
            apis=Apis(database),
            throttles=Throttles(limits),
            limits=limits,
            pool=pool,
        )

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Runs WORK beside the request that asked for it; a failure is logged."""
        task = asyncio.ensure_future(work)
        self.running.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self.running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an invocation failed inside the engine", exc_info=error)
