"""Packages that a project needs of others: bindings, folders of this machine, projects of GitHub.

    /whisk.system/utils                 a binding
    ../lib                              a project beside this one
    github.com/owner/name/folder        a project at a `version` (a branch, tag or commit)

A project that is taken in has one package, which is deployed before and under its own project's name. Under
another key it is also bound.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deepwhisk.errors import ManifestError
from deepwhisk.manifest import inputs
from deepwhisk.manifest.entities import Entity, Manifest
from deepwhisk.manifest.names import DEFAULT, checked, pairs
from deepwhisk.manifest.remote import repository, unpack
from deepwhisk.manifest.source import Origin, Source, find_origin
from deepwhisk.project import written_manifest

SYSTEM = "whisk.system/"
BRANCH = "master"
Parse = Callable[[str, Source], Manifest]


@dataclass(frozen=True, slots=True)
class Dependency:
    """One entry of `dependencies`, with the names in it replaced."""

    name: str
    location: str
    entry: Mapping[str, Any]
    where: str
    line: int


def take_in(
    found: Dependency, package: Mapping[str, Any], source: Source, parse: Parse
) -> tuple[list[Entity], list[Manifest]]:
    """The binding and the foreign project that a dependency stands for, each where it does."""
    checked(found.name, "a package", f"{source.file}:{found.line}")
    if found.location.startswith(("/", SYSTEM)):
        return [_binding(found, _bound(found), package, source)], []
    project = _project(found, source, parse)
    name = _package_of(project, found)
    if name == found.name:
        _warn_of_inputs(found, source)
        return [], [project]
    return [_binding(found, ("_", name), package, source)], [project]


def _bound(found: Dependency) -> tuple[str, str]:
    parts = found.location.strip("/").split("/")
    if len(parts) != 2:
        raise ManifestError(f"{found.where}: {found.location!r} names no package; write /namespace/package.")
    return parts[0], parts[1]


def _binding(
    found: Dependency, target: tuple[str, str], package: Mapping[str, Any], source: Source
) -> Entity:
    declared = found.entry.get("inputs", {})
    over = {key: source.params[key] for key in declared if key in source.params}
    body = {
        "name": found.name,
        "publish": False,
        "binding": {"namespace": target[0], "name": target[1]},
        **pairs("annotations", inputs.annotations(found.entry.get("annotations", {}), source.environ)),
        **pairs("parameters", inputs.inputs(declared, package, source.environ, found.where, over)),
    }
    return Entity("package", found.name, body, line=found.line)


def _project(found: Dependency, source: Source, parse: Parse) -> Manifest:
    folder = source.path(found.location, found.where)
    if folder.is_dir():
        return _parsed(folder.resolve(), found, source, parse)
    repo = repository(found.location)
    if repo is None:
        raise ManifestError(
            f"{found.where}: {found.location!r} is no package (/namespace/package), no folder here and "
            "nothing on GitHub (github.com/owner/name)."
        )
    version = found.entry.get("version", "")
    try:
        archive = source.fetch(repo.archive(version or BRANCH))
        with tempfile.TemporaryDirectory(prefix="deepwhisk-") as place:
            root = unpack(archive, Path(place).resolve())
            return _parsed(root / repo.folder, found, replace(source, root=root), parse)
    except ManifestError as error:
        if str(error).startswith(found.where):
            raise
        advice = "" if version else f" Without a version it is {BRANCH}."
        raise ManifestError(f"{found.where}: {error}{advice}") from error


def _parsed(folder: Path, found: Dependency, source: Source, parse: Parse) -> Manifest:
    if folder in (*source.within, source.folder.resolve()):
        raise ManifestError(f"{found.where}: {found.location!r} leads back to a project that needs it.")
    if not written_manifest(folder):
        raise ManifestError(f"{found.where}: {found.location!r} has no manifest.yaml.")
    origin = find_origin(folder, written_manifest(folder), strict=source.strict)
    return parse(origin.text, _source(origin, found, source))


def _source(origin: Origin, found: Dependency, source: Source) -> Source:
    """Errors name its manifest by the location as it is written."""
    made = origin.source(source.environ, source.kinds, source.known)
    within = (*source.within, source.folder.resolve())
    file = f"{found.location.strip('/')}/{origin.file}"
    return replace(made, file=file, fetch=source.fetch, within=within, root=source.root, params=source.params)


def _package_of(project: Manifest, found: Dependency) -> str:
    names = [
        entity.name
        for entity in project.entities
        if entity.kind == "package" and "binding" not in entity.body
    ]
    if len(names) != 1 or names[0].lower() == DEFAULT:
        raise ManifestError(
            f"{found.where}: the project at {found.location!r} must have one package, and has "
            f"{', '.join(names) or 'none'}."
        )
    return names[0]


def _warn_of_inputs(found: Dependency, source: Source) -> None:
    if found.entry.get("inputs"):
        source.warn(
            found.where,
            "its inputs are of a binding, and it is deployed under its own name; give it another one.",
        )
