"""Folders as zips that are the same, byte for byte, wherever and whenever they are made.

What goes in follows wskdeploy: a pattern without a final `*` is a folder, and patterns are relative to the
manifest. Hidden files and caches of Python stay out; a link, which wskdeploy silently drops, is refused.
"""

import base64
import binascii
import fnmatch
import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from deepwhisk.errors import ManifestError

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day that a zip can tell


def zip_folder(
    folder: Path, base: Path, include: Iterable[list[str]] = (), exclude: Iterable[str] = ()
) -> bytes:
    """The zip of a folder. `include` adds `[source]` or `[source, destination]` from below `base`."""
    left_out = [_as_files(pattern) for pattern in exclude]
    members = {
        path.relative_to(folder).as_posix(): path
        for path in _walk(folder)
        if not any(_matches(_relative(path, base), pattern) for pattern in left_out)
    }
    for entry in include:
        if len(entry) in (1, 2):  # wskdeploy passes over any other
            members.update(_included(entry, base))
    return zip_files(members)


def contents(code: str) -> dict[str, tuple[int, int]] | None:
    """Name → checksum and size of each file of a zip in base64; None when it is no zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(code, validate=True))) as archive:
            return {
                member.filename: (member.CRC, member.file_size)
                for member in archive.infolist()
                if not member.is_dir()
            }
    except (binascii.Error, ValueError, zipfile.BadZipFile):
        return None


def zip_files(members: dict[str, Path]) -> bytes:
    """The zip of files under these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if members[name].stat().st_mode & 0o100 else 0o644) << 16
            archive.writestr(entry, members[name].read_bytes())
    return buffer.getvalue()


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_symlink():
            raise ManifestError(
                f"{path} is a link, and links do not go into a zip: put the file itself there."
            )
        if path.is_dir():
            yield from _walk(path)
        elif path.is_file():
            yield path


def _as_files(pattern: str) -> str:
    return pattern if pattern.endswith("*") else pattern.rstrip("/") + "/*"


def _matches(name: str, pattern: str) -> bool:
    """Whether a file, or a folder above it, is what a pattern names; `*` never crosses a slash."""
    parts, wanted = name.split("/"), pattern.removeprefix("./").split("/")
    return len(parts) >= len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


def _included(entry: list[str], base: Path) -> Iterator[tuple[str, Path]]:
    """A wildcard keeps the folders that it stands for; a destination with an extension is a file."""
    source, destination = entry[0], entry[-1]
    if "*" in source:
        parts = PurePosixPath(source).parts
        fixed = next(number for number, part in enumerate(parts) if "*" in part)
        folder = str(PurePosixPath(destination).parent) if PurePosixPath(destination).suffix else destination
        for path in sorted(base.glob(source)):
            below = PurePosixPath(_relative(path, base)).parts[fixed:]
            yield from _placed(path, "/".join([folder.split("*")[0], *below]))
        return
    path = base / source
    if not path.exists():
        raise ManifestError(f"there is no file or folder {path} to include.")
    if path.is_file() and destination.endswith("/"):
        destination += path.name
    yield from _placed(path, destination)


def _relative(path: Path, base: Path) -> str:
    return Path(os.path.relpath(path, base)).as_posix()


def _placed(path: Path, destination: str) -> Iterator[tuple[str, Path]]:
    name = "/".join(part for part in destination.split("/") if part not in ("", "."))
    if path.is_file():
        yield name, path
    elif path.is_dir():
        for inner in _walk(path):
            yield f"{name}/{inner.relative_to(path).as_posix()}".lstrip("/"), inner
