"""Examples of a model: inputs that must work, each with the answer it must give.

A model's folder keeps them in `example/`, a file `NAME.json` each:

    {"input": {"image": "@coffee.jpg", "top": 3},
     "expect": {"labels.0": "espresso", "probabilities.0": 0.95},
     "tolerance": 0.05}

A text that begins with `@` is a file beside it (`@@` stands for a plain `@`). `expect` names what is compared
by its path in the answer, members and positions joined by dots; an empty path is all of it. Numbers may
differ by `tolerance`, which is 0 if absent. What `expect` does not name may be anything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepwhisk.errors import ProjectError

FOLDER = "example"
_KEYS = {"input", "expect", "tolerance"}
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Example:
    """One input with what is expected of its answer. A `Path` among the values of `input` is a file."""

    name: str
    input: Mapping[str, Any]
    expect: Mapping[str, Any]
    tolerance: float = 0


def read_examples(model: Path) -> tuple[Example, ...]:
    """Read the examples of a model's folder, by name; a ProjectError names the file that is wrong."""
    return tuple(_read(file) for file in sorted((model / FOLDER).glob("*.json")))


def differences(example: Example, answer: Any) -> list[str]:
    """Say, a sentence each, where an answer is not the expected one; nothing when it is."""
    return [
        f"{path or 'the answer'} is {_shown(found)}, not {json.dumps(wanted, ensure_ascii=False)}"
        for path, wanted in example.expect.items()
        if not _same(found := _at(answer, path), wanted, example.tolerance)
    ]


def _read(file: Path) -> Example:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ProjectError(f"{file}: this is not JSON: {error}.") from error
    if not isinstance(found, dict) or not {"input", "expect"} <= found.keys() <= _KEYS:
        raise ProjectError(f'{file} must be an object with "input", "expect" and, if wanted, "tolerance".')
    for key, kind in (("input", dict), ("expect", dict), ("tolerance", int | float)):
        if key in found and not isinstance(found[key], kind):
            raise ProjectError(f"{file}: {key} cannot be {json.dumps(found[key])}.")
    given = {name: _value(file, value) for name, value in found["input"].items()}
    return Example(file.stem, given, found["expect"], found.get("tolerance", 0))


def _value(file: Path, value: Any) -> Any:
    if isinstance(value, list):
        return [_value(file, each) for each in value]
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    if value.startswith("@@"):
        return value[1:]
    path = file.parent / value[1:]
    if not path.is_file():
        raise ProjectError(f"{file}: there is no file {value[1:]!r} beside it; write '@@' for a plain '@'.")
    return path


def _at(answer: Any, path: str) -> Any:
    """Follow members and positions; `_ABSENT` where there is nothing."""
    for step in path.split(".") if path else ():
        if isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        elif isinstance(answer, dict) and step in answer:
            answer = answer[step]
        else:
            return _ABSENT
    return answer


def _same(found: Any, wanted: Any, tolerance: float) -> bool:
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(_same, found, wanted, [tolerance] * len(found)))
    if isinstance(wanted, dict) and isinstance(found, dict):
        return found.keys() == wanted.keys() and all(
            _same(found[key], wanted[key], tolerance) for key in wanted
        )
    if _is_number(found) and _is_number(wanted):
        return bool(abs(found - wanted) <= tolerance)
    return type(found) is type(wanted) and bool(found == wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return "absent" if value is _ABSENT else json.dumps(value, ensure_ascii=False)
