"""What an action, a request and a namespace may use.

OpenWhisk's defaults fit a cluster of many tenants; ours let an action have what this machine has.
`Limits.openwhisk()` is the table of its standalone server, to find the walls before production does.
"""

from dataclasses import dataclass, replace
from typing import Any

from deepwhisk.engine.problems import Problem, malformed, requirement
from deepwhisk.keeper.memory import machine

MB = 1 << 20
SHARE = 0.7  # of the machine's memory, which is what all containers together are granted

_WORDS = {
    "timeout": "time limit",
    "memory": "memory limit",
    "logs": "log limit",
    "concurrency": "concurrency limit",
    "instances": "instance concurrency limit",
}


@dataclass(frozen=True, slots=True)
class ActionLimits:
    """The `limits` of one action: ms, MB, MB, activations at a time in a container, containers."""

    timeout: int = 60_000
    memory: int = 256
    logs: int = 10
    concurrency: int = 1
    instances: int | None = None

    def as_json(self) -> dict[str, int]:
        shown = {
            "timeout": self.timeout,
            "memory": self.memory,
            "logs": self.logs,
            "concurrency": self.concurrency,
        }
        return shown if self.instances is None else {**shown, "instances": self.instances}


@dataclass(frozen=True, slots=True)
class Limits:
    """The table of one engine, or of one namespace of it."""

    min_timeout: int = 100
    max_timeout: int = 3_600_000
    min_memory: int = 128
    max_memory: int = 512
    min_logs: int = 0
    max_logs: int = 100
    min_concurrency: int = 1
    max_concurrency: int = 64
    max_instances: int | None = None  # of one action; as many as may run, if nothing is said
    max_code: int = 48 * MB
    max_parameters: int = MB  # bytes of parameters, and of annotations
    max_payload: int = MB
    max_body: int = 50 * MB
    max_wait: int = 60_000  # ms a blocking call waits
    sequence_length: int = 50
    invocations_per_minute: int = 1_000_000
    fires_per_minute: int = 1_000_000
    concurrent_invocations: int = 10_000
    kinds: tuple[str, ...] | None = None  # of actions; all, if nothing is said
    stores: bool = True  # activations are recorded

    @classmethod
    def machine(cls) -> "Limits":
        return cls(max_memory=int(machine() * SHARE) // MB)

    @classmethod
    def openwhisk(cls) -> "Limits":
        return cls(
            max_timeout=300_000,
            max_logs=10,
            max_concurrency=1,
            invocations_per_minute=100_000,
            fires_per_minute=100_000,
            concurrent_invocations=100_000,
        )

    def fitting(self, asked: ActionLimits) -> ActionLimits:
        """ASKED, as near as this table has it: what an action has that asks for nothing."""
        return replace(
            asked,
            timeout=min(max(asked.timeout, self.min_timeout), self.max_timeout),
            memory=min(max(asked.memory, self.min_memory), self.max_memory),
            logs=min(max(asked.logs, self.min_logs), self.max_logs),
            concurrency=min(max(asked.concurrency, self.min_concurrency), self.max_concurrency),
        )

    @property
    def instances(self) -> int:
        return self.concurrent_invocations if self.max_instances is None else self.max_instances

    def as_json(self) -> dict[str, Any]:
        """What `GET …/limits` shows of a namespace."""
        special = {
            "allowedKinds": None if self.kinds is None else list(self.kinds),
            "storeActivations": None if self.stores else False,
            "maxPayloadSize": None if self.max_payload == MB else f"{self.max_payload} B",
        }
        return {
            **{name: value for name, value in special.items() if value is not None},
            "invocationsPerMinute": self.invocations_per_minute,
            "concurrentInvocations": self.concurrent_invocations,
            "firesPerMinute": self.fires_per_minute,
            "maxActionInstances": self.instances,
            "minActionTimeout": self.min_timeout,
            "maxActionTimeout": self.max_timeout,
            "minActionMemory": self.min_memory,
            "maxActionMemory": self.max_memory,
            "minActionLogs": self.min_logs,
            "maxActionLogs": self.max_logs,
            "minActionConcurrency": self.min_concurrency,
            "maxActionConcurrency": self.max_concurrency,
            "maxParameterSize": f"{self.max_parameters} B",
        }


def read_limits(body: dict[str, Any], old: ActionLimits, table: Limits) -> ActionLimits:
    """The limits that a body asks for; what it leaves out, or says null for, stays."""
    asked = body.get("limits")
    if asked is None:
        return old
    if not isinstance(asked, dict):
        raise malformed("Object expected in field 'timeout'")
    given = {
        member: _whole(asked[member], what)
        for member, what in _WORDS.items()
        if asked.get(member) is not None
    }
    new = replace(old, **given)
    _check(new, table)
    return new


def _whole(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise malformed(f"{what} malformed")
    if value != int(value):
        name = "intra concurrency limit" if what == "concurrency limit" else what
        raise malformed(f"requirement failed: {name} must be whole number")
    return int(value)


def _check(new: ActionLimits, table: Limits) -> None:
    if new.logs < 0 or new.memory < 0:
        raise malformed("requirement failed: a negative size of an object is not allowed.")
    if new.instances is not None and new.instances < 0:
        raise malformed(
            "requirement failed: Action container concurrency must be greater than or equal to 0."
        )
    _within("duration", new.timeout, " milliseconds", table.min_timeout, table.max_timeout)
    _within("memory size", new.memory, " MB", table.min_memory, table.max_memory)
    _within("log size", new.logs, " MB", table.min_logs, table.max_logs)
    _within("concurrency", new.concurrency, "", table.min_concurrency, table.max_concurrency)
    if new.instances is not None and new.instances > table.instances:
        text = "Max action instance concurrency must not exceed your namespace concurrency of"
        raise Problem(400, f"{text} {table.instances}.")


def _within(what: str, value: int, unit: str, low: int, high: int) -> None:
    if value < low:
        raise requirement(f"{what} {value}{unit} below allowed threshold of {low}{unit}")
    if value > high:
        raise requirement(f"{what} {value}{unit} exceeds allowed threshold of {high}{unit}")
