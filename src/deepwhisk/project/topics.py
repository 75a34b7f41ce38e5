"""The Python files of a project whose functions are actions: `actions/NAME.py`, `triggers/feeds/NAME.py`.

Every public function with the one argument `args` is an action; `main` is named after the file. What the code
cannot say (limits, annotations, inputs) is in `NAME.yaml` beside it. Where one file is too small a place, a
folder `actions/NAME/` is the same: its `__main__.py` has the functions, and each action carries all of it.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepwhisk.errors import ProjectError
from deepwhisk.grammar import ACTION, PACKAGE, Each, Keys
from deepwhisk.project.files import files, folders, python, settings, title

MAIN = "__main__.py"
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
    """One Python file, or a folder, with the YAML file beside it."""

    name: str
    file: str  # or folder, relative to the project
    title: str
    functions: tuple[Function, ...]
    settings: Mapping[str, Any]


def read_topics(folder: Path, project: Path) -> tuple[Topic, ...]:
    """The topics in a folder, by name. Raises ProjectError for two of one name."""
    inner = [path for path in folders(folder) if (path / MAIN).is_file()]
    found = sorted([*files(folder, ".py"), *inner], key=lambda path: path.stem)
    names = [path.stem for path in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ProjectError(f"There are both {twice}.py and {twice}/{MAIN} in {folder}; keep one of them.")
    return tuple(read_topic(path, project) for path in found)


def read_topic(path: Path, project: Path) -> Topic:
    """What a file or folder of actions says. Raises ProjectError when its YAML names what is not there."""
    file = path.relative_to(project).as_posix()
    tree = python(path / MAIN if path.is_dir() else path, project)
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
