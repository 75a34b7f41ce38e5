"""What an action's code says about the environment it wants, read from the zip without unpacking it.

A zip that cannot be read asks for nothing: the container's `/init` says what is wrong with it.
"""

import base64
import io
import re
import zipfile
import zlib
from dataclasses import dataclass

from deepwhisk.engine.invocation import Executable
from deepwhisk.environments import normalized
from deepwhisk.errors import EnvironmentFailed

_LARGEST = 1 << 20
_MOST_MEMBERS = 50_000  # what a container unpacks
_MEMBER = b"PK\x01\x02"  # begins each entry of a zip's directory
# What others cannot unpack either; a few kilobytes of them stand for gigabytes in one piece.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE = (
    ValueError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Equal recipes share an environment and its zygote."""

    requirements: str = ""
    build: str | None = None

    @property
    def packages(self) -> list[str]:
        """The distributions asked for, by normalized name."""
        names = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line) for line in normalized(self.requirements))
        return [re.sub(r"[-_.]+", "-", name.group()).lower() for name in names if name]


def recipe_of(executable: Executable) -> Recipe:
    if not executable.binary:
        return Recipe()
    try:
        content = base64.b64decode(executable.code)
        if content.count(_MEMBER) > _MOST_MEMBERS:
            return Recipe()
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _UNREADABLE:
        return Recipe()
    with archive:
        members = set(archive.namelist())
        if any(name.startswith("virtualenv/") for name in members):
            return Recipe()  # it brings its own
        requirements = _read(archive, "requirements.txt") if "requirements.txt" in members else ""
        build = _read(archive, "build.py") if "build.py" in members else None
    return Recipe("\n".join(normalized(requirements)), build)


def _read(archive: zipfile.ZipFile, name: str) -> str:
    member = archive.getinfo(name)
    if member.compress_type not in _COMPRESSIONS:
        raise EnvironmentFailed(f"{name} in the action's zip is not stored or deflated; zip it so")
    try:
        with archive.open(member) as file:
            content = file.read(_LARGEST + 1)  # the size that a zip claims is anybody's
        if max(len(content), member.file_size) > _LARGEST:
            raise EnvironmentFailed(f"{name} in the action's zip is larger than {_LARGEST} bytes; shorten it")
        return content.decode("utf-8-sig")
    except _UNREADABLE as fault:
        raise EnvironmentFailed(
            f"{name} in the action's zip cannot be read as UTF-8 text: {fault}"
        ) from fault
