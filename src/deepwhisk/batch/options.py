"""What a site says about its runner, beside the address, and what jobs are called: checked, never guessed."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deepwhisk.errors import RunnerRefused, SettingsError

_NAME = re.compile(r"[A-Za-z0-9-]{1,63}")


def known(runner: str, options: Mapping[str, Any], names: Iterable[str]) -> Mapping[str, Any]:
    """OPTIONS, if RUNNER has them all. Raises SettingsError."""
    names = tuple(names)
    if strange := [name for name in options if name not in names]:
        raise SettingsError(f"A runner {runner} has no option {strange[0]!r}; it has {', '.join(names)}.")
    return options


def whole(runner: str, options: Mapping[str, Any], name: str, usual: int) -> int:
    """A number that is not negative. Raises SettingsError."""
    given = str(options.get(name, usual))
    if not given.isdecimal():
        raise SettingsError(f"The option {name!r} of a runner {runner} is a number, not {given!r}.")
    return int(given)


def file(runner: str, options: Mapping[str, Any], name: str) -> Path | None:
    """A file that is there, with `~`; None when none is named. Raises SettingsError."""
    if not options.get(name):
        return None
    path = Path(str(options[name])).expanduser().absolute()
    if not path.is_file():
        raise SettingsError(f"The option {name!r} of a runner {runner} names {path}, which is no file.")
    return path


def is_name(name: str) -> bool:
    """Whether a job can be called so."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Raises RunnerRefused."""
    if not is_name(name):
        raise RunnerRefused(f"No job can be called {name!r}: letters, digits and hyphens, at most 63.")
