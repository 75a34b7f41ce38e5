"""Compositions: a conductor action says after each call which action comes next, and what state it keeps.

The conductor is called with the payload; `{"action", "params", "state"}` in its result calls ACTION with
PARAMS, and then the conductor again with what came of it and STATE. A result without an action is the end.
What the conductor asks for in vain it is told in its next payload, as `error`. Compositions inside of one
share its counts; records of all calls are stored with the composition's own, in one transaction.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.engine.activations import Record
from deepwhisk.engine.codec import dumps
from deepwhisk.engine.entities import Package
from deepwhisk.engine.invocation import APPLICATION_ERROR, WHISK_ERROR
from deepwhisk.engine.names import Name, is_name
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import FAILED_INSIDE, Problem
from deepwhisk.engine.sequences import run_sequence
from deepwhisk.engine.steps import Payload, Step, enclosing, run_action
from deepwhisk.engine.targets import Target, target

TOO_LONG = "Too many actions in the composition."
_NOT_A_NAME = "Failed to parse action name from json value {} during composition."
_NOT_FOUND = "Failed to resolve action with name '{}' during composition."
_NOT_ALLOWED = "Failed entitlement check for action with name '{}' during composition."

Json = dict[str, Any]


@dataclass(slots=True)
class Count:
    """What a composition and those inside of it have called."""

    conductors: int = 0
    components: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """What a conductor's result asks for."""

    action: Any  # a name, if all is well
    params: Json
    state: Json


@dataclass(slots=True)
class Composition:
    """One that is running: a conversation with its conductor."""

    platform: Platform
    step: Step
    target: Target
    count: Count = field(default_factory=Count)
    start: int = field(default_factory=lambda: int(time.time() * 1000))
    own: list[Record] = field(default_factory=list)  # of the conductor and the components, in order
    inner: list[Record] = field(default_factory=list)  # of what the components called

    async def run(self) -> Record:
        """The composition's own record; `own` and `inner` hold the others."""
        payload: Payload = self.step.payload
        while self.count.conductors <= 2 * self.platform.limits.sequence_length:
            self.count.conductors += 1
            said = await self._conduct(payload)
            if isinstance(said.result, list):
                return self._record(WHISK_ERROR, {"error": FAILED_INSIDE})
            if "action" not in said.result:
                return self._record(said.status, boxed(said.result, "params", "value", said.result))
            move = read_move(said.result)
            payload = {**await self._obey(move), **move.state}
        return self._record(APPLICATION_ERROR, {"error": TOO_LONG})

    async def _conduct(self, payload: Payload) -> Record:
        assert self.target.executable is not None
        step = self.step.inside(self.step.name, payload)
        record = await run_action(self.platform, step, self.target, self.target.executable)
        self.own.append(record)
        return record

    async def _obey(self, move: Move) -> Json:
        """What came of a move; what cannot be done is an error that the conductor hears of."""
        try:
            name, reached = self._reach(move.action)
        except Problem as problem:
            return {"error": problem.message}
        if not reached.is_conductor:
            self.count.components += 1
        record = await self._component(self.step.inside(name, move.params), reached)
        self.own.append(record)
        return record.result if isinstance(record.result, dict) else {"value": record.result}

    async def _component(self, step: Step, reached: Target) -> Record:
        if reached.is_conductor:
            composition = Composition(self.platform, step, reached, self.count)
            record = await composition.run()
            self.inner += [*composition.own, *composition.inner]
            return record
        record, *others = await run_target(self.platform, step, reached)
        self.inner += others
        return record

    def _reach(self, action: Any) -> tuple[Name, Target]:
        caller = self.step.caller
        name = read_name(action, caller.namespace)
        if name is None:
            raise Problem(400, _NOT_A_NAME.format(dumps(action).decode()))
        if self.count.components >= self.platform.limits.sequence_length:
            raise Problem(400, TOO_LONG)
        try:
            return name, target(self.platform.registry, name, caller)
        except Problem as problem:
            refused = problem.status == 403 or not self._has_package(name)
            text = _NOT_ALLOWED if refused else _NOT_FOUND
            raise Problem(problem.status, text.format(name.id)) from None

    def _has_package(self, name: Name) -> bool:
        """Rights are the package's, so that where there is no package there are none."""
        home = name.package and Name(name.namespace, None, name.package)
        return not home or self.platform.registry.find(Package, home) is not None

    def _record(self, status: int, result: Any) -> Record:
        return enclosing(
            self.step, self.target, self.start, self.own, status, result, annotations=self._annotations()
        )

    def _annotations(self) -> Json:
        limits = self.target.action.limits.as_json()
        used = [
            record.annotations["limits"]["memory"] for record in self.own if "limits" in record.annotations
        ]
        notes: Json = {} if self.target.binding is None else {"binding": self.target.binding}
        notes["topmost"] = self.step.cause is None
        notes["path"] = self.target.action.name.id
        notes["waitTime"] = 0
        notes["kind"] = "sequence"
        notes["conductor"] = True
        notes["limits"] = {**limits, "memory": max([limits["memory"], *used])}
        if self.step.cause is not None:
            notes["causedBy"] = "sequence"
        return notes


async def run_target(platform: Platform, step: Step, reached: Target) -> list[Record]:
    """Runs anything that can be invoked: its own record, followed by those of everything it called."""
    if reached.is_conductor:
        composition = Composition(platform, step, reached)
        return [await composition.run(), *composition.own, *composition.inner]
    if reached.executable is None:
        return await run_sequence(platform, step, reached, run_target)
    return [await run_action(platform, step, reached, reached.executable)]


def read_move(result: Json) -> Move:
    return Move(result["action"], boxed(result, "params", "value", {}), boxed(result, "state", "state", {}))


def boxed(result: Json, member: str, box: str, absent: Json) -> Json:
    """The object under MEMBER; what is no object is put into one, under BOX."""
    value = result.get(member, absent)
    return value if isinstance(value, dict) else {box: value}


def read_name(action: Any, namespace: str) -> Name | None:
    """`/ns/action`, `[/]ns/package/action`, or `action` and `package/action` of NAMESPACE; else nothing."""
    if not isinstance(action, str):
        return None
    segments = [segment for segment in action.strip().split("/") if segment]
    if not action.startswith("/") and len(segments) < 3:
        segments.insert(0, namespace)
    if not 2 <= len(segments) <= 3 or not all(is_name(segment) for segment in segments):
        return None
    home, *package, name = segments
    return Name(namespace if home == "_" else home, package[0] if package else None, name)
