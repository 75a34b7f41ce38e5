"""The manifest: composed from a project's folders, and parsed into what a server keeps.

    folders ── compose ──▶ manifest.yaml ── parse ──▶ entities
                    deployment.yaml, values ──▶

The file is in stock wskdeploy grammar and committed; `wskdeploy -m manifest.yaml` deploys a clone. One
that somebody wrote by hand, for wskdeploy, is read as it is.
"""

from itertools import zip_longest

from deepwhisk.errors import ManifestError
from deepwhisk.manifest.compose import LEFT_OUT, compose
from deepwhisk.manifest.entities import COLLECTIONS, Api, Endpoint, Entity, Feed, Manifest
from deepwhisk.manifest.inputs import Environ
from deepwhisk.manifest.parsing import parse
from deepwhisk.manifest.source import Origin, Source, find_origin
from deepwhisk.project import MANIFEST, Project, is_generated, written_manifest

__all__ = [
    "COLLECTIONS",
    "LEFT_OUT",
    "Api",
    "Endpoint",
    "Entity",
    "Environ",
    "Feed",
    "Manifest",
    "Origin",
    "Source",
    "check_current",
    "compose",
    "find_origin",
    "is_generated",
    "manifest_text",
    "parse",
    "write",
]


def manifest_text(project: Project) -> str:
    """What is deployed: the manifest composed now, or the one that somebody wrote by hand."""
    path = written_manifest(project.folder)
    if path is None or is_generated(project.folder):
        return compose(project)
    return path.read_text(encoding="utf-8")


def write(project: Project) -> bool:
    """Write manifest.yaml; False when it already said the same. Raises ManifestError for one made by hand."""
    path = written_manifest(project.folder) or project.folder / MANIFEST
    if path.is_file() and not is_generated(project.folder):
        raise ManifestError(
            f"{path} was not made by `deepwhisk manifest`, so it is not written over; move it away."
        )
    text = compose(project)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def check_current(project: Project) -> None:
    """Raises ManifestError when the committed manifest is behind the folders."""
    path = written_manifest(project.folder)
    if path is None:
        raise ManifestError(f"There is no {project.folder / MANIFEST}; write it with `deepwhisk manifest`.")
    ours, theirs = manifest_text(project).splitlines(), path.read_text(encoding="utf-8").splitlines()
    if ours != theirs:
        pairs = zip_longest(ours, theirs)
        line = next(number for number, (our, their) in enumerate(pairs, 1) if our != their)
        raise ManifestError(
            f"{path}:{line} is behind the content folders; write it again with `deepwhisk manifest`."
        )
