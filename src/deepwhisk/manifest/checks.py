"""What the entities of a manifest say of each other: checked before any call, and put in order."""

from collections.abc import Iterable, Sequence

from deepwhisk.errors import ManifestError
from deepwhisk.manifest.entities import COLLECTIONS, Entity
from deepwhisk.manifest.names import local


def check(entities: Sequence[Entity], file: str) -> None:
    """Raises ManifestError for two things of one name, an action that is not there, or a cycle."""
    _check_names(entities, file)
    _check_references(entities, file)
    lines = {entity.name: _at(entity, file) for entity in entities}
    _check_cycles(_sequences(entities), lines)


def once(entities: Iterable[Entity]) -> list[Entity]:
    """Without what is said twice in the same words, as packages do of a dependency or trigger they share."""
    found: list[Entity] = []
    for entity in entities:
        if entity not in found:
            found.append(entity)
    return found


def in_order(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """What is named comes before what names it."""
    found = list(entities)
    inner = _sequences(found)
    order = list(COLLECTIONS)
    return tuple(sorted(found, key=lambda entity: (order.index(entity.kind), _depth(entity.name, inner))))


def _check_names(entities: Iterable[Entity], file: str) -> None:
    """A server has one space of names for all kinds."""
    seen: dict[str, Entity] = {}
    for entity in entities:
        if other := seen.get(entity.name):
            raise ManifestError(
                f"{_at(entity, file)}: {entity.name!r} is the name of two things: "
                f"{other.kind}{f' (line {other.line})' if other.line else ''} and {entity.kind}."
            )
        seen[entity.name] = entity


def _check_references(entities: Sequence[Entity], file: str) -> None:
    """An action of one of our own packages must be ours; what is elsewhere the server knows."""
    packages = {
        entity.name for entity in entities if entity.kind == "package" and "binding" not in entity.body
    }
    actions = {entity.name for entity in entities if entity.kind in ("action", "sequence")}
    for entity in entities:
        for path in _actions_named_by(entity):
            name = local(path)
            if name and name.partition("/")[0] in packages and name not in actions:
                raise ManifestError(
                    f"{_at(entity, file)}: the {entity.kind} {entity.name} names {name}, "
                    "and there is no such action."
                )


def _at(entity: Entity, file: str) -> str:
    return f"{file}:{entity.line}" if entity.line else file


def _actions_named_by(entity: Entity) -> list[str]:
    if entity.kind == "sequence":
        return list(entity.body["exec"]["components"])
    if entity.kind == "rule":
        return [entity.body["action"]]
    return [entity.feed.name] if entity.feed else []


def _sequences(entities: Iterable[Entity]) -> dict[str, list[str]]:
    """The local actions that each sequence is made of."""
    return {
        entity.name: [name for path in _actions_named_by(entity) if (name := local(path))]
        for entity in entities
        if entity.kind == "sequence"
    }


def _check_cycles(sequences: dict[str, list[str]], lines: dict[str, str]) -> None:
    for start in sequences:
        cycle = _cycle([start], sequences)
        if cycle:
            raise ManifestError(f"{lines[start]}: a sequence may not contain itself: {' → '.join(cycle)}.")


def _cycle(path: list[str], sequences: dict[str, list[str]]) -> list[str] | None:
    for name in sequences.get(path[-1], ()):
        if name in path:
            return [*path[path.index(name) :], name]
        if found := _cycle([*path, name], sequences):
            return found
    return None


def _depth(name: str, sequences: dict[str, list[str]]) -> int:
    return 1 + max((_depth(inner, sequences) for inner in sequences.get(name, ())), default=0)
