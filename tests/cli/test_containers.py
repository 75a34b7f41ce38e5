"""What `up` and `engine` are told of containers."""

from dataclasses import replace

import click
import pytest
from click.testing import CliRunner

from deepwhisk.cli.containers import Containers, container_options
from deepwhisk.cli.engine import engine
from deepwhisk.errors import ContainerFailed

ALL = Containers("docker", "models", 1.5, ("http://127.0.0.1:1",), "P2")


@pytest.mark.parametrize("containers", [Containers(), ALL])
def test_what_one_command_was_told_it_tells_another(containers: Containers) -> None:
    heard: list[Containers] = []

    @click.command()
    @container_options
    def command(containers: Containers) -> None:
        heard.append(containers)

    assert CliRunner().invoke(command, containers.words()).exit_code == 0
    assert heard == [containers]


def test_what_is_lent_has_an_address() -> None:
    said = CliRunner().invoke(engine, ["--docker-lend", "127.0.0.1:5432"])

    assert said.exit_code == 2
    assert "'127.0.0.1:5432' is no address: say http://127.0.0.1:PORT." in said.output


def test_only_docker_has_to_be_lent_what_listens_on_the_loopback() -> None:
    assert ALL.lending("http://127.0.0.1:2").docker_lent == ("http://127.0.0.1:1", "http://127.0.0.1:2")
    assert replace(ALL, driver="udocker").lending("http://127.0.0.1:2").docker_lent == ALL.docker_lent


def test_where_containers_find_this_machine() -> None:
    assert Containers().inside({}) is None
    with pytest.raises(ContainerFailed, match="Docker does not answer at unix:///no/such"):
        ALL.inside({"DOCKER_HOST": "unix:///no/such"})
