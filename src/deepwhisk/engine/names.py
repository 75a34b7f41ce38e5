"""Names of namespaces and entities: what they may look like and how they are written out.

A name in an answer is always resolved: `_` stands for the caller's namespace only in requests.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from deepwhisk.engine.problems import Rejection, malformed

LONGEST = 256
_SEGMENT = re.compile(r"\w(?:[\w@ .&-]{0,254}[\w@.&-])?", re.ASCII)
_ACTIVATION = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Name:
    """Where an entity lives: `guest/name`, or `guest/package/name` for an action in a package."""

    namespace: str
    package: str | None
    name: str

    @property
    def path(self) -> str:
        return f"{self.namespace}/{self.package}" if self.package else self.namespace

    @property
    def id(self) -> str:
        return f"{self.path}/{self.name}"

    @property
    def local(self) -> str:
        """Without the namespace: what activations are filed under."""
        return f"{self.package}/{self.name}" if self.package else self.name


def is_name(text: str) -> bool:
    return _SEGMENT.fullmatch(text) is not None


@lru_cache(4096)
def check_name(text: str) -> str:
    if len(text) > LONGEST:
        raise Rejection(400, f"Name segement longer than allowed: {len(text)} > {LONGEST}.")
    if not is_name(text):
        raise Rejection(400, "The name of the entity contains illegal characters.")
    return text


def check_namespace(text: str) -> str:
    if len(text) > LONGEST:
        raise Rejection(400, f"Namespace longer than allowed: {len(text)} > {LONGEST}.")
    if not is_name(text):
        raise Rejection(400, "The namespace contains illegal characters.")
    return text


def check_activation_id(text: str) -> str:
    if len(text) != 32:
        raise Rejection(400, f"Activation id length is {len(text)} but must be 32.")
    if not _ACTIVATION.fullmatch(text):
        raise Rejection(400, "The activation id is not valid.")
    return text


def resolve(value: object, namespace: str) -> Name:
    """The full name that a body says: `/ns/a`, `/ns/package/a`, or an object with `path` and `name`."""
    if isinstance(value, dict) and isinstance(value.get("path"), str) and isinstance(value.get("name"), str):
        value = f"{value['path']}/{value['name']}"
    if not isinstance(value, str):
        raise malformed("fully qualified name malformed")
    segments = [segment for segment in value.strip().split("/") if segment]
    if len(segments) < 2:
        raise malformed(
            "requirement failed: The fully qualified name of the entity must contain at least "
            "the namespace and the name of the entity."
        )
    if len(segments) > 3 or not all(is_name(segment) for segment in segments):
        raise malformed(f"requirement failed: '{value}' is not a path of legal names.")
    home = namespace if segments[0] == "_" else segments[0]
    return Name(home, segments[1] if len(segments) == 3 else None, segments[-1])
