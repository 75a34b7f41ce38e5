"""Metadata against its schema, as PyPI `ai4-metadata` has it, and against what a catalog needs besides."""

import importlib.util
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from deepwhisk.errors import SettingsError
from deepwhisk.project.metadata import Metadata, Place

LONGEST = 300  # characters of a message
DATES = (("dates", "created"), ("dates", "updated"))
BARE_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([Tt ].*)?")
WHOLE = (("resources", "inference", "timeout_ms"), ("resources", "training", "timeout_ms"))
COUNTS = {"concurrency": 1, "min_warm": 0, "keep_alive_s": 0}  # of resources.inference, and their least
INSTALL = "Validation needs the package ai4-metadata: pip install 'deepwhisk[metadata]'"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key of a file."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.message}"


def problems(metadata: Metadata) -> list[Problem]:
    """Everything that is wrong, in the order of the file. Raises SettingsError without ai4-metadata."""
    if not metadata.said:
        return [Problem(metadata.file, 1, "the file", "says nothing, or is not there")]
    found = [*_of_schema(metadata), *([] if metadata.old else _of_catalog(metadata))]
    told = [
        Problem(metadata.file, metadata.line(place), ".".join(map(str, place)) or "the file", message)
        for place, message in found
    ]
    return sorted(told, key=lambda one: one.line)


def version(metadata: Metadata) -> str:
    """The version of the schema that a file is in."""
    return "1.0.0" if metadata.old else str(metadata.said.get("metadata_version") or "")


def _of_schema(metadata: Metadata) -> Iterator[tuple[Place, str]]:
    validators = _validators()
    own = version(metadata)
    if own not in validators:
        known = ", ".join(validators)
        yield ("metadata_version",), f"{own!r} is none of: {known}" if own else f"is missing; one of: {known}"
        own = list(validators)[-1]
    said = dict(metadata.said) if metadata.old else {"metadata_version": own, **metadata.said}
    for error in validators[own].iter_errors(said):
        yield _told(error)


def _told(error: Any) -> tuple[Place, str]:
    """Where an error of the schema is, and what it says."""
    place = tuple(error.absolute_path)
    if error.validator == "required":
        missing = re.match(r"'(.*)' is a required property", error.message)
        return (*place, missing[1] if missing else "?"), "is missing"
    if error.validator == "not":
        old = [
            key for one in error.validator_value["anyOf"] for key in one["required"] if key in error.instance
        ]
        return (
            old[0],
        ), "belongs to schema 1.0: remove it, or convert the file with `deepwhisk models convert`"
    return place, error.message if len(error.message) <= LONGEST else f"{error.message[:LONGEST]}…"


def _of_catalog(metadata: Metadata) -> Iterator[tuple[Place, str]]:
    """What the schema leaves open, and whoever serves or lists models needs."""
    license_ = metadata.said.get("license")
    if license_ is None:
        yield ("license",), "is missing; say under which one the model may be used, such as Apache-2.0"
    elif not isinstance(license_, str) or not license_.strip():
        yield ("license",), f"{license_!r} is no name of a license"
    for date in DATES:
        value = _at(metadata.said, date)
        if isinstance(value, str) and metadata.is_bare(date) and BARE_DATE.fullmatch(value):
            yield date, f'it must be in quotes, "{value}": YAML reads a date, the schema wants text'
    for place in WHOLE:
        value = _at(metadata.said, place)
        if value is not None and (type(value) is not int or value < 1):
            yield place, f"{value!r} is no whole number of milliseconds"

    for name, least in COUNTS.items():
        value = _at(metadata.said, ("resources", "inference", name))
        if value is not None and (type(value) is not int or value < least):
            yield ("resources", "inference", name), f"{value!r} is no whole number from {least} on"


def _at(said: Any, place: Sequence[str]) -> Any:
    for step in place:
        said = said.get(step) if isinstance(said, dict) else None
    return said


@cache
def _validators() -> dict[str, Any]:
    """A validator for each version of the schema, the oldest first.

    The files of the package are read; to import it would bring a command line of its own.
    """
    package = importlib.util.find_spec("ai4_metadata")
    if package is None or package.origin is None:
        raise SettingsError(f"{INSTALL}.")
    from jsonschema import Draft7Validator, Draft202012Validator  # noqa: PLC0415 — of the same extra

    found = {}
    for file in sorted((Path(package.origin).parent / "assets" / "schemata").glob("ai4-apps-v*.json")):
        kind = Draft7Validator if file.stem.endswith("v1.0.0") else Draft202012Validator
        found[file.stem.removeprefix("ai4-apps-v")] = kind(json.loads(file.read_text(encoding="utf-8")))
    return found
