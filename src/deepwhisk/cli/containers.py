"""What runs containers: the options that say it, and the drivers that they make."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from deepwhisk.cli.options import driver_option
from deepwhisk.engine import DOCKER, UDOCKER, DockerDriver, DockerOptions, MakeDriver, UdockerDriver
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

    driver: str
    docker_network: str
    docker_cpus: float | None
    udocker_mode: Any

    def images(self, state: State, environ: Mapping[str, str]) -> dict[str, MakeDriver]:
        """The drivers that run any image, the preferred one first; DOCKER_HOST names the Docker."""
        docker = docker_from(environ, self.docker_network, self.docker_cpus)
        owner, trees = str(state.folder), cache_folder(environ) / "udocker"
        return {
            DOCKER: lambda variables: DockerDriver(docker, owner, variables),
            UDOCKER: lambda variables: UdockerDriver(environ, trees, variables, self.udocker_mode),
        }


def docker_from(
    environ: Mapping[str, str], network: str = _USUAL.network, cpus: float | None = None
) -> DockerOptions:
    """The Docker that the docker command would speak to."""
    return DockerOptions(environ.get("DOCKER_HOST") or _USUAL.host, network, cpus)


def container_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives COMMAND what its options say of containers, as `containers`."""

    @driver_option
    @_network_option
    @_cpus_option
    @_mode_option
    @functools.wraps(command)
    def with_containers(
        driver: str, docker_network: str, docker_cpus: float | None, udocker_mode: str, **options: Any
    ) -> None:
        command(containers=Containers(driver, docker_network, docker_cpus, udocker_mode), **options)

    return with_containers
