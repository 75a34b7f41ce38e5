"""`--sweep`: the values that an argument takes in turn, and all combinations of several.

lr=0.1,0.01      these two            seed=1..4      1, 2, 3, 4
name=a,b         texts as well        epochs=10..50..10   10, 20, 30, 40, 50
"""

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any

from deepwhisk.errors import SettingsError

LARGEST = 1000  # trainings: more are a mistake more often than a wish
RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(\d+))?")


def read(sweeps: tuple[str, ...]) -> list[dict[str, Any]]:
    """The arguments of each training, the last-named argument changing fastest; none without sweeps."""
    said: dict[str, Sequence[Any]] = {}
    for text in sweeps:
        name, values = _values(text)
        if name in said:
            raise SettingsError(f"--sweep names {name} twice; give all of its values at once.")
        said[name] = values
    _count(said)
    return [dict(zip(said, each, strict=True)) for each in itertools.product(*said.values())] if said else []


def _values(text: str) -> tuple[str, Sequence[Any]]:
    name, separator, values = text.partition("=")
    if not separator or not name or not values:
        raise SettingsError(f"--sweep {text!r} is not NAME=VALUE,VALUE or NAME=FIRST..LAST.")
    if between := RANGE.fullmatch(values):
        first, last, step = int(between[1]), int(between[2]), int(between[3] or 1)
        if last < first or step < 1:
            raise SettingsError(f"--sweep {text!r} has no values: {first}..{last} by {step}.")
        return name, range(first, last + 1, step)
    found = [_plain(value) for value in values.split(",")]
    if len(set(map(repr, found))) < len(found):
        raise SettingsError(f"--sweep {text!r} names a value twice.")
    return name, found


def _plain(text: str) -> Any:
    """A number where it is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _count(said: dict[str, Sequence[Any]]) -> None:
    number = math.prod(len(values) for values in said.values())
    if number > LARGEST:
        raise SettingsError(f"--sweep asks for more than {LARGEST} trainings; give fewer values.")
