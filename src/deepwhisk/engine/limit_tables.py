"""Which limits hold for whom.

What was set for a namespace goes before what the limits file says of it, and that before the engine's own
table. What is set is kept in the database; the file is read again at each start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.engine.codec import dumps, loads
from deepwhisk.engine.database import Database, Statement
from deepwhisk.engine.limit_terms import Terms, apply_terms, check, read_terms
from deepwhisk.engine.limits import Limits


@dataclass(frozen=True, slots=True)
class Policy:
    """The engine's own table, and what namespaces have instead."""

    base: Limits = field(default_factory=Limits.machine)
    namespaces: Mapping[str, Terms] = field(default_factory=dict)


class LimitTables:
    """Reads what the database holds; used from one event loop."""

    def __init__(self, policy: Policy, database: Database) -> None:
        self.policy = policy
        self._database = database
        rows = database.read("SELECT namespace, document FROM limits")
        self._set: dict[str, dict[str, Any]] = {namespace: loads(document) for namespace, document in rows}
        self._known: dict[str, Limits] = {}

    def of(self, namespace: str) -> Limits:
        known = self._known.get(namespace)
        if known is None:
            known = self._known[namespace] = apply_terms(self._below(namespace), self.set_for(namespace))
        return known

    def set_for(self, namespace: str) -> dict[str, Any]:
        """What an operator has set."""
        return self._set.get(namespace, {})

    def change(self, namespace: str, changes: Terms) -> None:
        """Sets what CHANGES says, and no more what it says null for. ValueError when that cannot be."""
        given = read_terms({name: value for name, value in changes.items() if value is not None})
        kept = {name: value for name, value in self.set_for(namespace).items() if name not in changes}
        new = {**kept, **given}
        check(apply_terms(self._below(namespace), new))
        self._database.write_now([_statement(namespace, new)])
        self._set[namespace] = new
        self._known.pop(namespace, None)

    def forget(self, namespace: str) -> None:
        self._database.write_now([_statement(namespace, {})])
        self._set.pop(namespace, None)
        self._known.pop(namespace, None)

    def _below(self, namespace: str) -> Limits:
        """Those that hold where nothing is set."""
        return apply_terms(self.policy.base, self.policy.namespaces.get(namespace, {}))


def _statement(namespace: str, said: Terms) -> Statement:
    if not said:
        return "DELETE FROM limits WHERE namespace = ?", (namespace,)
    return "INSERT OR REPLACE INTO limits VALUES (?, ?)", (namespace, dumps(said))
