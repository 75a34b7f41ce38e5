"""A deployment file: what differs from place to place, said beside the manifest.

It sets inputs and annotations of packages, actions and triggers that the manifest has, and the endpoint; its
values win. A name that the manifest does not have is a warning, as of a file that serves several manifests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepwhisk.errors import ManifestError
from deepwhisk.grammar import MANIFEST, line, read
from deepwhisk.manifest import inputs
from deepwhisk.manifest.inputs import Environ
from deepwhisk.manifest.names import in_package

USED = ("inputs", "annotations")
KINDS = {"actions": "action", "triggers": "trigger"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a deployment file says of one entity."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True)
class Deployment:
    """All that a deployment file says: (kind, name) → setting, and the keys of its project."""

    file: str = ""
    settings: Mapping[tuple[str, str], Setting] = field(default_factory=dict)
    project: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def of(self, kind: str, name: str) -> Setting:
        return self.settings.get((kind, name), Setting())

    def unmatched(self, names: set[tuple[str, str]]) -> list[str]:
        """Sentences on what it sets and the manifest does not have."""
        return [
            f"{self.file}:{found.line}: there is no {kind} {name} in the manifest, so this is not used."
            for (kind, name), found in self.settings.items()
            if (kind, name) not in names
        ]


def read_deployment(path: Path, environ: Environ) -> Deployment:
    """The deployment file at a path. Raises ManifestError."""
    try:
        found = read(path.read_text(encoding="utf-8"), path.name, MANIFEST)
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not text in UTF-8.") from error
    project = found.get("project", {})
    packages = project.get("packages") or found.get("packages") or {}
    settings = dict(_settings(packages, environ))
    return Deployment(path.name, settings, project, tuple(_unused(packages, path.name)))


def _settings(packages: Mapping[str, Any], environ: Environ) -> Iterator[tuple[tuple[str, str], Setting]]:
    for key, package in packages.items():
        name = str(inputs.interpolate(key, environ))
        yield ("package", name), _setting(package, line(packages, key), environ)
        for section, kind in KINDS.items():
            entries = package.get(section, {})
            for own, entry in entries.items():
                full = in_package(own, name) if kind == "action" else own
                yield (kind, full), _setting(entry, line(entries, own), environ)


def _setting(entry: Mapping[str, Any], at: int, environ: Environ) -> Setting:
    return Setting(
        inputs.given(entry.get("inputs", {}), environ),
        inputs.annotations(entry.get("annotations", {}), environ),
        at,
    )


def _unused(packages: Mapping[str, Any], file: str) -> Iterator[str]:
    """Sentences on the keys that a deployment file may have and that nothing reads."""
    for name, package in packages.items():
        for key in package:
            if key not in (*USED, *KINDS):
                yield (
                    f"{file}:{line(package, key)}: {key} of the package {name} belongs into the manifest; "
                    "a deployment file sets inputs and annotations."
                )
        for section in KINDS:
            for own, entry in package.get(section, {}).items():
                for key in entry:
                    if key not in USED:
                        yield f"{file}:{line(entry, key)}: {key} of {own} belongs into the manifest."
