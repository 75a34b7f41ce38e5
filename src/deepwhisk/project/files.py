"""Reading the files of a project: text, YAML and Python, each error with its file and line."""

import ast
from pathlib import Path
from typing import Any

from deepwhisk.errors import ProjectError
from deepwhisk.grammar import Rule, read


def text(path: Path) -> str | None:
    """What a file says; None when there is no such file."""
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else None
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: this is not text in UTF-8: {error.reason}.") from error


def settings(path: Path, project: Path, rule: Rule) -> dict[str, Any]:
    """What a YAML file says; empty when there is no such file."""
    return read(text(path) or "", path.relative_to(project).as_posix(), rule)


def python(path: Path, project: Path) -> ast.Module:
    """The syntax tree of a Python file, which is never run."""
    file = path.relative_to(project).as_posix()
    try:
        return ast.parse(text(path) or "")
    except SyntaxError as error:
        raise ProjectError(f"{file}:{error.lineno or 1}: this is not Python: {error.msg}.") from error
    except ValueError as error:
        raise ProjectError(f"{file}: this is not Python: {error}.") from error


def title(node: ast.Module | ast.FunctionDef) -> str:
    """The first line of a docstring."""
    return (ast.get_docstring(node) or "").partition("\n")[0].strip()


def folders(parent: Path) -> list[Path]:
    return sorted(path for path in _visible(parent) if path.is_dir())


def files(parent: Path, suffix: str) -> list[Path]:
    return sorted(path for path in _visible(parent) if path.is_file() and path.suffix == suffix)


def _visible(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if path.name[0] not in "._"] if parent.is_dir() else []
