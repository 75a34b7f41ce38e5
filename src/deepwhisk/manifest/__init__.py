"""The manifest: composed from a project's folders, and parsed into what a server keeps.

    folders ── compose ──▶ manifest.yaml ── parse ──▶ entities

The file is in stock wskdeploy grammar and committed; `wskdeploy -m manifest.yaml` deploys a clone.
"""

from itertools import zip_longest

from deepwhisk.errors import ManifestError
from deepwhisk.manifest.compose import HEADER, compose
from deepwhisk.manifest.entities import COLLECTIONS, Entity, Feed, Manifest
from deepwhisk.manifest.inputs import Environ
from deepwhisk.manifest.parsing import Source, parse
from deepwhisk.project import MANIFEST, Project

__all__ = [
    "COLLECTIONS",
    "Entity",
    "Environ",
    "Feed",
    "Manifest",
    "Source",
    "check_current",
    "compose",
    "manifest_text",
    "parse",
    "write",
]


def manifest_text(project: Project) -> str:
    """What is deployed: the manifest composed now, or the one that somebody wrote by hand."""
    return _by_hand(project) or compose(project)


def write(project: Project) -> bool:
    """Write manifest.yaml; False when it already said the same. Raises ManifestError for one made by hand."""
    text, path = compose(project), project.folder / MANIFEST
    if _by_hand(project) is not None:
        raise ManifestError(
            f"{path} was not made by `deepwhisk manifest`, so it is not written over; move it away."
        )
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def check_current(project: Project) -> None:
    """Raises ManifestError when the committed manifest is behind the folders."""
    path = project.folder / MANIFEST
    if not path.is_file():
        raise ManifestError(f"There is no {path}; write it with `deepwhisk manifest`.")
    ours, theirs = manifest_text(project).splitlines(), path.read_text(encoding="utf-8").splitlines()
    if ours != theirs:
        pairs = zip_longest(ours, theirs)
        line = next(number for number, (our, their) in enumerate(pairs, 1) if our != their)
        raise ManifestError(
            f"{path}:{line} is behind the content folders; write it again with `deepwhisk manifest`."
        )


def _by_hand(project: Project) -> str | None:
    path = project.folder / MANIFEST
    text = path.read_text(encoding="utf-8") if path.is_file() else HEADER
    return None if text.startswith(HEADER) else text
