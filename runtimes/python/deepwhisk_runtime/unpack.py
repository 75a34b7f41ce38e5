"""An action's code as a folder: one text file, or a zip in base64.

A zip is code of somebody: nothing of it is written outside the folder, no links, no more than a limit.
"""

import base64
import binascii
import io
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

MOST_BYTES = 512 * 1024 * 1024
MOST_FILES = 50_000
# What OpenWhisk's own proxy can read, too.
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
UNREADABLE = (
    ValueError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
    zipfile.BadZipFile,
    zlib.error,
)


class BadArchive(ValueError):
    """Raised when code is no zip, or a zip that nobody should unpack; says which member and why."""


def unpack(code: str, binary: bool, folder: Path) -> None:
    """Write the code into the folder: text becomes `__main__.py`."""
    if not binary:
        (folder / "__main__.py").write_text(code, encoding="utf-8", errors="surrogatepass")
        return
    try:
        content = base64.b64decode(code, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadArchive(f"the code is no base64: {error}") from error
    unzip(content, folder)


def unzip(content: bytes | IO[bytes], folder: Path) -> None:
    """Unpack a zip after every member was found harmless."""
    try:
        with zipfile.ZipFile(io.BytesIO(content) if isinstance(content, bytes) else content) as archive:
            members = archive.infolist()
            check(members)
            for member in members:
                extract(archive, member, folder)
    except BadArchive:
        raise
    except UNREADABLE as error:
        raise BadArchive(f"the zip cannot be unpacked: {error}") from error


def check(members: list[zipfile.ZipInfo], most: int = MOST_BYTES) -> None:
    """Raise BadArchive unless all members may be unpacked, and are not too many or too large."""
    if len(members) > MOST_FILES:
        raise BadArchive(f"the zip holds {len(members)} files, more than {MOST_FILES}")
    size = sum(member.file_size for member in members)
    if size > most:
        raise BadArchive(f"the zip unpacks to {size} bytes, more than {most}")
    for member in members:
        _check_name(member)


def _check_name(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename.replace("\\", "/")
    if name.startswith("/") or name[1:2] == ":":
        raise BadArchive(f"the zip holds an absolute path: {name}")
    if ".." in PurePosixPath(name).parts:
        raise BadArchive(f"the zip holds a path that leaves its folder: {name}")
    if "\0" in name:
        raise BadArchive(f"the zip holds a name that no file can have: {name!r}")
    if member.compress_type not in COMPRESSIONS:
        raise BadArchive(f"the zip holds a member that is not stored or deflated: {name}")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise BadArchive(
            f"the zip holds a link: {name}; zip the file it points to (zip follows links unless told -y)"
        )


def extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    """Write one member, of those that were checked."""
    # zipfile stops at the size that was declared, and the sum of those was checked.
    path = Path(archive.extract(member, folder))
    mode = (member.external_attr >> 16) & 0o777
    if mode and path.is_file():
        path.chmod(mode | stat.S_IRUSR | stat.S_IWUSR)
