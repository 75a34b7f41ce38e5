"""What a model folder says about itself, read without running it.

`model.py` holds `class Model` with `predict`, a bare function `predict`, or the name of a module from
outside, `MODULE = "…"`. Reading is by syntax alone: no import, so that a catalog can be listed where none of
its packages is installed.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

FILE = "model.py"
CLASS = "Model"
MODULE = "MODULE"
METHODS = ("load", "predict", "train")


class NotAModel(ValueError):
    """Raised when a folder holds no model that can be read; says what is missing in which file."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function, as it is written."""

    name: str
    annotation: str | None
    default: str | None  # as source text; None: it must be given


@dataclass(frozen=True, slots=True)
class Description:
    """A model as its source describes it."""

    title: str  # first line of the docstring
    text: str  # the rest of it
    is_class: bool
    predict: tuple[Parameter, ...]
    load: tuple[Parameter, ...]
    train: tuple[Parameter, ...] | None  # None: it cannot be trained
    module: str | None = None  # the module from outside that it only names


def is_model(folder: Path) -> bool:
    """Whether a folder is a model rather than a plain action."""
    return (folder / FILE).is_file() and not (folder / "__main__.py").is_file()


def read(folder: Path) -> Description:
    """Describe the model in a folder; NotAModel says why it cannot be."""
    path = folder / FILE
    if not path.is_file():
        raise NotAModel(
            f"{path} is missing: a model folder holds model.py with `class Model` or `def predict`"
        )
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise NotAModel(f"{path}{f', line {line}' if line else ''}: {error.args[0]}") from error
    return _describe(tree, path)


def _describe(tree: ast.Module, path: Path) -> Description:
    model = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == CLASS), None)
    document = ast.get_docstring(tree) or (ast.get_docstring(model) if model else None) or ""
    title, _, text = document.partition("\n")
    if (module := _module(tree)) is not None:
        return Description(title.strip(), text.strip(), False, (), (), None, module)
    found = _functions(model.body if model else tree.body)
    if "predict" not in found:
        where = (
            f"`class {CLASS}` has no method `predict`" if model else "there is no `class Model`, no `predict`"
        )
        raise NotAModel(f"{path}: {where}")
    skip = 1 if model else 0
    return Description(
        title=title.strip(),
        text=text.strip(),
        is_class=model is not None,
        predict=_parameters(found["predict"], skip),
        load=_parameters(found["load"], skip) if model and "load" in found else (),
        train=_parameters(found["train"], skip) if "train" in found else None,
    )


def _module(tree: ast.Module) -> str | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(each) for each in node.targets] == [MODULE]:
            value = node.value
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    return None


def _functions(body: list[ast.stmt]) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name: node for node in body if isinstance(node, kinds) and node.name in METHODS}


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef, skip: int) -> tuple[Parameter, ...]:
    given = function.args
    static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in function.decorator_list)
    ordered = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [None] * (len(ordered) - len(given.defaults)) + list(given.defaults)
    pairs = list(zip(ordered, defaults, strict=True))[0 if static else skip :]
    pairs += zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return tuple(Parameter(each.arg, _source(each.annotation), _source(default)) for each, default in pairs)


def _source(expression: ast.expr | None) -> str | None:
    return None if expression is None else ast.unparse(expression)
