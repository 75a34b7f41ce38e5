"""Which driver makes the containers of an action."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from deepwhisk.engine.containers.chooser import DOCKER, PROCESS, UDOCKER, Chooser
from deepwhisk.engine.invocation import Executable
from deepwhisk.errors import ContainerFailed, ImageMissing
from fixtures.pool import StubDriver, executable


class Images(StubDriver):
    """A stub that can lack something."""

    def __init__(self, lack: str | None = None) -> None:
        super().__init__()
        self.lacks = lack

    async def lack(self) -> str | None:
        return self.lacks


class Drivers:
    """Three stubs, and what chooses among them."""

    def __init__(self, docker: str | None = None, udocker: str | None = None, default: str = PROCESS) -> None:
        self.stubs = {PROCESS: StubDriver(), DOCKER: Images(docker), UDOCKER: Images(udocker)}
        images = {name: stub for name, stub in self.stubs.items() if isinstance(stub, Images)}
        self.chooser = Chooser(self.stubs[PROCESS], images, default)

    async def chosen(self, asked: Executable) -> list[str]:
        await self.chooser.ready(asked)
        await self.chooser.start(asked)
        return [name for name, stub in self.stubs.items() if stub.made]


@pytest_asyncio.fixture
async def drivers() -> AsyncIterator[Drivers]:
    drivers = Drivers()
    yield drivers
    await drivers.chooser.close()


def of_image(image: str, **others: Any) -> Executable:
    return executable(kind="blackbox", image=image, **others)


@pytest.mark.parametrize("default", [PROCESS, DOCKER, UDOCKER])
@pytest.mark.parametrize(
    "asked", [executable(), of_image("deepwhisk/m:1"), of_image("docker.io/deepwhisk/m:1")]
)
async def test_kinds_and_own_images_go_to_the_default(default: str, asked: Executable) -> None:
    assert await Drivers(default=default).chosen(asked) == [default]


@pytest.mark.parametrize(
    ("docker", "udocker", "first"), [(None, None, DOCKER), ("gone", None, UDOCKER), (None, "gone", DOCKER)]
)
async def test_other_images_go_to_the_first_that_can(
    docker: str | None, udocker: str | None, first: str
) -> None:
    assert await Drivers(docker, udocker).chosen(of_image("me/other:1")) == [first]


async def test_an_annotation_overrides_both(drivers: Drivers) -> None:
    assert await drivers.chosen(executable(driver=UDOCKER)) == [UDOCKER]
    assert await drivers.chosen(of_image("me/other:1", driver=PROCESS)) == [PROCESS, UDOCKER]


async def test_a_driver_that_is_none_is_told_with_those_there_are(drivers: Drivers) -> None:
    with pytest.raises(ContainerFailed, match=r"no container driver 'podman'.*process, docker, udocker"):
        await drivers.chosen(executable(driver="podman"))


async def test_where_nothing_runs_images_it_is_told_why_and_what_to_do() -> None:
    with pytest.raises(
        ImageMissing, match=r"(?s)me/other.*zip of kind python:3.*docker: gone; udocker: lost"
    ) as told:
        await Drivers("gone", "lost").chosen(of_image("me/other:1"))

    assert told.value.image == "me/other:1"
