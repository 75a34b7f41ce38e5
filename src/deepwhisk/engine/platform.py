"""The parts of one engine, for everything that answers requests."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deepwhisk.engine.activations import Activations
from deepwhisk.engine.apis import Apis
from deepwhisk.engine.authentication import Identities, Identity
from deepwhisk.engine.database import Database
from deepwhisk.engine.invocation import Pool
from deepwhisk.engine.kinds import Kinds
from deepwhisk.engine.limit_tables import LimitTables, Policy
from deepwhisk.engine.limits import Limits
from deepwhisk.engine.metrics import Metrics
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
    limits: Limits  # of the engine; those of a namespace are in `tables`
    tables: LimitTables
    pool: Pool
    metrics: Metrics
    running: dict[asyncio.Task[Any], str | None] = field(default_factory=dict)  # and for which namespace
    introduce: Callable[[Identity], None] = lambda _: None  # tells the owner of this machine a new key

    @classmethod
    def open(cls, database: Database, pool: Pool, policy: Policy, kinds: Kinds | None = None) -> "Platform":
        tables = LimitTables(policy, database)
        throttles = Throttles(tables.of)
        return cls(
            database=database,
            registry=Registry(database, kinds, policy.base.max_concurrency),
            identities=Identities(database),
            activations=Activations(database),
            apis=Apis(database),
            throttles=throttles,
            limits=policy.base,
            tables=tables,
            pool=pool,
            metrics=Metrics(lambda: pool.status().gauges, throttles.refused),
        )

    def spawn(self, work: Coroutine[Any, Any, T], namespace: str | None = None) -> "asyncio.Task[T]":
        """Runs WORK beside the request that asked for it; a failure is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self.running[task] = namespace
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self.running.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an invocation failed inside the engine", exc_info=error)
