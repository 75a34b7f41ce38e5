"""Images of uDocker: those that are there, those that are pulled; each is extracted once."""

import asyncio
import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deepwhisk.engine.containers.udocker_program import Udocker
from deepwhisk.engine.containers.udocker_trees import ROOT, Tree, Trees, remove, run
from deepwhisk.errors import ContainerFailed, ImageMissing

_WAIT = 0.05
_ATTEMPTS = 3


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
        self._trees = Trees(folder / "trees")
        udocker.lend(self._tools)
        self._making: dict[str, asyncio.Task[None]] = {}

    def environment(self, containers: Path) -> dict[str, str]:
        """Of a uDocker whose containers are there."""
        return self._udocker.environment(self._tools) | {"UDOCKER_CONTAINERS": str(containers)}

    async def want(self, image: str) -> None:
        """Return when IMAGE has a tree, made once for all that wait for it; raises ImageMissing."""
        if self._find(Name.read(image)) is None:
            making = self._making.get(image)
            if making is None:
                making = self._making[image] = asyncio.create_task(self._make(image))
                making.add_done_callback(lambda _: self._making.pop(image, None))
            await asyncio.shield(making)

    async def hold(self, image: str) -> Tree:
        """The tree of IMAGE, to be released; raises ContainerFailed."""
        for _ in range(_ATTEMPTS):
            await self.want(image)
            found = self._find(Name.read(image))
            tree = self._trees.hold(found) if found else None
            if tree is not None:
                return tree
        raise ContainerFailed(
            f"the files of {image} are removed as often as they are made; is it being loaded?"
        )

    async def close(self) -> None:
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)
        await self._trees.sweep()

    async def _make(self, image: str) -> None:
        name = Name.read(image)
        async with self._alone():
            if not self._kept(name).is_dir():
                await self._pull(image, name)
            if self._find(name) is None:
                await self._extract(image, name)

    def _find(self, name: Name) -> Path | None:
        kept = self._kept(name)
        return self._trees.find(f"{name.slug}-{_digest(kept)}") if kept.is_dir() else None

    def _home(self, name: Name) -> Path:
        """Registries with a port are kept apart: uDocker knows their images by the same names as others."""
        return self._folder / "registries" / name.slug if name.registry else self._udocker.home

    def _kept(self, name: Name) -> Path:
        return self._home(name) / "repos" / name.repository / name.tag[1:]

    async def _pull(self, image: str, name: Name) -> None:
        code, said = await self._order(name, self._folder, "pull", *name.asked_at(), str(name))
        if code or not self._kept(name).is_dir():
            raise ImageMissing(
                image,
                f"The image {image} is not here and cannot be pulled: `udocker load -i FILE.tar` takes what "
                "`docker save` wrote; or check its name; `udocker login` opens a private registry. "
                f"uDocker says: {said}",
            )

    async def _extract(self, image: str, name: Name) -> None:
        for left in self._folder.glob("new-*"):  # by an engine that was killed
            await remove(left)
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        try:
            code, said = await self._order(name, new, "create", str(name))
            made = next(iter(new.glob(f"*/{ROOT}")), None)
            if code or made is None:
                raise ImageMissing(image, f"The image {image} cannot be extracted. uDocker says: {said}")
            await self._trees.adopt(name.slug, f"{name.slug}-{_digest(self._kept(name))}", made)
        finally:
            await remove(new)

    async def _order(self, name: Name, containers: Path, *order: str) -> tuple[int, str]:
        home = {"UDOCKER_DIR": str(self._home(name))}
        return await run(*self._udocker.command(*order), variables=self.environment(containers) | home)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Other engines of this user share the folder."""
        descriptor = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(_WAIT)
            yield
        finally:
            os.close(descriptor)


def _digest(kept: Path) -> str:
    """Of an image, whose parts are named by theirs."""
    parts = sorted(f"{part.name} {part.readlink() if part.is_symlink() else ''}" for part in kept.iterdir())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
