"""Images of uDocker as file trees: pulled if they are not here, extracted once, cloned for each container.

Law: what a container leaves behind meets none that starts later. Most files of its tree are links to those of
the image, which only root, real or played, can change in place: then the image is extracted anew. Small ones
outside of what a system installs are copies, as programs write in such places.
"""

import asyncio
import fcntl
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deepwhisk.engine.containers.udocker_program import Udocker
from deepwhisk.errors import ContainerFailed, ImageMissing

ROOT = "ROOT"
_LOOSE = "loose"  # the names of those that are copied
_SYSTEM = ("usr", "lib", "lib32", "lib64", "libx32", "bin", "sbin", "opt")
_LARGE = 1 << 20
_TAIL = 1000
_WAIT = 0.05
_ATTEMPTS = 3
_CLONE = """
cp -al "$1" "$2" && cd "$1/ROOT" &&
xargs -0 -r -a ../loose cp -a --parents --remove-destination -t "$2/ROOT" &&
if [ -d "$2/ROOT/etc" ]; then cp --remove-destination /etc/hosts "$2/ROOT/etc/hosts"; fi
"""
_CHANGED = 'find "$1" -type f -links +1 -newer "$2/loose" -print -quit'
_REMOVE = 'rm -rf "$1" 2>/dev/null || { find "$1" -type d -exec chmod u+rwx {} +; rm -rf "$1"; }'


@dataclass(frozen=True, slots=True)
class Name:
    """Of an image; uDocker itself reads no registry with a port."""

    registry: str | None
    repository: str
    tag: str  # with the sign before it

    @classmethod
    def read(cls, image: str) -> "Name":
        first, slash, rest = image.removeprefix("docker.io/").partition("/")
        registry = first if slash and (":" in first or first == "localhost") else None
        text = rest if registry else image.removeprefix("docker.io/")
        repository, sign, tag = text.partition("@") if "@" in text else text.partition(":")
        return cls(registry, repository, f"{sign}{tag}" or ":latest")

    def __str__(self) -> str:
        return f"{self.repository}{self.tag}"

    @property
    def slug(self) -> str:
        return re.sub(r"[^A-Za-z0-9.-]", "_", f"{self.registry or ''}_{self}")

    def asked_at(self) -> list[str]:
        """How `pull` is told of the registry; one on this machine has no certificate."""
        if self.registry is None:
            return []
        here = self.registry.partition(":")[0] in ("localhost", "127.0.0.1")
        return [f"--registry={'http' if here else 'https'}://{self.registry}"]


