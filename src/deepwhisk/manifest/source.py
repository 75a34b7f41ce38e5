"""Where a manifest's text comes from, what its names mean, and what its reader wants said.

Origin   files on disk and words of the command line, before a server is asked for anything
Source   the same with an environment and the kinds of a server: all that parsing needs
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepwhisk.errors import ManifestError
from deepwhisk.grammar import line
from deepwhisk.manifest import inputs
from deepwhisk.manifest.compose import compose
from deepwhisk.manifest.deployment import Deployment, Setting, read_deployment
from deepwhisk.manifest.inputs import NOTHING, Environ
from deepwhisk.manifest.remote import fetch
from deepwhisk.project import MANIFEST, find_folder, is_generated, read_project, written_manifest

DEPLOYMENTS = ("deployment.yaml", "deployment.yml")


@dataclass(frozen=True, slots=True)
class Origin:
    """A manifest and what goes with it: its text, its folder, its deployment file, values of the caller."""

    file: str
    folder: Path
    text: str
    deployment: Path | None = None
    params: Mapping[str, Any] = field(default_factory=dict)  # they win over every input of their name
    strict: bool = False  # what is otherwise mended with a warning is refused

    def source(
        self, environ: Environ, kinds: Mapping[str, str] = NOTHING, known: frozenset[str] = frozenset()
    ) -> "Source":
        """All that parsing needs; `kinds` are the default ones of a server, `known` all of them."""
        deployment = read_deployment(self.deployment, environ) if self.deployment else Deployment()
        return Source(self.file, self.folder, environ, kinds, known, self.params, deployment, self.strict)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a manifest's text comes from and what its names mean."""

    file: str
    folder: Path
    environ: Environ = field(default_factory=Environ)
    kinds: Mapping[str, str] = field(default_factory=dict)  # family → its default kind on the server
    known: frozenset[str] = frozenset()  # every kind of the server; empty where it is not known
    params: Mapping[str, Any] = field(default_factory=dict)
    deployment: Deployment = field(default_factory=Deployment)
    strict: bool = False
    fetch: Callable[[str], bytes] = fetch
    within: tuple[Path, ...] = ()  # the folders of the projects that this one is a dependency of
    root: Path | None = None  # of a project that was fetched, which reads nothing outside of it
    warnings: list[str] = field(default_factory=list)

    def interpolated(self, text: str, package: Mapping[str, Any] = NOTHING) -> str:
        return str(inputs.interpolate(text, self.environ, package))

    def at(self, found: Mapping[str, Any], key: str, what: str) -> str:
        """How an error names a place: file, line, entity."""
        number = line(found, key)
        return f"{self.file}:{number}: {what}" if number else f"{self.file}: {what}"

    def path(self, name: str, where: str) -> Path:
        """A file or folder that the manifest names. Raises ManifestError for one it has no business with."""
        found = self.folder / name
        if self.root is not None and not found.resolve().is_relative_to(self.root.resolve()):
            raise ManifestError(
                f"{where}: {name} lies outside of the project, which was fetched from elsewhere."
            )
        return found

    def over(self, setting: Setting, found: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs that somebody else than the manifest says: its deployment file, then the caller."""
        declared = {**found, **setting.inputs}
        return {**setting.inputs, **{key: self.params[key] for key in declared if key in self.params}}

    def warn(self, where: str, sentence: str) -> None:
        self.warnings.append(f"{where}: {sentence}")


def find_origin(
    here: Path,
    manifest: Path | None = None,
    deployment: Path | None = None,
    params: Mapping[str, Any] = NOTHING,
    strict: bool = False,
) -> Origin:
    """The manifest at a path, or else that of the project that `here` lies in, composed where it is ours."""
    folder = manifest.absolute().parent if manifest else find_folder(here)
    path = manifest.absolute() if manifest else written_manifest(folder)
    if path is None or (path.name == MANIFEST and is_generated(folder)):
        file, text = MANIFEST, compose(read_project(folder))
    else:
        file, text = path.name, _text(path)
    beside = deployment.absolute() if deployment else deployment_beside(folder)
    return Origin(file, folder, text, beside, params, strict)


def deployment_beside(folder: Path) -> Path | None:
    """The deployment file of a folder, where it has one."""
    return next((folder / name for name in DEPLOYMENTS if (folder / name).is_file()), None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not text in UTF-8.") from error
