"""What a metadata file says of a model: AI4OS 2.x as YAML or JSON, or DEEP's 1.0 as JSON.

Law: what is wrong is a ProjectError with file, line and key, however large, deep or cunning the file is; what
is read is the same plain values whichever of both schemas it came in.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from deepwhisk.errors import ProjectError
from deepwhisk.goyaml import GoLoader
from deepwhisk.grammar import VALUE, Each, read
from deepwhisk.project.files import text
from deepwhisk.project.upgrading import is_old, upgraded

FILES = ("ai4-metadata.yml", "ai4-metadata.yaml", "ai4-metadata.json", "metadata.json")
LARGEST = 1_000_000  # characters
Place: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Metadata:
    """A metadata file; `file` is how errors call it."""

    file: str
    said: Mapping[str, Any]  # as it stands there
    _node: yaml.Node | None

    @property
    def old(self) -> bool:
        """Whether it is in DEEP's schema 1.0."""
        return is_old(self.said)

    @property
    def current(self) -> Mapping[str, Any]:
        """What it says, in the words of AI4OS 2.x."""
        return upgraded(self.said) if self.old else self.said

    def line(self, place: Place) -> int:
        """The line of a key, or of the nearest one around it."""
        node, line = self._node, 1
        for step in place:
            key, node = _below(node, step)
            if key is None:
                break
            line = key.start_mark.line + 1
        return line

    def is_bare(self, place: Place) -> bool:
        """Whether a value is written without quotes."""
        node = self._node
        for step in place:
            _, node = _below(node, step)
        return isinstance(node, yaml.ScalarNode) and node.style is None


def find_metadata(folder: Path) -> Path:
    """The metadata file of a model's folder; the one to be written where there is none."""
    return next((folder / name for name in FILES if (folder / name).is_file()), folder / FILES[0])


def read_metadata(path: Path, file: str) -> Metadata:
    """What a file says; nothing when there is no such file. Raises ProjectError."""
    said = text(path) or ""
    if len(said) > LARGEST:
        raise ProjectError(f"{file} has {len(said)} characters; metadata may have {LARGEST}.")
    try:
        if path.suffix == ".json":
            values, said = _json(said, file), said.replace("\t", " ")
        else:
            values = read(said, file, Each(VALUE))
        return Metadata(file, values, _composed(said))
    except ValueError as error:  # a number with thousands of digits
        raise ProjectError(f"{file}: a value cannot be read: {error}.") from error
    except RecursionError as error:
        raise ProjectError(f"{file}: it is nested too deeply.") from error


def _json(said: str, file: str) -> dict[str, Any]:
    try:
        found = json.loads(said, object_pairs_hook=_once, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ProjectError(f"{file}:{error.lineno}: this is not JSON: {error.msg}.") from error
    if not isinstance(found, dict):
        raise ProjectError(f"{file}:1: the file must be a mapping, not a {type(found).__name__}.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(
            f"the key {next(name for name in names if names.count(name) > 1)!r} is written twice"
        )
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _composed(said: str) -> yaml.Node | None:
    """The nodes of a file, for their lines; JSON that is no YAML has none."""
    try:
        node: yaml.Node | None = GoLoader(said).get_single_node()
    except yaml.YAMLError:
        return None
    return node


def _below(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The node that says where a member begins, and that of its value."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), (None, None))
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None, None
