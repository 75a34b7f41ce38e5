"""What an action's code says about the environment it wants, read from the zip without unpacking it.

A zip that cannot be read asks for nothing: the container's `/init` says what is wrong with it.
"""

import base64
import binascii
import io
import re
import zipfile
from dataclasses import dataclass

from deepwhisk.engine.invocation import Executable
from deepwhisk.environments import normalized
from deepwhisk.errors import EnvironmentFailed

_LARGEST = 1 << 20


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
        archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(executable.code)))
    except (binascii.Error, zipfile.BadZipFile, ValueError):
        return Recipe()
    with archive:
        members = set(archive.namelist())
        if any(name.startswith("virtualenv/") for name in members):
            return Recipe()  # it brings its own
        requirements = _read(archive, "requirements.txt") if "requirements.txt" in members else ""
        build = _read(archive, "build.py") if "build.py" in members else None
    return Recipe("\n".join(normalized(requirements)), build)


def _read(archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(name).file_size > _LARGEST:
        raise EnvironmentFailed(f"{name} in the action's zip is larger than {_LARGEST} bytes; shorten it")
    try:
        return archive.read(name).decode("utf-8-sig")
    except (UnicodeDecodeError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as fault:
        raise EnvironmentFailed(
            f"{name} in the action's zip cannot be read as UTF-8 text: {fault}"
        ) from fault
