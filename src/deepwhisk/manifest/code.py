"""What an action runs: the `exec` member of its body, from a file, a folder, a zip, text or an image."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deepwhisk.errors import ManifestError
from deepwhisk.manifest.archive import zip_folder

NATIVE = "openwhisk/dockerskeleton"
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
}
BINARY = (".zip", ".jar")


def executable(
    entry: Mapping[str, Any],
    folder: Path,
    interpolated: Callable[[str], str],
    kinds: Mapping[str, str],
    where: str,
) -> dict[str, Any]:
    """The `exec` of an action. Raises ManifestError when its code is missing or of no kind."""
    function = interpolated(entry.get("function") or entry.get("location", ""))
    image = interpolated(entry.get("docker", "")) or (NATIVE if entry.get("native") else "")
    inline, runtime, main = entry.get("code", ""), entry.get("runtime", ""), entry.get("main", "")
    if function and inline:
        raise ManifestError(f"{where}: it has both function and code; keep one of them.")
    if not (function or inline or image):
        raise ManifestError(f"{where}: it has no function, no code and no docker image.")
    path = folder / function if function else None
    code = _code(path, folder, entry, where) if path else inline
    named = {"main": main} if main and code else {}
    if image:
        return {"kind": "blackbox", **({"code": code} if code else {}), "image": image, **named}
    return {"kind": _kind(path, runtime, kinds, where), "code": code, **named}


def _code(path: Path, base: Path, entry: Mapping[str, Any], where: str) -> str:
    if "://" in str(entry.get("function", "")):
        raise ManifestError(
            f"{where}: function is an address; deepwhisk takes code from files of the project."
        )
    if path.is_dir():
        content = zip_folder(path, base, entry.get("include", ()), entry.get("exclude", ()))
        return base64.b64encode(content).decode()
    if not path.is_file():
        raise ManifestError(f"{where}: there is no file or folder {path}.")
    if path.suffix in BINARY:
        return base64.b64encode(path.read_bytes()).decode()
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ManifestError(f"{where}: {path} is not text in UTF-8; give a .zip or a folder.") from error


def _kind(path: Path | None, runtime: str, kinds: Mapping[str, str], where: str) -> str:
    """The kind that is named, else the default one of the file's language."""
    if runtime:
        return runtime if ":" in runtime else kinds.get(runtime, f"{runtime}:default")
    if path is None:
        raise ManifestError(f"{where}: inline code needs a runtime, for example python:default.")
    family = FAMILIES.get(path.suffix) if path.is_file() and path.suffix != ".zip" else None
    if family is None:
        raise ManifestError(f"{where}: {path.name} needs a runtime (python:default …) or a docker image.")
    return kinds.get(family, f"{family}:default")
