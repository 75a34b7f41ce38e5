"""What the content folders of a project say, as values.

Nothing of a project is imported or run here: Python files are read as text. What a folder says wrong is a
ProjectError that names the file and the key.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepwhisk.errors import ProjectError
from deepwhisk.grammar import SEQUENCE, TEXT, TRIGGER, Each, Keys
from deepwhisk.project.catalog import MODEL_NAME, NAME_RULE, Model, read_model
from deepwhisk.project.files import files, folders, settings, text
from deepwhisk.project.topics import Function, Topic, read_topic

__all__ = [
    "MANIFEST",
    "MODEL_NAME",
    "NAME_RULE",
    "Function",
    "Model",
    "Project",
    "Sequence",
    "Topic",
    "Trigger",
    "find_folder",
    "read_project",
    "shipped",
]

MANIFEST = "manifest.yaml"
INSTALLED = Path(__file__).parent.parent / "content"  # what the wheel carries
CLONE = Path(__file__).parents[3]  # … and the repository, when the tool runs from there

SEQUENCE_FILE = Keys("a sequence", {**SEQUENCE.rules, "description": TEXT})
TRIGGER_FILE = Keys(
    "a trigger",
    {key: TRIGGER.rules[key] for key in ("feed", "inputs", "description", "annotations")}
    | {"rules": Each(TEXT)},
)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A file of sequences/."""

    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A file of triggers/; `rules` maps a rule's name to the action it starts."""

    name: str
    settings: Mapping[str, Any]
    rules: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that a folder serves."""

    name: str
    folder: Path
    models: tuple[Model, ...]
    actions: tuple[Topic, ...]
    feeds: tuple[Topic, ...]
    sequences: tuple[Sequence, ...]
    triggers: tuple[Trigger, ...]

    @classmethod
    def find(cls, here: Path) -> "Project":
        """The project that `here` lies in; outside of any, the one that is installed with this tool."""
        return read_project(find_folder(here))

    def model(self, name: str) -> Model:
        """The model of this name. Raises ProjectError, which tells the names there are."""
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in self.models) or "none"
        raise ProjectError(f"There is no model {name!r} in {self.folder / 'catalog'}; there are: {known}.")

    def buckets(self) -> set[str]:
        """The buckets that its triggers watch and that their results go to."""
        return {name for trigger in self.triggers for name in _buckets(trigger.settings.get("inputs", {}))}


def find_folder(here: Path) -> Path:
    """The nearest folder upwards that has a manifest or a catalog, else the installed content."""
    here = here.absolute()
    for folder in (here, *here.parents):
        if (folder / MANIFEST).is_file() or (folder / "catalog").is_dir():
            return folder
    if INSTALLED.is_dir() or (CLONE / MANIFEST).is_file():
        return shipped()
    raise ProjectError(
        f"There is no project in {here} or above: no {MANIFEST} and no folder catalog/. "
        "Make one with `deepwhisk new project NAME`."
    )


def shipped() -> Path:
    """The content that comes with this tool."""
    return INSTALLED if INSTALLED.is_dir() else CLONE


def read_project(folder: Path) -> Project:
    """Read every content folder. Raises ProjectError for the first thing that is wrong."""
    folder = folder.absolute()
    return Project(
        name=_name(folder),
        folder=folder,
        models=tuple(read_model(path, folder) for path in folders(folder / "catalog")),
        actions=tuple(read_topic(path, folder) for path in files(folder / "actions", ".py")),
        feeds=tuple(read_topic(path, folder) for path in files(folder / "triggers" / "feeds", ".py")),
        sequences=tuple(
            Sequence(path.stem, settings(path, folder, SEQUENCE_FILE))
            for path in files(folder / "sequences", ".yaml")
        ),
        triggers=tuple(_trigger(path, folder) for path in files(folder / "triggers", ".yaml")),
    )


def _name(folder: Path) -> str:
    """The name that the manifest gave the project and that stays, whatever the folder is called."""
    found = re.search(r"^project:\n  name: (\S.*)$", text(folder / MANIFEST) or "", re.MULTILINE)
    return found[1].strip("'\"") if found else folder.name


def _trigger(path: Path, project: Path) -> Trigger:
    found = settings(path, project, TRIGGER_FILE)
    rules = found.pop("rules", {})
    return Trigger(path.stem, found, rules)


def _buckets(value: Any) -> Iterator[str]:
    """Every text under a key `bucket`, however deep."""
    if isinstance(value, dict):
        if isinstance(value.get("bucket"), str):
            yield value["bucket"]
        for inner in value.values():
            yield from _buckets(inner)
