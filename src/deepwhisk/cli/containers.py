"""What runs containers: the options that say it, and the drivers that they make."""

import asyncio
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit

import click

from deepwhisk.cli.options import driver_option
from deepwhisk.engine import (
    DOCKER,
    PROCESS,
    UDOCKER,
    Docker,
    DockerDriver,
    DockerOptions,
    MakeDriver,
    UdockerDriver,
)
from deepwhisk.settings import State, cache_folder

_USUAL = DockerOptions()
_network_option = click.option(
    "--docker-network",
    default=_USUAL.network,
    show_default=True,
    envvar="DEEPWHISK_DOCKER_NETWORK",
    show_envvar=True,
    help="Network of Docker's containers: a bridge of this machine.",
)
_cpus_option = click.option(
    "--docker-cpus",
    type=click.FloatRange(min=0, min_open=True),
    envvar="DEEPWHISK_DOCKER_CPUS",
    show_envvar=True,
    help="Processors that one container of Docker may use. [default: all, shared by memory]",
)


def _urls(_: click.Context, option: click.Parameter, said: tuple[str, ...]) -> tuple[str, ...]:
    for url in said:
        if not urlsplit(url).hostname:
            raise click.BadParameter(f"{url!r} is no address: say http://127.0.0.1:PORT.", param=option)
    return said


_lend_option = click.option(
    "--docker-lend",
    "docker_lent",
    multiple=True,
    callback=_urls,
    metavar="URL",
    help="What listens on this machine's loopback only, for Docker's containers to reach at their gateway, "
    "on the same port. Can be said several times.",
)
_mode_option = click.option(
    "--udocker-mode",
    type=click.Choice(["P1", "P2"]),
    default="P1",
    show_default=True,
    envvar="DEEPWHISK_UDOCKER_MODE",
    show_envvar=True,
    help="How uDocker runs containers.",
)


@dataclass(frozen=True, slots=True)
class Containers:
    """What the options say."""

    driver: str = PROCESS
    docker_network: str = _USUAL.network
    docker_cpus: float | None = None
    docker_lent: tuple[str, ...] = ()
    udocker_mode: Any = "P1"

    def docker(self, environ: Mapping[str, str]) -> DockerOptions:
        """Of the Docker that DOCKER_HOST names, as for the docker command."""
        return DockerOptions(
            docker_host(environ), self.docker_network, self.docker_cpus, lent=self.docker_lent
        )

    def images(self, state: State, environ: Mapping[str, str]) -> dict[str, MakeDriver]:
        """The drivers that run any image, the preferred one first."""
        docker = self.docker(environ)
        owner, trees = str(state.folder), cache_folder(environ) / "udocker"
        return {
            DOCKER: lambda variables: DockerDriver(docker, owner, variables),
            UDOCKER: lambda variables: UdockerDriver(environ, trees, variables, self.udocker_mode),
        }

    def words(self) -> list[str]:
        """How a command line says it."""
        cpus = [] if self.docker_cpus is None else ["--docker-cpus", str(self.docker_cpus)]
        lent = [word for url in self.docker_lent for word in ("--docker-lend", url)]
        named = ["--docker-network", self.docker_network, "--udocker-mode", self.udocker_mode]
        return ["--driver", self.driver, *named, *cpus, *lent]

    def lending(self, *urls: str) -> "Containers":
        """The same, where containers of kinds reach these URLs of this machine's loopback."""
        return replace(self, docker_lent=(*self.docker_lent, *urls)) if self.driver == DOCKER else self

    def inside(self, environ: Mapping[str, str]) -> str | None:
        """The host at which containers of kinds find what this machine lends them; None: as the machine does.

        Raises ContainerFailed where Docker is to run them and is not there.
        """
        return asyncio.run(_gateway(self.docker(environ))) if self.driver == DOCKER else None


def docker_host(environ: Mapping[str, str]) -> str:
    """The Docker that the docker command would speak to."""
    return environ.get("DOCKER_HOST") or _USUAL.host


async def _gateway(options: DockerOptions) -> str:
    docker = Docker(options.host)
    try:
        return await docker.gateway(options.network)
    finally:
        await docker.close()


def container_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives COMMAND what its options say of containers, as `containers`."""

    @driver_option
    @_network_option
    @_cpus_option
    @_lend_option
    @_mode_option
    @functools.wraps(command)
    def with_containers(**options: Any) -> None:
        told = {field.name: options.pop(field.name) for field in fields(Containers)}
        command(containers=Containers(**told), **options)

    return with_containers
