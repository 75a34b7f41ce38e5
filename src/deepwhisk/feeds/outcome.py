"""What became of a fire: read from the trigger's activation and from those that its rules started.

Law: pure functions over the records of OpenWhisk; whoever has the records has the verdict.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

THROTTLED = ("Too many requests in the last minute", "Too many concurrent requests in flight")
LARGEST_CAUSE = 32 * 1024
Kind = Literal["confirmed", "again", "throttled", "held", "dead"]


@dataclass(frozen=True, slots=True)
class Started:
    """What a rule made of a fire: the activation of its action, or why there is none."""

    rule: str
    action: str
    activation: str | None
    active: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with the event, and why. `throttled`: something is too busy or away, so all wait."""

    kind: Kind
    cause: dict[str, Any] = field(default_factory=dict)


def started(record: Mapping[str, Any]) -> list[Started]:
    """The rules' results, which the trigger's activation carries as log lines of JSON."""
    return [_started(json.loads(line)) for line in record.get("logs") or () if line.startswith("{")]


def _started(line: Mapping[str, Any]) -> Started:
    error = None if line.get("success") else str(line.get("error") or "the rule did not start its action")
    inactive = error is not None and "is inactive" in error
    return Started(
        str(line.get("rule", "")),
        str(line.get("action", "")),
        line.get("activationId") if error is None else None,
        not inactive,
        error,
    )


def judge(rules: Iterable[Started], records: Mapping[str, Mapping[str, Any]]) -> Verdict | None:
    """The verdict, once all outcomes are known. The first failure that more fires may mend decides."""
    active = [rule for rule in rules if rule.active]
    if not active:
        return Verdict("held", {"message": "no rule of the trigger was active", "kind": "no rule"})
    if any(rule.activation and rule.activation not in records for rule in active):
        return None
    verdicts = [_one(rule, records) for rule in active]
    for kind in ("throttled", "again", "dead"):
        if found := next((verdict for verdict in verdicts if verdict.kind == kind), None):
            return found
    return Verdict("confirmed")


def _one(rule: Started, records: Mapping[str, Mapping[str, Any]]) -> Verdict:
    if rule.activation is None:
        cause = {"message": rule.error, "kind": "rule failed", "rule": rule.rule, "action": rule.action}
        throttled = str(rule.error).startswith(THROTTLED)
        return Verdict("throttled" if throttled else "again", cause)
    response = records[rule.activation]["response"]
    if response.get("success"):
        return Verdict("confirmed")
    status = str(response.get("status"))
    cause = _cause(rule, status, response.get("result"))
    if status != "application error":
        return Verdict("again", cause)
    return Verdict("throttled" if _is_transient(response.get("result")) else "dead", cause)


def _is_transient(result: Any) -> bool:
    """Whether an action says `{"error": {"transient": true}}`: the same call may succeed later."""
    error = result.get("error") if isinstance(result, dict) else None
    return isinstance(error, dict) and error.get("transient") is True


def _cause(rule: Started, status: str, result: Any) -> dict[str, Any]:
    error = result.get("error") if isinstance(result, dict) else result
    told = error.get("message") if isinstance(error, dict) else error
    cause: dict[str, Any] = {
        "message": told if isinstance(told, str) else status,
        "kind": status,
        "action": rule.action,
        "activation": rule.activation,
    }
    if isinstance(error, dict) and len(json.dumps(error)) <= LARGEST_CAUSE:
        cause["error"] = error
    return cause


def missing(rules: Iterable[Started] | None, trigger_activation: str) -> Verdict:
    """The verdict over outcomes that nobody will ever see."""
    if rules is None:
        message = "the activation of the trigger cannot be found"
        return Verdict("again", {"message": message, "kind": "missing", "activation": trigger_activation})
    actions = sorted({rule.action for rule in rules if rule.activation})
    message = f"{', '.join(actions)} left no outcome within its time limit"
    activation = next((rule.activation for rule in rules if rule.activation), trigger_activation)
    return Verdict("again", {"message": message, "kind": "missing", "activation": activation})
