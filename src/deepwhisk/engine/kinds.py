"""Which actions this engine can run: kinds, and images that stand for the project's own runtime.

An action keeps the kind it was put with; `Executable.kind` is what that kind resolves to here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.problems import Problem, malformed

BLACKBOX, SEQUENCE = "blackbox", "sequence"
PYTHON, NODEJS = "python:3", "nodejs:20"
OWN_IMAGES = ("deepwhisk/", "docker.io/deepwhisk/")
IMAGE = "deepwhisk/runtime-{}"  # of a family
TAG = "0.1.0"  # of the images that runtimes/ builds
_IMAGE = re.compile(  # registry, names, tag, digest
    r"([A-Za-z0-9.-]+(:[0-9]+)?/)?([a-z0-9._-]+/)*[a-z0-9._-]+(:\w[\w.-]{0,127})?(@[a-z0-9.+_-]+:[0-9a-f]{32,})?",
    re.ASCII,
)
NO_NODE = (
    "Node.js was not found when this engine started: install it, so that PATH finds node, and start again."
)

# Accepted kind: what runs it. The first of a family is the family's default.
PYTHON_KINDS = {PYTHON: PYTHON, "python:3.11": PYTHON}
NODE_KINDS = {NODEJS: NODEJS}


@dataclass(frozen=True, slots=True)
class Kinds:
    """Those that one engine runs."""

    known: Mapping[str, str] = field(default_factory=lambda: dict(PYTHON_KINDS))

    @classmethod
    def here(cls, *, node: bool) -> "Kinds":
        """On this machine, which has Node.js or has not."""
        return cls({**PYTHON_KINDS, **NODE_KINDS} if node else PYTHON_KINDS)

    def resolve(self, text: str) -> str:
        """The kind to keep: `family:default` becomes the family's, an unknown one is refused."""
        kind = text.strip().lower()
        family, _, version = kind.partition(":")
        if version == "default":
            kind = next((known for known in self.known if known.startswith(f"{family}:")), kind)
        if kind in self.known or kind in (BLACKBOX, SEQUENCE):
            return kind
        valid = ", ".join(f"'{known}'" for known in (*self.known, SEQUENCE, BLACKBOX))
        refusal = (
            f"The specified runtime '{kind}' is not supported by this platform. Valid values are: {valid}."
        )
        raise malformed(f"{refusal} {NO_NODE}" if self._wants_node(kind) else refusal)

    def _wants_node(self, kind: str) -> bool:
        return NODEJS not in self.known and kind in (NODEJS, "nodejs:default")

    def runner_of(self, kind: str) -> str:
        """What runs an action of KIND, which may have been put when the table was another one."""
        if kind != BLACKBOX and kind not in self.known:
            refusal = (
                f"The '{kind}' runtime is no longer supported. "
                "You may read and delete but not update or invoke this action."
            )
            raise Problem(400, f"{refusal} {NO_NODE}" if self._wants_node(kind) else refusal)
        return self.known.get(kind, kind)

    def runtimes(self) -> dict[str, list[dict[str, Any]]]:
        """The table that clients read from `GET /`."""
        families: dict[str, list[dict[str, Any]]] = {}
        for kind in self.known:
            entries = families.setdefault(kind.partition(":")[0], [])
            entries.append(_runtime(kind, default=not entries))
        return families


def check_image(image: str) -> str:
    """IMAGE, if it has the form of an image's name; whether there is one shows when it is called."""
    if not _IMAGE.fullmatch(image):
        raise malformed("could not parse image name")
    return image


def is_own(image: str) -> bool:
    """Whether IMAGE stands for the project's runtime, which also runs without its image."""
    return image.startswith(OWN_IMAGES)


def image_of(executable: Executable) -> str:
    """The image whose containers run it, where containers are made of images."""
    return executable.image or f"{IMAGE.format(executable.kind.partition(':')[0])}:{TAG}"


def _runtime(kind: str, *, default: bool) -> dict[str, Any]:
    return {
        "kind": kind,
        "image": IMAGE.format(kind.partition(":")[0]),
        "default": default,
        "deprecated": False,
        "attached": True,
        "requireMain": False,
    }
