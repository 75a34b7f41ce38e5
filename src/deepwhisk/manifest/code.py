"""What an action runs: the `exec` member of its body, from a file, a folder, a zip, text or an image."""

import base64
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from deepwhisk.errors import ManifestError
from deepwhisk.manifest.archive import zip_folder
from deepwhisk.manifest.kinds import BINARY, inline_kind, kind_of_archive, kind_of_file
from deepwhisk.manifest.source import Source

NATIVE = "openwhisk/dockerskeleton"


def executable(
    entry: Mapping[str, Any], source: Source, package: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """The `exec` of an action. Raises ManifestError when its code is missing or of no kind."""

    def said(key: str) -> str:
        written = entry.get(key, "")
        found = source.interpolated(written, package)
        if written and not found:
            raise ManifestError(f"{where}: its {key} {written} is empty; set what it names.")
        return found

    function = said("function") or said("location")
    image = said("docker") or (NATIVE if entry.get("native") else "")
    inline, main = entry.get("code", ""), entry.get("main", "")
    if function and inline:
        raise ManifestError(f"{where}: it has both function and code; keep one of them.")
    if not (function or inline or image):
        raise ManifestError(f"{where}: it has no function, no code and no docker image.")
    code = _code(function, entry, source, where) if function else inline
    named = {"main": main} if main and code else {}
    if image:
        return {"kind": "blackbox", **({"code": code} if code else {}), "image": image, **named}
    return {"kind": _kind(function, entry, source, where), "code": code, **named}


def _kind(function: str, entry: Mapping[str, Any], source: Source, where: str) -> str:
    runtime = source.interpolated(entry.get("runtime", ""))
    if not function:
        return inline_kind(runtime, source, where)
    suffix = PurePosixPath(urlsplit(function).path if _is_address(function) else function).suffix.lower()
    if suffix == ".zip" or (not _is_address(function) and source.path(function, where).is_dir()):
        return kind_of_archive(function, runtime, source, where)
    return kind_of_file(function, suffix, runtime, source, where)


def _code(function: str, entry: Mapping[str, Any], source: Source, where: str) -> str:
    if _is_address(function):
        return _encoded(_fetched(function, source, where), urlsplit(function).path, where)
    path = source.path(function, where)
    if path.is_dir():
        return _zipped(path, entry, source, where)
    if not path.is_file():
        raise ManifestError(f"{where}: there is no file or folder {path}.")
    return _encoded(path.read_bytes(), str(path), where)


def _zipped(path: Path, entry: Mapping[str, Any], source: Source, where: str) -> str:
    for included in entry.get("include", ()):
        source.path(included[0] if included else ".", where)
    try:
        content = zip_folder(path, source.folder, entry.get("include", ()), entry.get("exclude", ()))
    except ManifestError as error:
        raise ManifestError(f"{where}: {error}") from error
    return base64.b64encode(content).decode()


def _fetched(address: str, source: Source, where: str) -> bytes:
    if not PurePosixPath(urlsplit(address).path).suffix:
        raise ManifestError(f"{where}: the address {address} needs an extension, which tells the language.")
    try:
        return source.fetch(address)
    except ManifestError as error:
        raise ManifestError(f"{where}: {error}") from error


def _encoded(content: bytes, name: str, where: str) -> str:
    if name.lower().endswith(BINARY):
        return base64.b64encode(content).decode()
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ManifestError(f"{where}: {name} is not text in UTF-8; give a .zip or a folder.") from error


def _is_address(function: str) -> bool:
    return function.startswith(("http://", "https://"))
