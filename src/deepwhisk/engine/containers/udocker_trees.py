"""File trees of images, and what a container has of one.

Law: what a container leaves behind meets none that starts later. What a system installs is shared by all
containers of an image, and nobody may write there; where root, real or played, has done so, the image is
extracted anew. All else is a container's own: a copy, or a link where a file is large and may not be written.
"""

import asyncio
import fcntl
import os
import signal
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deepwhisk.errors import ContainerFailed
from deepwhisk.locks import taken

ROOT = "ROOT"
_SYSTEM = ("usr", "lib", "lib32", "lib64", "libx32", "bin", "sbin", "opt")
_LARGE = 1 << 20
_LOOSE, _OUTDATED, _LOCK = "loose", "outdated", "lock"  # names of what is copied; a mark; who uses it
_TAIL = 1000
_CLONE = """
mkdir -p "$2/ROOT" && cp "$1/container.json" "$1/imagerepo.name" "$2" && cd "$1/ROOT" || exit
for each in * .[!.]*; do
  if [ -d "$each" ] && [ ! -L "$each" ] && [ "${3#*" $each "}" != "$3" ]; then mkdir "$2/ROOT/$each"
  elif [ -e "$each" ] || [ -L "$each" ]; then cp -al "$each" "$2/ROOT"
  fi || exit
done
xargs -0 -r -a ../loose cp -a --parents --remove-destination -t "$2/ROOT" || exit
if [ -d "$2/ROOT/etc" ]; then cp --remove-destination /etc/hosts "$2/ROOT/etc/hosts"; fi
"""
_CHANGED = 'find "$1/ROOT" "(" -type f -o -type d ")" -newer "$1/loose" -print -quit'
_REMOVE = 'rm -rf "$1" 2>/dev/null || { find "$1" -type d -exec chmod u+rwx {} +; rm -rf "$1"; }'


@dataclass(frozen=True, slots=True)
class Tree:
    """One that a container uses, as the lock of a descriptor says until it is released."""

    path: Path
    descriptor: int

    def volumes(self) -> list[str]:
        """What is shared, as uDocker is told of it."""
        shared = [self.path / ROOT / name for name in _SYSTEM]
        return [f"--volume={each}:/{each.name}" for each in shared if each.is_dir() and not each.is_symlink()]

    async def clone(self, target: Path) -> None:
        """Make TARGET a container with what is its own; raises ContainerFailed."""
        system = f" {' '.join(_SYSTEM)} "
        code, said = await run("/bin/sh", "-c", _CLONE, "clone", str(self.path), str(target), system)
        if code:
            raise ContainerFailed(f"the files of {self.path} cannot be had: {said}")

    async def release(self) -> None:
        """When its container has ended."""
        code, changed = await run("/bin/sh", "-c", _CHANGED, "changed", str(self.path))
        if changed and not code:
            (self.path / _OUTDATED).touch()
        os.close(self.descriptor)


class Trees:
    """All that are kept in a folder, which engines of a user share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, image: str) -> Path | None:
        """Of an image, named with its digest."""
        found = self.folder.glob(f"{image}-????????")
        return next((tree for tree in found if not (tree / _OUTDATED).exists()), None)

    async def adopt(self, name: str, image: str, root: Path) -> None:
        """Take what uDocker has extracted; other images of that NAME are outdated."""
        await asyncio.to_thread(_settle, root)
        for other in self.folder.glob(f"{name}-????????????????-????????"):
            (other / _OUTDATED).touch()
        root.parent.rename(self.folder / f"{image}-{os.urandom(4).hex()}")
        await self.sweep()

    def hold(self, path: Path) -> Tree | None:
        """The tree at PATH, unless it is being removed."""
        try:
            descriptor = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        except FileNotFoundError:
            return None
        if taken(descriptor, fcntl.LOCK_SH) and (path / _LOCK).exists():
            return Tree(path, descriptor)
        os.close(descriptor)
        return None

    async def sweep(self) -> None:
        """Remove what is outdated and not used any more."""
        for mark in self.folder.glob(f"*/{_OUTDATED}"):
            descriptor = os.open(mark.with_name(_LOCK), os.O_CREAT | os.O_RDWR, 0o600)
            try:
                if taken(descriptor):
                    await remove(mark.parent)
            finally:
                os.close(descriptor)


async def remove(folder: Path) -> None:
    """Also what was made unreadable, and without touching what is linked."""
    await run("/bin/sh", "-c", _REMOVE, "remove", str(folder))


async def run(*command: str, variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Its exit code and the end of what it said; it ends with whoever waits for it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=variables,
        start_new_session=True,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace").strip()[-_TAIL:]


def _settle(root: Path) -> None:
    """Make what is shared or linked nobody's to write, and every other folder ours to copy."""
    loose: list[bytes] = []
    for place, found in _walk(root):
        if _is_system(place, root) or found.st_size >= _LARGE:
            place.chmod(stat.S_IMODE(found.st_mode) & ~0o222)
        elif stat.S_ISREG(found.st_mode):
            loose.append(os.fsencode(place.relative_to(root)))
    (root.parent / _LOOSE).write_bytes(b"\0".join(loose))


def _walk(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every regular file, and every folder of the system after what is in it."""
    for folder, folders, files in os.walk(root):
        for each in folders:
            _open_folder(Path(folder) / each)
        for file in files:
            found = os.lstat(os.path.join(folder, file))
            if stat.S_ISREG(found.st_mode):
                yield Path(folder) / file, found
        if _is_system(Path(folder), root):
            yield Path(folder), os.lstat(folder)


def _is_system(place: Path, root: Path) -> bool:
    return place.relative_to(root).parts[:1] in {(name,) for name in _SYSTEM}


def _open_folder(folder: Path) -> None:
    if not folder.is_symlink():
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o700)
