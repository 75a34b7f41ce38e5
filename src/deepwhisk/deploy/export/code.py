"""The code of an action as files: text under its extension, a zip unpacked where that loses nothing."""

import ast
import base64
import io
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from deepwhisk.manifest.archive import contents, zip_folder
from deepwhisk.manifest.kinds import FAMILIES

EXTENSIONS = {family: suffix for suffix, family in reversed(FAMILIES.items()) if suffix != ".jar"}
EXECUTABLE = 0o100
LARGEST = 512 << 20  # unpacked; what is larger stays a zip


def files_of(name: str, found: Mapping[str, Any]) -> tuple[str, dict[str, bytes]]:
    """The path that a manifest names, and what is there: one file, or all below a folder, or nothing."""
    code = found.get("code")
    if code is None or (not code and found.get("image")):
        return "", {}
    if not found.get("binary"):
        path = name + _extension(found, code)
        return path, {path: code.encode()}
    family = str(found.get("kind", "")).partition(":")[0]
    content = base64.b64decode(code)
    unpacked = _unpacked(content, code) if family != "java" else {}
    if unpacked:
        return name, {f"{name}/{inner}": data for inner, data in unpacked.items()}
    path = name + (".jar" if family == "java" else ".zip")
    return path, {path: content}


def _extension(found: Mapping[str, Any], code: str) -> str:
    family = str(found.get("kind", "")).partition(":")[0]
    if family in EXTENSIONS:
        return EXTENSIONS[family]
    first = code.partition("\n")[0]
    if first.startswith("#!"):
        return ".py" if "python" in first else ".sh"
    return ".py" if _is_python(code) else ".txt"


def _is_python(code: str) -> bool:
    try:
        return bool(ast.parse(code).body)
    except (SyntaxError, ValueError):
        return False


def _unpacked(content: bytes, code: str) -> dict[str, bytes]:
    """The files of a zip; none where a folder of them would not become the same zip again."""
    if contents(code) is None:
        return {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        plain = all(_is_plain(member) for member in members)
        if not plain or sum(member.file_size for member in members) > LARGEST:
            return {}
        try:
            found = {member.filename: archive.read(member) for member in members}
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError):
            return {}
    return found if _again(found) == contents(code) else {}


def _is_plain(member: zipfile.ZipInfo) -> bool:
    """No path that leaves its folder, and no file that is to be executed, which a copy may forget."""
    path = PurePosixPath(member.filename)
    inside = not path.is_absolute() and ".." not in path.parts and "\\" not in member.filename
    return inside and not (member.external_attr >> 16) & EXECUTABLE


def _again(found: Mapping[str, bytes]) -> dict[str, tuple[int, int]] | None:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in found.items():
            path = Path(folder, name)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            except OSError:
                return None
        return contents(base64.b64encode(zip_folder(Path(folder), Path(folder))).decode())
