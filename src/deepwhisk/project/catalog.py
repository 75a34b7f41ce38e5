"""The models of a project: a folder of the catalog each."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepwhisk.errors import ProjectError
from deepwhisk.project.files import python, text, title
from deepwhisk.project.metadata import Metadata, find_metadata, read_metadata

# It names a container image too; in a web action's address an ending such as .json says what to answer with.
MODEL_NAME = re.compile(r"(?!.*\.(?:http|html|json|svg|text)$)[a-z0-9]+([._-][a-z0-9]+)*")
NAME_RULE = "use small letters and digits, with '-', '_', '.' between, and no ending such as .json"
VERSION = "0.1.0"
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
MEMORY, TIMEOUT = 512, 60_000  # MB and ms of a model that says nothing: what every OpenWhisk grants
TOGETHER = 32  # calls at a time of a model that answers several with `predict_batch`, if it says nothing
LEAST = {"memory_MB": 1, "timeout_ms": 1, "concurrency": 1, "min_warm": 0, "keep_alive_s": 0}


@dataclass(frozen=True, slots=True)
class Model:
    """A folder of the catalog."""

    name: str
    folder: Path
    title: str  # first line of the docstring of model.py
    trainable: bool
    metadata: Mapping[str, Any]  # in the words of AI4OS 2.x; empty when there is none
    version: str
    memory: int  # MB
    timeout: int  # ms
    concurrency: int = 1  # calls that a container may have at a time
    min_warm: int = 0  # containers that are to be there before anybody asks
    keep_alive: int | None = None  # seconds that an unused container stays; None: as the engine has it

    @property
    def description(self) -> str:
        """One sentence for whoever looks for a model."""
        return str(self.metadata.get("summary") or self.title)

    @property
    def requirements(self) -> str:
        """The text of requirements.txt; empty without one."""
        return text(self.folder / "requirements.txt") or ""

    @property
    def build(self) -> str | None:
        """The text of build.py, which makes the weights."""
        return text(self.folder / "build.py")


def read_model(folder: Path, project: Path) -> Model:
    """What a folder of the catalog says. Raises ProjectError when it is no model."""
    if not MODEL_NAME.fullmatch(folder.name):
        raise ProjectError(f"catalog/{folder.name} cannot name a model: {NAME_RULE}.")
    if not (folder / "model.py").is_file():
        raise ProjectError(
            f"catalog/{folder.name}/model.py is missing: it holds the class Model of a folder of the catalog."
        )
    tree = python(folder / "model.py", project)
    offers = _offers(tree, f"catalog/{folder.name}/model.py")
    path = find_metadata(folder)
    file = path.relative_to(project).as_posix()
    described = read_metadata(path, file)
    metadata = described.current
    resources = _resources(metadata, file)
    return Model(
        name=folder.name,
        folder=folder,
        title=title(tree) or folder.name,
        trainable="train" in offers,
        metadata=metadata,
        version=_version(described),
        memory=max(128, resources.get("memory_MB", MEMORY)),
        timeout=resources.get("timeout_ms", TIMEOUT),
        concurrency=resources.get("concurrency", TOGETHER if "predict_batch" in offers else 1),
        min_warm=resources.get("min_warm", 0),
        keep_alive=resources.get("keep_alive_s"),
    )


def _version(described: Metadata) -> str:
    """The version of a model, which is the tag of its image as well."""
    version = str(described.current.get("version") or VERSION)
    if not TAG.fullmatch(version):
        where = f"{described.file}:{described.line(('version',))}"
        raise ProjectError(
            f"{where}: version {version[:80]!r} is no tag of an image: use letters, digits and '._-'."
        )
    return version


def _offers(tree: ast.Module, file: str) -> set[str]:
    """The names of the functions that a model offers."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "Model":
            methods = {child.name for child in node.body if isinstance(child, ast.FunctionDef)}
            _refuse_async(node.body, file)
            if "predict" not in methods and not node.bases:
                raise ProjectError(f"{file}:{node.lineno}: class Model has no method predict.")
            return methods
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    _refuse_async(tree.body, file)
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    if not {"predict", "Model"} & (functions | imported) and not _names_module(tree):
        raise ProjectError(f"{file} has neither a class Model nor a function predict, nor names a MODULE.")
    return functions


def _names_module(tree: ast.Module) -> bool:
    """Whether it only names a module from outside, `MODULE = "…"`."""
    targets = [
        ast.unparse(each) for node in tree.body if isinstance(node, ast.Assign) for each in node.targets
    ]
    return "MODULE" in targets


def _refuse_async(body: list[ast.stmt], file: str) -> None:
    for node in body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name in ("load", "predict", "train"):
            raise ProjectError(
                f"{file}:{node.lineno}: {node.name} is async; write a plain `def {node.name}`."
            )


def _resources(metadata: Mapping[str, Any], file: str) -> dict[str, int]:
    resources = metadata.get("resources") or {}
    inference = resources.get("inference") or {} if isinstance(resources, dict) else {}
    found = {key: inference[key] for key in LEAST if inference.get(key) is not None}
    for key, value in found.items():
        if type(value) is not int or value < LEAST[key]:
            raise ProjectError(f"{file}: resources.inference.{key} must be a whole number, not {value!r}.")
    return found
