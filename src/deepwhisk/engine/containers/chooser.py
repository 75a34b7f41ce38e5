"""Chooses what makes the containers of an action.

Kinds and the project's own images go to the default driver, any other image to the first that can run images
here; the annotation `container-driver` of an action overrides both. What nothing can run is taken all the
same: that shows when it is called, as with an image that cannot be pulled.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from deepwhisk.engine.container import Container, Driver
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.kinds import is_own
from deepwhisk.errors import ContainerFailed, ImageMissing

PROCESS, DOCKER, UDOCKER = "process", "docker", "udocker"


class ImageDriver(Driver, Protocol):
    """Runs any image, where it can run at all."""

    async def lack(self) -> str | None:
        """Why it can run nothing here; None: it can."""
        ...


MakeDriver = Callable[[Mapping[str, str]], ImageDriver]  # from what is set in every container


class Chooser:
    """A driver of drivers; `images` has the preferred one first."""

    def __init__(self, processes: Driver, images: Mapping[str, ImageDriver], default: str = PROCESS) -> None:
        self._images = dict(images)
        self._drivers: dict[str, Driver] = {PROCESS: processes, **images}
        self._default = default
        self._background: set[asyncio.Task[None]] = set()

    def prepare(self, executable: Executable) -> None:
        task = asyncio.create_task(self._prepare(executable))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _prepare(self, executable: Executable) -> None:
        try:
            driver = await self._driver(executable)
        except ContainerFailed:
            return  # a call gets it as its outcome
        driver.prepare(executable)

    async def ready(self, executable: Executable) -> None:
        await (await self._driver(executable)).ready(executable)

    async def start(self, executable: Executable) -> Container:
        return await (await self._driver(executable)).start(executable)

    async def close(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*(driver.close() for driver in self._drivers.values()))

    async def _driver(self, executable: Executable) -> Driver:
        named = executable.driver or (None if _is_foreign(executable) else self._default)
        if named is None:
            return await self._able(str(executable.image))
        if named not in self._drivers:
            raise ContainerFailed(
                f"There is no container driver {named!r}: the annotation container-driver can be "
                f"{', '.join(self._drivers)}."
            )
        return self._drivers[named]

    async def _able(self, image: str) -> ImageDriver:
        lacks = []
        for name, driver in self._images.items():
            lack = await driver.lack()
            if lack is None:
                return driver
            lacks.append(f"{name}: {lack}")
        raise ImageMissing(
            image,
            f"The image {image} needs Docker or uDocker, and neither works here. Make one of them work, or "
            f"put the code in a zip of kind python:3 with a requirements.txt. {'; '.join(lacks)}".rstrip(),
        )


def _is_foreign(executable: Executable) -> bool:
    return executable.image is not None and not is_own(executable.image)