class Images:
    """Those that containers are made of; `folder` keeps their trees from start to start."""

    def __init__(self, udocker: Udocker, folder: Path) -> None:
        self._udocker = udocker
        self._folder = folder
        self._tools = folder / "tools"
        self._trees = folder / "trees"
        self._trees.mkdir(parents=True, exist_ok=True)
        udocker.lend(self._tools)
        self._making: dict[str, asyncio.Task[Path]] = {}

    def environment(self, containers: Path) -> dict[str, str]:
        """Of a uDocker whose containers are there."""
        return self._udocker.environment(self._tools) | {"UDOCKER_CONTAINERS": str(containers)}

    async def tree(self, image: str) -> Path:
        """Made once at a time, for all that wait for it; raises ImageMissing."""
        task = self._making.get(image)
        if task is None:
            task = self._making[image] = asyncio.create_task(self._tree(image))
            task.add_done_callback(lambda _: self._making.pop(image, None))
        return await asyncio.shield(task)

    async def clone(self, image: str, target: Path) -> Path:
        """Make TARGET a container's own; gives the tree of IMAGE. Raises ContainerFailed."""
        said = "another engine removes it as often as this one makes it"
        for _ in range(_ATTEMPTS):
            tree = await self.tree(image)
            async with self._locked(fcntl.LOCK_SH):
                if not tree.is_dir():
                    continue
                code, said = await _run("/bin/sh", "-c", _CLONE, "clone", str(tree), str(target))
            if not code:
                return tree
            break
        raise ContainerFailed(f"the files of {image} cannot be cloned: {said}")

    async def discard(self, tree: Path, folder: Path) -> None:
        """Remove what a container of TREE had in FOLDER."""
        code, changed = await _run("/bin/sh", "-c", _CHANGED, "changed", str(folder), str(tree))
        if changed and not code:
            async with self._locked(fcntl.LOCK_EX):
                await remove(tree)
        await remove(folder)

    async def close(self) -> None:
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)

    async def _tree(self, image: str) -> Path:
        name = Name.read(image)
        if not self._has(name):
            async with self._locked(fcntl.LOCK_EX):
                if not self._kept(name).is_dir():
                    await self._pull(image, name)
                if not self._has(name):
                    await self._extract(image, name, self._tree_of(name))
        return self._tree_of(name)

    def _has(self, name: Name) -> bool:
        return self._kept(name).is_dir() and self._tree_of(name).is_dir()

    def _tree_of(self, name: Name) -> Path:
        return self._trees / f"{name.slug}-{_digest(self._kept(name))}"

    def _home(self, name: Name) -> Path:
        """Registries with a port are kept apart: uDocker knows their images by the same names as others."""
        return self._folder / "registries" / name.slug if name.registry else self._udocker.home

    def _kept(self, name: Name) -> Path:
        return self._home(name) / "repos" / name.repository / name.tag[1:]

    async def _pull(self, image: str, name: Name) -> None:
        code, said = await self._order(name, self._trees, "pull", *name.asked_at(), str(name))
        if code or not self._kept(name).is_dir():
            raise ImageMissing(
                image,
                f"The image {image} is not here and cannot be pulled: `udocker load -i FILE.tar` takes what "
                "`docker save` wrote; or check its name; `udocker login` opens a private registry. "
                f"uDocker says: {said}",
            )

    async def _extract(self, image: str, name: Name, tree: Path) -> None:
        for left in self._trees.glob("new-*"):  # by an engine that was killed
            await remove(left)
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self._trees))
        try:
            code, said = await self._order(name, new, "create", str(name))
            made = next(iter(new.glob(f"*/{ROOT}")), None)
            if code or made is None:
                raise ImageMissing(image, f"The image {image} cannot be extracted. uDocker says: {said}")
            await asyncio.to_thread(_settle, made)
            for outdated in self._trees.glob(f"{name.slug}-????????????????"):
                await remove(outdated)
            made.parent.rename(tree)
        finally:
            await remove(new)

    async def _order(self, name: Name, containers: Path, *order: str) -> tuple[int, str]:
        home = {"UDOCKER_DIR": str(self._home(name))}
        return await _run(*self._udocker.command(*order), variables=self.environment(containers) | home)

    @asynccontextmanager
    async def _locked(self, how: int) -> AsyncIterator[None]:
        """Other engines of this user share the trees."""
        descriptor = os.open(self._trees / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(_WAIT)
            yield
        finally:
            os.close(descriptor)


async def remove(folder: Path) -> None:
    """Also what was made unreadable, and without touching what is linked."""
    await _run("/bin/sh", "-c", _REMOVE, "remove", str(folder))


async def _run(*command: str, variables: dict[str, str] | None = None) -> tuple[int, str]:
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
            os.killpg(process.pid, 9)
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace").strip()[-_TAIL:]


def _digest(kept: Path) -> str:
    """Of an image, whose parts are named by theirs."""
    parts = sorted(f"{part.name} {part.readlink() if part.is_symlink() else ''}" for part in kept.iterdir())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _settle(root: Path) -> None:
    """Make folders ours to clone and to remove, and what is linked nobody's to write."""
    loose: list[bytes] = []
    for folder, file, found in _walk(root):
        place = Path(folder) / file
        system = place.relative_to(root).parts[0] in _SYSTEM
        if system or found.st_size >= _LARGE:
            place.chmod(stat.S_IMODE(found.st_mode) & ~0o222)
        else:
            loose.append(os.fsencode(place.relative_to(root)))
    (root.parent / _LOOSE).write_bytes(b"\0".join(loose))


def _walk(root: Path) -> Iterator[tuple[str, str, os.stat_result]]:
    """Every regular file."""
    for folder, folders, files in os.walk(root):
        for each in folders:
            _open_folder(Path(folder) / each)
        for file in files:
            found = os.lstat(os.path.join(folder, file))
            if stat.S_ISREG(found.st_mode):
                yield folder, file, found


def _open_folder(folder: Path) -> None:
    if not folder.is_symlink():
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o700)
