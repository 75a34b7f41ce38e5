"""Which kind an action gets: the one that is written, where it fits; else the default one of its language.

As wskdeploy does, a kind that the server does not have, or that is not of the file's language, is mended with
a warning where the file's extension tells a better one, and refused where it does not. Without the table of a
server nothing is refused.
"""

from deepwhisk.errors import ManifestError
from deepwhisk.manifest.source import Source

FAMILIES = {
    ".py": "python",
    ".js": "nodejs",
    ".php": "php",
    ".rb": "ruby",
    ".go": "go",
    ".swift": "swift",
    ".rs": "rust",
    ".java": "java",
    ".jar": "java",
    ".cs": "dotnet",
    ".bal": "ballerina",
}
BINARY = (".zip", ".jar")


def kind_of_file(function: str, suffix: str, runtime: str, source: Source, where: str) -> str:
    """The kind of a file whose extension tells its language."""
    family = FAMILIES.get(suffix)
    if family is None:
        if not runtime:
            raise ManifestError(f"{where}: {function} needs a runtime (python:default …) or a docker image.")
        return _known(runtime, source, where)
    if not runtime:
        return _default(family, function, source, where)
    found = _full(runtime, source)
    if found.partition(":")[0] == family and _has(found, source):
        return found
    if source.strict:
        return found
    mended = _default(family, function, source, where)
    source.warn(where, f"the runtime {runtime} {_reason(found, family, source)}; it is deployed as {mended}.")
    return mended


def kind_of_archive(function: str, runtime: str, source: Source, where: str) -> str:
    """The kind of a zip or folder, which only the manifest can tell."""
    if not runtime:
        raise ManifestError(f"{where}: {function} needs a runtime (python:default …) or a docker image.")
    return _known(runtime, source, where)


def inline_kind(runtime: str, source: Source, where: str) -> str:
    """The kind of code that the manifest holds itself."""
    if not runtime:
        raise ManifestError(f"{where}: inline code needs a runtime, for example python:default.")
    return _known(runtime, source, where)


def _known(runtime: str, source: Source, where: str) -> str:
    found = _full(runtime, source)
    if not _has(found, source) and not source.strict:
        raise ManifestError(f"{where}: the server has no runtime {runtime}; it has: {_all(source)}.")
    return found


def _full(runtime: str, source: Source) -> str:
    """A language alone means its default kind."""
    return runtime if ":" in runtime else source.kinds.get(runtime, f"{runtime}:default")


def _default(family: str, function: str, source: Source, where: str) -> str:
    if source.known and family not in source.kinds:
        raise ManifestError(
            f"{where}: {function} is {family}, for which the server has no default runtime; "
            f"it has: {_all(source)}."
        )
    return source.kinds.get(family, f"{family}:default")


def _has(kind: str, source: Source) -> bool:
    family, _, version = kind.partition(":")
    return not source.known or kind in source.known or (version == "default" and family in source.kinds)


def _reason(kind: str, family: str, source: Source) -> str:
    return (
        f"is not on the server (it has: {_all(source)})" if not _has(kind, source) else f"is not of {family}"
    )


def _all(source: Source) -> str:
    return ", ".join(sorted(source.known))
