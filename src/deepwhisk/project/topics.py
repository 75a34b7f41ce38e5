"""The Python files of a project whose functions are actions: `actions/NAME.py`, `triggers/feeds/NAME.py`.

Every public function with the one argument `args` is an action; `main` is named after the file. What the code
cannot say (limits, annotations, inputs) is in `NAME.yaml` beside it.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepwhisk.errors import ProjectError
from deepwhisk.grammar import ACTION, PACKAGE, Each, Keys
from deepwhisk.project.files import python, settings, title

SETTINGS = Keys(
    "an actions file",
    {key: PACKAGE.rules[key] for key in ("inputs", "annotations", "version", "public")}
    | {
        "actions": Each(
            Keys(
                "an action",
                {key: ACTION.rules[key] for key in ("inputs", "limits", "annotations", "web", "description")},
            )
        )
    },
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function that is an OpenWhisk action; `settings` is its entry in the YAML file."""

    name: str
    main: str
    title: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Topic:
    """One Python file with the YAML file beside it."""

    name: str
    file: str  # relative to the project
    title: str
    functions: tuple[Function, ...]
    settings: Mapping[str, Any]


def read_topic(path: Path, project: Path) -> Topic:
    """What a Python file of actions says. Raises ProjectError when its YAML names what is not there."""
    file = path.relative_to(project).as_posix()
    tree = python(path, project)
    found = settings(path.with_suffix(".yaml"), project, SETTINGS)
    named = {
        path.stem if node.name == "main" else node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and _is_action(node)
    }
    entries = found.get("actions", {})
    if unknown := sorted(set(entries) - set(named)):
        raise ProjectError(
            f"{Path(file).with_suffix('.yaml')}: actions: {file} has no function {unknown[0]}(args)."
        )
    return Topic(
        name=path.stem,
        file=file,
        title=title(tree),
        functions=tuple(
            Function(name, node.name, title(node) or title(tree), entries.get(name, {}))
            for name, node in named.items()
        ),
        settings=found,
    )


def _is_action(node: ast.FunctionDef) -> bool:
    names = [argument.arg for argument in node.args.args]
    return not node.name.startswith("_") and names == ["args"]
