"""Sequences: each component's result is the next one's payload; an error ends it.

The records of the components are stored with the sequence's own, in one transaction. While one component
runs, containers for the later ones are started.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.engine.activations import Record
from deepwhisk.engine.entities import Action
from deepwhisk.engine.invocation import APPLICATION_ERROR, SUCCESS
from deepwhisk.engine.names import Name, resolve
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import Problem, forbidden, malformed
from deepwhisk.engine.registry import Registry
from deepwhisk.engine.steps import Payload, Perform, Step, enclosing
from deepwhisk.engine.targets import Target, find_action, readable_package, target

GONE = "Sequence component does not exist."
TOO_MANY = "Too many actions in the sequence."
DEEPEST = 50  # sequences in each other


@dataclass(slots=True)
class Run:
    """A sequence that is running; inner ones share `atoms` with the outermost."""

    platform: Platform
    step: Step
    target: Target
    atoms: list[int]
    perform: Perform
    start: int = field(default_factory=lambda: int(time.time() * 1000))
    own: list[Record] = field(default_factory=list)  # of the components, in order
    inner: list[Record] = field(default_factory=list)  # of components of components
    memory: int = 0

    async def run(self) -> Record:
        """The sequence's own record; `own` and `inner` hold the others."""
        payload: Payload = self.step.payload
        components = self.target.action.exec.components
        for position, name in enumerate(components):
            try:
                last = await self._component(name, payload, components[position + 1 :])
            except Problem as problem:
                return self._record({"error": problem.message}, APPLICATION_ERROR, None)
            payload = last.result
            if last.status != SUCCESS or (isinstance(payload, dict) and "error" in payload):
                break
        return self._record(last.result, last.status, last.size)

    async def _component(self, name: Name, payload: Payload, later: tuple[Name, ...]) -> Record:
        reached = _reach(self.platform.registry, name, self.step)
        step = self.step.inside(name, payload)
        if reached.executable is None:
            record = await self._sequence(step, reached)
        else:
            self._count()
            self._start_ahead(later)
            self.memory = max(self.memory, reached.executable.memory)
            record, *others = await self.perform(self.platform, step, reached)
            self.inner += others
        self.own.append(record)
        return record

    async def _sequence(self, step: Step, reached: Target) -> Record:
        run = Run(self.platform, step, reached, self.atoms, self.perform)
        record = await run.run()
        self.inner += [*run.own, *run.inner]
        self.memory = max(self.memory, run.memory)
        return record

    def _count(self) -> None:
        self.atoms[0] += 1
        if self.atoms[0] > self.platform.limits.sequence_length:
            raise Problem(400, TOO_MANY)

    def _start_ahead(self, later: tuple[Name, ...]) -> None:
        for name in later:
            try:
                reached = target(self.platform.registry, name, self.step.caller)
            except Problem:  # it is said when its turn comes
                continue
            if reached.executable is not None and reached.is_cold():
                self.platform.spawn(self.platform.pool.prewarm(reached.executable))

    def _record(self, result: Any, status: int, size: int | None) -> Record:
        return enclosing(
            self.step,
            self.target,
            self.start,
            self.own,
            status,
            result,
            annotations=self._annotations(),
            size=size,
        )

    def _annotations(self) -> dict[str, Any]:
        notes: dict[str, Any] = {} if self.target.binding is None else {"binding": self.target.binding}
        notes["topmost"] = self.step.cause is None
        notes["path"] = self.target.action.name.id
        notes["waitTime"] = 0
        notes["kind"] = "sequence"
        if self.own:
            limits = self.target.action.limits.as_json()
            notes["limits"] = {**limits, "memory": self.memory or limits["memory"]}
        if self.step.cause is not None:
            notes["causedBy"] = "sequence"
        return notes


async def run_sequence(platform: Platform, step: Step, reached: Target, perform: Perform) -> list[Record]:
    """The sequence's record, followed by those of everything it ran; PERFORM runs each component."""
    run = Run(platform, step, reached, [0], perform)
    record = await run.run()
    return [record, *run.own, *run.inner]


def _reach(registry: Registry, name: Name, step: Step) -> Target:
    try:
        return target(registry, name, step.caller)
    except Problem as problem:
        raise Problem(404, GONE if problem.status == 404 else problem.message) from None


def check_rights(registry: Registry, sequence: Action, caller: str) -> None:
    """Refuses to begin SEQUENCE where a component's package is closed to CALLER, or gone."""
    for name in sequence.exec.components:
        if name.package is not None:
            readable_package(registry, Name(name.namespace, None, name.package), caller)
        elif name.namespace != caller:
            raise forbidden(name.id)


def check_components(
    registry: Registry, sequence: Name, components: tuple[Name, ...], caller: str, most: int
) -> None:
    """Refuses components that are none, not there, not allowed, too many, or SEQUENCE itself."""
    if not components:
        raise Problem(400, "No component specified for the sequence.")
    for name in components:
        most = _left(registry, sequence, name, caller, most)


def _left(registry: Registry, sequence: Name, name: Name, caller: str, most: int, depth: int = 0) -> int:
    """How many of MOST actions are left after those that NAME stands for; no more of them are looked at."""
    action = _component(registry, name, caller)
    if sequence in (name, action.name) or depth > DEEPEST:
        raise Problem(400, "Sequence may not refer to itself.")
    if not action.is_sequence:
        if not most:
            raise Problem(400, TOO_MANY)
        return most - 1
    for inner in action.exec.components:
        most = _left(registry, sequence, inner, caller, most, depth + 1)
    return most


def _component(registry: Registry, name: Name, caller: str) -> Action:
    if name.package is None and name.namespace == caller and registry.find(Action, name) is None:
        raise Problem(400, GONE)
    return find_action(registry, name, caller).action


def read_components(value: Any, namespace: str) -> tuple[Name, ...]:
    """The components that a body names."""
    if value is None:
        raise malformed("'components' must be defined for sequence kind")
    if not isinstance(value, list):
        raise malformed("'components' must be an array")
    return tuple(resolve(component, namespace) for component in value)
