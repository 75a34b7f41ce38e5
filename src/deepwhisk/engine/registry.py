"""All entities, in memory and in the database: the engine is the only writer, so memory is the truth.

Order is order of change; the newest is last. Whatever is derived from entities (`derived`) is forgotten at
any change.
"""

import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from deepwhisk.engine.database import Database, Statement
from deepwhisk.engine.documents import read_document, write_document
from deepwhisk.engine.entities import Action, Entity
from deepwhisk.engine.kinds import Kinds
from deepwhisk.engine.names import Name
from deepwhisk.engine.problems import missing, wrong_collection

E = TypeVar("E", bound=Entity)


class Registry:
    """Reads what the database holds; codes stay there until they are asked for."""

    def __init__(self, database: Database, kinds: Kinds | None = None, most_together: int = 1) -> None:
        self._database = database
        self.most_together = most_together  # calls that any container may be given
        self.kinds = kinds or Kinds()  # what its actions can be
        self._by_id: dict[str, Entity] = {}
        self.derived: dict[Any, Any] = {}
        rows = database.read("SELECT collection, document FROM entities ORDER BY updated, rowid")
        for collection, document in rows:
            entity = read_document(collection, document)
            self._by_id[entity.name.id] = entity

    def find(self, of: type[E], name: Name) -> E | None:
        """The entity NAME, or nothing; one of another type is a conflict."""
        found = self._by_id.get(name.id)
        if found is None:
            return None
        if not isinstance(found, of):
            raise wrong_collection()
        return found

    def get(self, of: type[E], name: Name) -> E:
        found = self.find(of, name)
        if found is None:
            raise missing()
        return found

    def newest(self, of: type[E], namespace: str, package: str | None = None) -> Iterator[E]:
        """Those of a namespace, or of a package of it, last changed first."""
        for entity in reversed(self._by_id.values()):
            if not isinstance(entity, of) or entity.name.namespace != namespace:
                continue
            if package in (None, entity.name.package):
                yield entity

    def every(self, of: type[E]) -> Iterator[E]:
        return (entity for entity in reversed(self._by_id.values()) if isinstance(entity, of))

    def code(self, action: Action) -> str:
        rows = self._database.read("SELECT code FROM codes WHERE id = ?", (action.name.id,))
        return str(rows[0][0]) if rows else ""

    def put(self, entity: E, code: str | None = None, *others: Entity) -> E:
        """Stores ENTITY as changed now, with OTHERS as they are; without CODE it keeps the one it has."""
        stamped = self._stamp(entity)
        statements = [_store(stamped), *map(_store, others)]
        if code is not None:
            statements.append(("INSERT OR REPLACE INTO codes VALUES (?, ?)", (stamped.name.id, code)))
        self._database.write_now(statements)
        self._by_id.pop(stamped.name.id, None)
        self._by_id[stamped.name.id] = stamped
        for changed in others:
            self._by_id[changed.name.id] = changed
        self.derived.clear()
        return stamped

    def keep(self, entity: Entity) -> None:
        """Stores ENTITY as it is: a change that is not its owner's."""
        self._database.write_now([_store(entity)])
        self._by_id[entity.name.id] = entity
        self.derived.clear()

    def delete(self, entities: Iterable[Entity], *others: Entity) -> None:
        """Removes ENTITIES and stores OTHERS, all or nothing."""
        ids = [entity.name.id for entity in entities]
        removals: list[Statement] = [
            (f"DELETE FROM {table} WHERE id = ?", (each,)) for each in ids for table in ("entities", "codes")
        ]
        self._database.write_now([*removals, *map(_store, others)])
        for each in ids:
            self._by_id.pop(each, None)
        for changed in others:
            self._by_id[changed.name.id] = changed
        self.derived.clear()

    def _stamp(self, entity: E) -> E:
        now = int(time.time() * 1000)
        if isinstance(entity, Action):
            return replace(entity, updated=now, revision=uuid.uuid4().hex[:12])
        return replace(entity, updated=now)


def _store(entity: Entity) -> Statement:
    values = (entity.name.id, entity.collection, entity.updated, write_document(entity))
    return "INSERT OR REPLACE INTO entities VALUES (?, ?, ?, ?)", values
