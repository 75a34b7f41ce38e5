"""Where the operations of an API lead: the web actions that a document names, to be read and written.

A document says it twice, for clients in `x-openwhisk` and for gateways in the `case` of the operation's id.
What it says of hosts is never followed: an address serves to find the name of an action in it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from deepwhisk.engine.apipaths import Json, Unfit
from deepwhisk.engine.names import Name, is_name
from deepwhisk.engine.web_answer import EXTENSIONS

CONFIGURATION, EXTENSION = "x-ibm-configuration", "x-openwhisk"
REQUEST_PATH = "$(request.path)"
_SECRET = "message.headers.X-Require-Whisk-Auth"
Told = dict[str, list[Json]]  # steps by the id of an operation
_WEB = re.compile(r"/api/v1/web/([^/?]+)/([^/?]+)/([^/?$]+)")


@dataclass(frozen=True, slots=True)
class Backend:
    """A web action, and how it is called."""

    name: Name
    extension: str = "json"
    passes_path: bool = False  # the path of the request goes on to the action
    secret: Any = None

    @property
    def address(self) -> str:
        parts = (self.name.namespace, self.name.package or "default", self.name.name)
        return f"/api/v1/web/{'/'.join(map(quote, parts))}.{self.extension}"

    @property
    def target(self) -> str:
        return self.address + (REQUEST_PATH if self.passes_path else "")


def read_backend(operation: Json, told: Told, owner: str) -> Backend | None:
    """Where OPERATION leads, nothing if it says nowhere; the namespace `_` is OWNER's."""
    named = operation.get(EXTENSION)
    steps = told.get(str(operation.get("operationId")), [])
    if named is None and not steps:
        return None
    named = named if isinstance(named, dict) else {}
    target = _target(steps)
    parts = _WEB.search(str(named.get("url") or target or ""))
    extension = _extension(parts[3]) if parts else "json"
    name = _name(named, owner) or (_addressed(parts, owner) if parts else None)
    if name is None:
        raise Unfit(
            f"The operation '{operation.get('operationId')}' names no action: it needs '{EXTENSION}' with "
            "'namespace', 'package' and 'action'."
        )
    passes = extension == "http" if target is None else target.endswith(REQUEST_PATH)
    return Backend(name, extension, passes, _secret(steps))


def write_backend(operation: Json, backend: Backend) -> Json:
    """Makes OPERATION lead to BACKEND; gives the case that says so to a gateway."""
    name = backend.name
    operation[EXTENSION] = {
        "url": backend.address,
        "namespace": name.namespace,
        "package": name.package or "default",
        "action": name.name,
    }
    steps: list[Json] = [{"invoke": {"target-url": backend.target, "verb": "keep"}}]
    if backend.secret is not None:
        steps.append({"set-variable": {"actions": [{"set": _SECRET, "value": backend.secret}]}})
    return {"operations": [operation["operationId"]], "execute": steps}


def forget(document: Json, identifiers: Iterable[str]) -> None:
    """Takes the cases of these operations out of DOCUMENT."""
    gone = set(identifiers)
    cases(document)[:] = [case for case in cases(document) if case["operations"][0] not in gone]


def cases(document: Json) -> list[Any]:
    """The list that tells a gateway where each operation leads; made where there is none."""
    place = document
    for member in (CONFIGURATION, "assembly"):
        place = place.setdefault(member, {})
        if not isinstance(place, dict):
            raise Unfit(f"'{member}' must be an object.")
    steps = place.setdefault("execute", [])
    if not isinstance(steps, list):
        raise Unfit(f"'execute' of '{CONFIGURATION}' must be an array.")
    return _switch(steps)


def _switch(steps: list[Any]) -> list[Any]:
    for step in steps:
        switch = step.get("operation-switch") if isinstance(step, dict) else None
        if isinstance(switch, dict) and isinstance(switch.get("case"), list):
            found: list[Any] = switch["case"]
            return found
    made: list[Any] = []
    steps.append({"operation-switch": {"case": made}})
    return made


def told(document: Json) -> Told:
    """What a gateway is told to do for each operation."""
    found: Told = {}
    for case in cases(document):
        if isinstance(case, dict):
            steps = [step for step in _members(case.get("execute")) if isinstance(step, dict)]
            found.update({str(each): steps for each in _members(case.get("operations"))})
    return found


def _members(value: Any) -> list[Any]:
    """Those of an array; a document that has something else there has none."""
    return value if isinstance(value, list) else []


def _target(steps: list[Json]) -> str | None:
    for step in steps:
        invoke = step.get("invoke")
        if isinstance(invoke, dict) and isinstance(invoke.get("target-url"), str):
            return str(invoke["target-url"])
    return None


def _secret(steps: list[Json]) -> Any:
    for step in steps:
        variables = step.get("set-variable")
        for action in _members(variables.get("actions") if isinstance(variables, dict) else None):
            if isinstance(action, dict) and str(action.get("set")).lower() == _SECRET.lower():
                return action.get("value")
    return None


def _name(named: Json, owner: str) -> Name | None:
    return checked_name(named.get("namespace", "_"), named.get("package"), named.get("action"), owner)


def _addressed(parts: re.Match[str], owner: str) -> Name | None:
    namespace, package, last = map(unquote, parts.groups())
    action = last[: -len(_extension(last)) - 1] if last.endswith(f".{_extension(last)}") else last
    return checked_name(namespace, package, action, owner)


def checked_name(namespace: Any, package: Any, action: Any, owner: str) -> Name | None:
    """The name of an action; nothing when none can have it."""
    home = owner if namespace in ("_", "", None) else namespace
    within = [] if package in ("default", "", None) else [package]
    if not all(isinstance(part, str) and is_name(part) for part in (home, *within, action)):
        return None
    return Name(str(home), str(package) if within else None, str(action))


def _extension(last: str) -> str:
    """As web actions understand an address: none is `http`."""
    _, dot, extension = last.rpartition(".")
    return extension if dot and extension in EXTENSIONS else "http"
