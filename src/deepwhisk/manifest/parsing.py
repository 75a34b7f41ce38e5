"""A manifest's text becomes entities: the bodies that wskdeploy would PUT.

Everything that can be wrong without asking a server is found here, before any call: names, files, types of
values, actions that are not there, sequences that contain themselves.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from deepwhisk.errors import ManifestError
from deepwhisk.grammar import MANIFEST, line, read
from deepwhisk.manifest import inputs
from deepwhisk.manifest.apis import check_apis, on_the_web, read_apis
from deepwhisk.manifest.checks import check, in_order, once
from deepwhisk.manifest.dependencies import Dependency, take_in
from deepwhisk.manifest.entities import Api, Endpoint, Entity, Manifest
from deepwhisk.manifest.making import MAKERS, Place, package_entity
from deepwhisk.manifest.names import DEFAULT, checked
from deepwhisk.manifest.source import Source

UNUSED = {
    "feeds": "it is read and not deployed, as by wskdeploy: write a feed as an action",
    "namespace": "everything goes to the namespace of the endpoint; name it below `project`",
    "credential": "credentials are read below `project` only",
    "apiHost": "the address is read below `project` only",
    "apigwAccessToken": "the token is read below `project` only",
}


def parse(text: str, source: Source) -> Manifest:
    """The entities of a manifest, in the order in which they are made. Raises ManifestError."""
    found = read(text, source.file, MANIFEST)
    project = found.get("project", {})
    name = source.interpolated(project.get("name", ""))
    _check_name(name, source)
    read_now, apis, others = _read_packages(_packages(found, source), project.get("inputs", {}), source)
    entities = once(read_now)
    check(entities, source.file)
    known = {entity.name: entity for entity in entities if entity.kind in ("action", "sequence")}
    check_apis(apis, known)
    ready = in_order(on_the_web(entities, apis, source))
    return Manifest(
        project=name,
        hash=project_hash(text),
        entities=ready,
        unset=tuple(sorted(source.environ.unset)),
        apis=tuple(apis),
        swagger=_swagger(project, source),
        dependencies=tuple(others),
        endpoint=_endpoint(project, source),
        warnings=_warnings(ready, others, source),
        file=source.file,
    )


def project_hash(text: str) -> str:
    """The hash that wskdeploy makes of a manifest: of its bytes only, not of the code it names."""
    content = text.encode()
    return hashlib.sha1(f"OpenWhisk{chr(len(content))}golang\0".encode() + content).hexdigest()


def _packages(found: Mapping[str, Any], source: Source) -> Mapping[str, Any]:
    """Packages at the top win over those of the project, as in wskdeploy."""
    below = found.get("project", {}).get("packages")
    if found.get("packages") and below:
        source.warn(
            source.at(found["project"], "packages", "project.packages"),
            "there are packages at the top too, and those alone are deployed.",
        )
    if not (found.get("packages") or below):
        source.warn(source.file, "it has no packages, so there is nothing to deploy.")
    return found.get("packages") or below or {}


def _read_packages(
    packages: Mapping[str, Any], common: Mapping[str, Any], source: Source
) -> tuple[list[Entity], list[Api], list[Manifest]]:
    entities: list[Entity] = []
    apis: list[Api] = []
    others: list[Manifest] = []
    params = {key: source.params[key] for key in common if key in source.params}
    project = inputs.project_inputs(common, source.environ, f"{source.file}: project", params)
    for key, package in packages.items():
        declared = {**common, **package.get("inputs", {})}
        at = line(packages, key)
        name = checked(source.interpolated(key, project), "a package", f"{source.file}:{at}")
        where = source.at(packages, key, f"packages.{name}")
        over = source.over(source.deployment.of("package", name), declared)
        place = Place(name, inputs.package_inputs(declared, project, source.environ, where, over), source)
        _warn_of_unused(package, where, source)
        if name.lower() != DEFAULT:
            entities.append(package_entity(package, place, at))
        for dependency in _dependencies(package, place):
            bound, taken = take_in(dependency, place.inputs, source, parse)
            entities += bound
            others += [other for other in taken if other not in others]
        entities += _members(package, place)
        apis += read_apis(name, package.get("apis", {}), source)
    return entities, apis, others


def _members(package: Mapping[str, Any], place: Place) -> Iterator[Entity]:
    for section, make in MAKERS.items():
        entries = package.get(section, {})
        for key, entry in entries.items():
            at = line(entries, key)
            name = checked(place.named(key), f"one of {section}", f"{place.source.file}:{at}")
            yield make(name, entry, place, at)


def _dependencies(package: Mapping[str, Any], place: Place) -> Iterator[Dependency]:
    entries = package.get("dependencies", {})
    for key, entry in entries.items():
        location = place.named(entry.get("location", ""))
        where = place.source.at(entries, key, f"dependencies.{key}")
        yield Dependency(place.named(key), location, entry, where, line(entries, key))


def _warn_of_unused(package: Mapping[str, Any], where: str, source: Source) -> None:
    for key, reason in UNUSED.items():
        if package.get(key):
            source.warn(source.at(package, key, f"{where.rpartition(' ')[2]}.{key}"), f"{reason}.")


def _check_name(name: str, source: Source) -> None:
    other = source.interpolated(source.deployment.project.get("name", ""))
    if name and other and name != other:
        raise ManifestError(
            f"{source.deployment.file}: its project is {other!r}, and that of {source.file} is {name!r}; "
            "a deployment file is of one project."
        )


def _endpoint(project: Mapping[str, Any], source: Source) -> Endpoint:
    """What the deployment file says of the endpoint, else the manifest."""
    both = (source.deployment.project, project)

    def said(key: str) -> str:
        return next((source.interpolated(one[key]) for one in both if one.get(key)), "")

    return Endpoint(said("apiHost"), said("credential"), said("namespace"), said("apigwAccessToken"))


def _swagger(project: Mapping[str, Any], source: Source) -> str:
    """The description of routes in a file of the project, as JSON."""
    config = source.interpolated(project.get("config", ""))
    if not config:
        return ""
    where = source.at(project, "config", "project.config")
    try:
        found = yaml.safe_load(source.path(config, where).read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(f"{where}: {config} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ManifestError(f"{where}: {config} is neither JSON nor YAML: {error}.") from error
    if not isinstance(found, dict) or "paths" not in found:
        raise ManifestError(f"{where}: {config} describes no routes: it has no paths.")
    return json.dumps(found, ensure_ascii=False, default=str)


def _warnings(entities: Iterable[Entity], others: Iterable[Manifest], source: Source) -> tuple[str, ...]:
    names = {(entity.kind, entity.name) for entity in entities} | {("package", DEFAULT)}
    unmatched = source.deployment.unmatched(names)
    inner = [warning for other in others for warning in other.warnings]
    return (*source.deployment.warnings, *source.warnings, *unmatched, *inner)
