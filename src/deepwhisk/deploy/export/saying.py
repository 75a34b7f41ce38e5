"""Values as a manifest must write them, so that they are read back as they are.

A manifest's own words are text that begins with a dollar, `${NAME}` anywhere, the names of types, and
mappings that look like a described input.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.deploy.comparing import SECRET
from deepwhisk.manifest.inputs import MULTI_LINE, ZERO, Environ, interpolate


@dataclass(slots=True)
class Said:
    """What is said beside the manifest: sentences, and the secrets by the names that stand for them."""

    hide: bool = False  # secrets are written as names of the environment
    notes: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)  # where the values are that look like one
    environ: dict[str, str] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


def inputs(parameters: Mapping[str, Any], where: str, said: Said) -> dict[str, Any]:
    """The `inputs` of an entity; a null has no place there."""
    found = {}
    for key, value in sorted(parameters.items()):
        if value is None:
            said.note(f"{where}: the parameter {key} is null, which a manifest cannot say; it is left out.")
        else:
            found[key] = _hidden(key, value, where, said)
    return found


def annotations(found: Mapping[str, Any], where: str, said: Said) -> dict[str, Any]:
    """The `annotations` of an entity. They cannot be described, so some text has no way to be written."""
    written = {}
    for key, value in sorted(found.items()):
        escaped = _escaped(value) if isinstance(value, str) else value
        written[key] = value if escaped is None else escaped
        if escaped is None and value is not None:
            said.note(f"{where}: the annotation {key} begins with a dollar, and would be read as a name.")
        if _secret(key, value):
            said.secrets.append(f"{where}: {key}")
    return written


def _hidden(key: str, value: Any, where: str, said: Said) -> Any:
    if not _secret(key, value):
        return written(value)
    if not said.hide or not isinstance(value, str):
        said.secrets.append(f"{where}: {key}")
        return written(value)
    name = re.sub(r"\W+", "_", f"{where.rpartition(' ')[2]}_{key}").upper()
    said.environ[name] = value
    return f"${name}"


def _secret(key: str, value: Any) -> bool:
    """Whether a value is one by its name, or holds one, however deep."""
    if isinstance(value, dict):
        return any(_secret(str(inner), each) for inner, each in value.items())
    if isinstance(value, list):
        return any(_secret(key, each) for each in value)
    return bool(value) and not isinstance(value, bool) and SECRET.search(key) is not None


def written(value: Any) -> Any:
    """An input: as it is, or described so that nothing of it is taken for a word of the manifest."""
    if isinstance(value, dict) and value and value.keys() <= MULTI_LINE:
        return {"type": "json", "value": value}
    if not isinstance(value, str):
        return value
    if value in ZERO:
        return {"type": "string", "value": value}
    escaped = _escaped(value)
    return {"type": "json", "value": json.dumps(value)} if escaped is None else escaped


def _escaped(text: str) -> str | None:
    """The text that is read as this one; None when there is none."""
    ways = (text, text.replace("${", "$${"))
    return next((way for way in ways if interpolate(way, Environ()) == text), None)
