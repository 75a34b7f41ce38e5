"""Which sorts of containers this machine can have, and what to do about the rest."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deepwhisk.cli.containers import docker_host
from deepwhisk.engine import DOCKER, PROCESS, UDOCKER, Docker, find_udocker
from deepwhisk.errors import ContainerFailed


@dataclass(frozen=True, slots=True)
class DriverState:
    """A driver, what it would use, and why it cannot run anything."""

    name: str
    found: str | None
    lack: str = ""


def states(environ: Mapping[str, str]) -> Iterator[DriverState]:
    """Of every driver; nothing is started for it."""
    yield DriverState(PROCESS, "kinds, and images named deepwhisk/…")
    try:
        yield DriverState(DOCKER, asyncio.run(_docker(docker_host(environ))))
    except ContainerFailed as fault:
        yield DriverState(DOCKER, None, f"{fault}. Runs any image, in containers of Docker.")
    try:
        yield DriverState(UDOCKER, _udocker(environ))
    except ContainerFailed as fault:
        yield DriverState(UDOCKER, None, f"{fault}. Runs any image, without privilege.")


async def _docker(host: str) -> str:
    docker = Docker(host)
    try:
        version = (await docker.ask("GET", "/version"))["Version"]
    finally:
        await docker.close()
    return f"any image, by Docker {version} at {host}"


def _udocker(environ: Mapping[str, str]) -> str:
    found = find_udocker(environ)
    proot = found.proot or "the proot that it has installed"
    return f"any image, modes P1 and P2, by {found.program} with {proot}"
