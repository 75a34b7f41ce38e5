"""What a module requires, as the requirements of a catalog folder.

DEEPaaS itself is left out: it is no part of a model, and its own pins contradict what serves models here. So
are the pins of other servers' parts that the code does not import, and the versions of what every container
holds. What came with DEEPaaS unasked, and is imported, is asked for.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from deepwhisk.environments import runtime_requirements
from deepwhisk.modules.packages import Package

SERVER = "deepaas"
# Distributions of its server, and what they are imported as.
PARTS = {
    "werkzeug": "werkzeug",
    "flask": "flask",
    "flask-restplus": "flask_restplus",
    "apispec": "apispec",
    "aiohttp-apispec": "aiohttp_apispec",
}
# Import name: the requirement that DEEPaaS made, or that makes the import work.
CAME_ALONG = {
    "marshmallow": "marshmallow>=3.14.1,<4",
    "webargs": "webargs>=5.5.3",
    "aiohttp": "aiohttp>=3.8.6,<4",
    "oslo_config": "oslo.config>=8.8.1",
    "oslo_log": "oslo.log>=4.8.0",
    "pkg_resources": "setuptools<81",
}
NEEDS = {"webargs": "marshmallow"}  # in the version that fields of old modules are written for
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
OPTIONAL = re.compile(r";.*\bextra\s*==")


def requirements(package: Package, without: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines that are asked for, and the names of those that were left out."""
    imported = set(_imports(package.folder))
    unused = {name for name, module in PARTS.items() if module not in imported}
    refused = {SERVER, *unused, *map(normalized, without)}
    given = list(_given(package))
    held = {name_of(line) for line in runtime_requirements().read_text().splitlines()}
    asked = [_free(line, held) for line in given if name_of(line) not in refused]
    left_out = sorted({name_of(line) for line in given} & refused)
    named = {name_of(line) for line in asked} | refused
    added = [line for line in _came_along(imported, named) if name_of(line) not in named]
    return asked + added, left_out


def _given(package: Package) -> Iterator[str]:
    found = [line for line in package.metadata.get_all("Requires-Dist", []) if not OPTIONAL.search(line)]
    if found or package.beside is None:
        yield from map(str, found)
        return
    listed = package.beside / "requirements.txt"
    for line in listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else ():
        wanted = line.split(" #")[0].strip()
        if wanted and not wanted.startswith(("#", "-e", "-r", "-c", ".")):
            yield wanted


def _free(line: str, held: set[str]) -> str:
    """The line; without a version where every container has one."""
    name = name_of(line)
    return name if name in held else line


def _came_along(imported: set[str], named: set[str]) -> Iterator[str]:
    imported = imported | {NEEDS[name] for name in NEEDS if name in imported or name in named}
    return (CAME_ALONG[name] for name in CAME_ALONG if name in imported)


def _imports(folder: Path) -> Iterator[str]:
    """The top-level names that the code of a package imports."""
    for file in sorted(folder.rglob("*.py")):
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            continue  # a package may carry files for another Python
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield str(node.module).partition(".")[0]


def name_of(requirement: str) -> str:
    """The normalized name of what a line asks for."""
    found = NAME.match(requirement)
    return normalized(found.group()) if found else requirement


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
