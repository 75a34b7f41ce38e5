"""API documents: swagger 2.0 with OpenWhisk's extensions, and the routes that one describes.

The document is the truth: what is exported is what was imported, and routes are read from nothing else. Kept
addresses have no host; whoever is shown a document sees the host he asked at.
"""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from deepwhisk.engine.apipaths import (
    Json,
    Unfit,
    check_base,
    check_declared,
    check_path,
    declarations,
    parameter_names,
    segments,
)
from deepwhisk.engine.backends import (
    CONFIGURATION,
    EXTENSION,
    REQUEST_PATH,
    Backend,
    cases,
    forget,
    read_backend,
    told,
    write_backend,
)

VERBS = ("get", "put", "post", "delete", "patch", "head", "options")

# What other gateways enforce; to serve a document without it would open what its author closed.
_UNSERVED = ("securityDefinitions", "security", "x-ibm-rate-limit", "x-gateway-rate-limit")


@dataclass(frozen=True, slots=True)
class Route:
    """One verb of one path; a segment that is None takes whatever a request has there."""

    verb: str
    segments: tuple[str | None, ...]
    backend: Backend
    cors: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb of one path in a document: parts of it, to be changed in place."""

    path: str
    verb: str
    item: Json  # all that is said of the path
    body: Json


def new_document(base: str, title: str) -> Json:
    return {
        "swagger": "2.0",
        "info": {"title": title, "version": "1.0.0"},
        "basePath": base,
        "paths": {},
        CONFIGURATION: {"assembly": {}, "cors": {"enabled": True}},
    }


def operations(document: Json) -> Iterator[Operation]:
    for path, item in _object(document["paths"], "paths").items():
        for verb, body in _object(item, path).items():
            if verb in VERBS:
                yield Operation(path, verb, item, _object(body, f"{verb} of '{path}'"))


def with_operation(document: Json, path: str, verb: str, backend: Backend, declared: list[Any]) -> Json:
    """DOCUMENT with one more operation, or with another one in its place."""
    changed = copy.deepcopy(document)
    item = changed["paths"].setdefault(check_path(path), {})
    taken = {each.body["operationId"] for each in operations(changed)}
    body: Json = {"operationId": item.pop(verb, {}).get("operationId") or _identifier(taken, verb, path)}
    if parameter_names(path):
        body["parameters"] = declarations(path, declared)
    body["responses"] = {"default": {"description": "Default response"}}
    item[verb] = body
    _check_parameters(Operation(path, verb, item, body), backend)
    forget(changed, [body["operationId"]])
    cases(changed).append(write_backend(body, backend))
    return changed


def without(document: Json, path: str, verb: str | None) -> Json:
    """DOCUMENT without a path, or without one of its verbs; a path without verbs goes too."""
    verbs = [each.verb for each in operations(document) if each.path == path]
    if not verbs:
        raise Unfit(f"path '{path}' does not exist in the API")
    if verb is not None and verb not in verbs:
        raise Unfit(f"path '{path}' with operation '{verb}' does not exist in the API")
    return _kept(document, lambda each: each.path != path or verb not in (None, each.verb))


def _kept(document: Json, wanted: Callable[[Operation], bool]) -> Json:
    """DOCUMENT with the operations that are WANTED, and the paths that have any."""
    changed = copy.deepcopy(document)
    gone = [each for each in operations(changed) if not wanted(each)]
    forget(changed, [each.body["operationId"] for each in gone])
    for each in gone:
        del each.item[each.verb]
        if not any(verb in each.item for verb in VERBS):
            del changed["paths"][each.path]
    return changed


def imported(document: Json, owner: str) -> Json:
    """DOCUMENT of a client, checked, with OWNER for `_` and addresses of ours."""
    changed = copy.deepcopy(document)
    _check_served(changed, "The document")
    changed["basePath"] = check_base(changed["basePath"])
    found, known = list(operations(changed)), told(changed)
    backends = [read_backend(each.body, known, owner) for each in found]
    for operation, backend in zip(found, backends, strict=True):
        check_path(operation.path)
        _check_served(operation.body, f"'{operation.verb}' of '{operation.path}'")
        if backend is not None:
            _check_parameters(operation, backend)
    _identify(found)
    led = [(each, to) for each, to in zip(found, backends, strict=True) if to is not None]
    cases(changed)[:] = [write_backend(each.body, to) for each, to in led]
    return changed


def _identify(found: list[Operation]) -> None:
    """Gives an id to each operation that has none of its own."""
    taken: set[str] = set()
    for each in found:
        given = each.body.get("operationId")
        own = isinstance(given, str) and given not in taken
        each.body["operationId"] = given if own else _identifier(taken, each.verb, each.path)
        taken.add(each.body["operationId"])


def routes(document: Json) -> list[Route]:
    """Those that lead to an action; nothing answers at the others."""
    cors = document[CONFIGURATION].get("cors")
    allowed = not isinstance(cors, dict) or cors.get("enabled") is not False
    base, known = segments(document["basePath"]), told(document)
    return [
        Route(each.verb, base + segments(each.path), backend, allowed)
        for each in operations(document)
        if (backend := read_backend(each.body, known, "")) is not None
    ]


def shown(document: Json, host: str) -> Json:
    """DOCUMENT for somebody who asks at HOST."""
    copied = copy.deepcopy(document)
    for operation in operations(copied):
        if EXTENSION in operation.body:
            operation.body[EXTENSION]["url"] = host + operation.body[EXTENSION]["url"]
    for case in cases(copied):
        invoke = case["execute"][0]["invoke"]
        invoke["target-url"] = host + invoke["target-url"]
    return copied


def narrowed(document: Json, path: str | None, verb: str | None) -> Json | None:
    """DOCUMENT with only the operations of a path and a verb; nothing when there are none."""
    if not path and not verb:
        return document
    narrow = _kept(document, lambda each: path in (None, each.path) and verb in (None, each.verb))
    return narrow if narrow["paths"] else None


def _object(value: Any, what: str) -> Json:
    if not isinstance(value, dict):
        raise Unfit(f"'{what}' must be an object.")
    return value


def _check_served(part: Json, what: str) -> None:
    for member in _UNSERVED:
        if part.get(member):
            raise Unfit(
                f"{what} has '{member}', which this gateway does not enforce: take it out, and protect the "
                "action with 'require-whisk-auth'."
            )


def _check_parameters(operation: Operation, backend: Backend) -> None:
    """A path with parameters needs an action that is told the path, and declares them."""
    if not parameter_names(operation.path):
        return
    if backend.extension != "http":
        text = "in order to receive the path parameters."
        raise Unfit(f"The action must use a response type of '.http' {text}")
    if not backend.passes_path:
        text = f"must end in '{REQUEST_PATH}' in order for actions to receive the path parameters."
        raise Unfit(f"The target-url for operationId '{operation.body.get('operationId')}' {text}")
    check_declared(operation.path, operation.item, operation.body)


def _identifier(taken: set[str], verb: str, path: str) -> str:
    """As `getBooksId` for `/books/{id}`; numbered where another path gives the same."""
    words = re.findall(r"[a-z0-9]+", path.lower())
    plain = verb + "".join(word.capitalize() for word in words)
    names = (f"{plain}{number}" for number in count(2))
    return plain if plain not in taken else next(name for name in names if name not in taken)
