"""The packages of the namespace `whisk.system` that every OpenWhisk has, deployed and shared with everybody.

Law: over REST only, with that namespace's key; while all is as it should be, one question a package is all.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from deepwhisk.errors import WhiskError
from deepwhisk.system import alarms, utils
from deepwhisk.whisk import NOT_FOUND, Whisk

DIGEST = "deepwhisk-digest"


class Put(Protocol):
    """An action of a package."""

    @property
    def name(self) -> str: ...
    def body(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """A shared package and what is in it. Everybody reads its parameters."""

    name: str
    description: str
    actions: tuple[Put, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[str, ...] = ()  # of the parameters, those that are for its users to give

    def bodies(self) -> dict[str, dict[str, Any]]:
        """What each action is put with."""
        return {action.name: action.body() for action in self.actions}


PACKAGES = (
    SystemPackage("utils", str(utils.__doc__).partition("\n")[0], utils.ACTIONS),
    SystemPackage(
        "alarms",
        str(alarms.__doc__).partition("\n")[0],
        alarms.ACTIONS,
        alarms.PARAMETERS,
        ("trigger_payload",),
    ),
)


def packages_at(feed_url: str) -> tuple[SystemPackage, ...]:
    """The packages of a machine whose feed service is there."""
    return tuple(
        replace(package, parameters={**package.parameters, "feed_url": feed_url})
        if "feed_url" in package.parameters
        else package
        for package in PACKAGES
    )


def deploy_system(whisk: Whisk, packages: Iterable[SystemPackage] = PACKAGES) -> tuple[str, ...]:
    """Make `whisk.system`, whose key WHISK holds, have these packages; the names of those that were put."""
    return tuple(package.name for package in packages if _deploy(whisk, package))


def _deploy(whisk: Whisk, package: SystemPackage) -> bool:
    bodies = package.bodies()
    told = json.dumps([package.description, dict(package.parameters), bodies], sort_keys=True)
    digest = hashlib.sha256(told.encode()).hexdigest()[:20]
    if _stands(whisk, package, digest):
        return False
    _put(whisk, package, None)
    for name, body in bodies.items():
        whisk.put("actions", f"{package.name}/{name}", body)
    _put(whisk, package, digest)
    return True


def _stands(whisk: Whisk, package: SystemPackage, digest: str) -> bool:
    """Whether a deployment of the same came to its end, and nobody took anything away since."""
    try:
        there = whisk.get("packages", package.name)
    except WhiskError as error:
        if error.status != NOT_FOUND:
            raise
        return False
    held = {action["name"] for action in (*there["actions"], *there["feeds"])}
    whole = held >= {action.name for action in package.actions}
    return whole and there["publish"] is True and {"key": DIGEST, "value": digest} in there["annotations"]


def _put(whisk: Whisk, package: SystemPackage, digest: str | None) -> None:
    """The digest comes last: a deployment that was cut short is made again."""
    annotations: list[dict[str, Any]] = [{"key": "description", "value": package.description}]
    if package.takes:
        taken = [{"name": name, "required": False} for name in package.takes]
        annotations.append({"key": "parameters", "value": taken})
    if digest is not None:
        annotations.append({"key": DIGEST, "value": digest})
    parameters = [{"key": key, "value": value} for key, value in package.parameters.items()]
    body = {"publish": True, "annotations": annotations, "parameters": parameters}
    whisk.put("packages", package.name, body)
