"""Makes containers with uDocker: any image, without privilege and without a daemon.

Law: a container of uDocker keeps honest programs apart, and is no wall against others: it sees the processes
and the network of its machine, and has the rights of whoever runs the engine.
"""

import asyncio
import os
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from deepwhisk.engine.container import Container
from deepwhisk.engine.containers.orphans import MARK, claim_folder
from deepwhisk.engine.containers.udocker_container import Place, UdockerContainer, keep
from deepwhisk.engine.containers.udocker_images import Images
from deepwhisk.engine.containers.udocker_program import Mode, Udocker, find
from deepwhisk.engine.containers.udocker_trees import remove
from deepwhisk.engine.containers.watch import Watch
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.kinds import image_of
from deepwhisk.errors import ContainerFailed

_NAME = "container"
_COMMON = {"PYTHONDONTWRITEBYTECODE": "1"}  # what is written among the system's files is for nobody


class UdockerDriver:
    """Create it inside a running event loop. `folder` keeps trees of images from start to start."""

    def __init__(
        self, environ: Mapping[str, str], folder: Path, variables: Mapping[str, str], mode: Mode = "P1"
    ) -> None:
        self._environ = dict(environ)
        self._mode: Mode = mode
        self._cache = folder
        self._variables = dict(variables)
        self._watch = Watch()
        self._opened: tuple[Udocker, Images, Path, int] | None = None
        self._number = 0
        self._background: set[asyncio.Task[None]] = set()

    async def lack(self) -> str | None:
        """Why it can run nothing here, if so."""
        try:
            self._open()
        except ContainerFailed as fault:
            return str(fault)
        return None

    def prepare(self, executable: Executable) -> None:
        self._keep(self._prepare(executable))

    async def ready(self, executable: Executable) -> None:
        _, images, _, _ = self._open()
        await images.want(image_of(executable))

    async def start(self, executable: Executable) -> Container:
        _, images, scratch, _ = self._open()
        self._number += 1
        place = Place(scratch / str(self._number), await images.hold(image_of(executable)))
        try:
            (place.folder / "containers").mkdir(parents=True)
            await place.tree.clone(place.folder / "containers" / _NAME)
            return await self._begin(place, executable)
        except BaseException as fault:
            self._keep(_abandon(place))
            if isinstance(fault, OSError):
                raise ContainerFailed(f"cannot start a container of uDocker: {fault}") from fault
            raise

    async def _begin(self, place: Place, executable: Executable) -> UdockerContainer:
        udocker, images, _, _ = self._open()
        folder = place.folder
        several = {"__OW_ALLOW_CONCURRENT": "true"} if executable.concurrency > 1 else {}
        given = {**_COMMON, **self._variables, **several, MARK: str(folder)}
        variables = [f"--env={name}={value}" for name, value in given.items()]
        command = udocker.command("run", "--nobanner", *place.tree.volumes(), *variables, _NAME)
        # Debian's proot does not listen to its variable: killed, it leaves a file of 9 KB in /tmp.
        own = {"UDOCKER_TMP": str(folder), "PROOT_TMP_DIR": str(folder)}
        return await keep(
            command, images.environment(folder / "containers") | own, place, executable, self._watch
        )

    async def close(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._opened is not None:
            _, images, scratch, lock = self._opened
            await images.close()
            await remove(scratch)
            os.close(lock)

    def _open(self) -> tuple[Udocker, Images, Path, int]:
        """What comes before the first container; raises ContainerFailed."""
        if self._opened is None:
            udocker = find(self._environ, self._mode)
            try:
                images = Images(udocker, self._cache)
                containers = self._cache / "containers"  # where files can be linked to those of the trees
                containers.mkdir(exist_ok=True)
                self._opened = udocker, images, *claim_folder(containers)
            except OSError as fault:
                raise ContainerFailed(f"{self._cache} cannot keep images of uDocker: {fault}") from fault
        return self._opened

    async def _prepare(self, executable: Executable) -> None:
        try:
            await self.ready(executable)
        except ContainerFailed:
            return  # a call gets it as its outcome

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _abandon(place: Place) -> None:
    await place.tree.release()
    await remove(place.folder)
