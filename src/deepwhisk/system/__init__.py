"""The packages of the namespace `whisk.system` that every OpenWhisk has, deployed and shared with everybody.

Law: over REST only, with that namespace's key; while all is as it should be, one question a package is all.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from deepwhisk.errors import WhiskError
from deepwhisk.system import utils
from deepwhisk.system.action import SystemAction
from deepwhisk.whisk import NOT_FOUND, Whisk

DIGEST = "deepwhisk-digest"


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """A shared package and what is in it."""

    name: str
    description: str
    actions: tuple[SystemAction, ...]

    def bodies(self) -> dict[str, dict[str, Any]]:
        """What each action is put with."""
        return {action.name: action.body() for action in self.actions}


PACKAGES = (SystemPackage("utils", str(utils.__doc__).partition("\n")[0], utils.ACTIONS),)


def deploy_system(whisk: Whisk, packages: Iterable[SystemPackage] = PACKAGES) -> tuple[str, ...]:
    """Make `whisk.system`, whose key WHISK holds, have these packages; the names of those that were put."""
    return tuple(package.name for package in packages if _deploy(whisk, package))


def _deploy(whisk: Whisk, package: SystemPackage) -> bool:
    bodies = package.bodies()
    digest = hashlib.sha256(json.dumps([package.description, bodies], sort_keys=True).encode()).hexdigest()[
        :20
    ]
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
    annotations = [{"key": "description", "value": package.description}]
    if digest is not None:
        annotations.append({"key": DIGEST, "value": digest})
    whisk.put("packages", package.name, {"publish": True, "annotations": annotations})
