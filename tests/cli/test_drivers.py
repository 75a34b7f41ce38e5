"""What `doctor` says of containers."""

import sys
from pathlib import Path

import pytest

from deepwhisk.cli.drivers import DriverState, states
from fixtures.udocker import UdockerHost


def by_name(environ: dict[str, str]) -> dict[str, DriverState]:
    return {state.name: state for state in states(environ)}


def test_where_nothing_else_is_processes_run_and_the_rest_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    found = by_name({"PATH": str(tmp_path), "HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none"})

    assert list(found) == ["process", "docker", "udocker"]
    assert [state.found is not None for state in found.values()] == [True, False, False]
    assert "install and start it" in found["docker"].lack
    assert "pip install" in found["udocker"].lack


def test_a_docker_elsewhere_is_not_driven(tmp_path: Path) -> None:
    found = by_name({"PATH": str(tmp_path), "DOCKER_HOST": "tcp://10.0.0.1:2375"})

    assert "tcp://10.0.0.1:2375" in found["docker"].lack


def test_what_works_is_named_with_its_version_and_its_modes(udocker: UdockerHost) -> None:
    found = by_name({**udocker.environ, "DOCKER_HOST": udocker.docker.host})

    assert "Docker" in str(found["docker"].found)
    assert udocker.docker.host in str(found["docker"].found)
    assert "P1 and P2" in str(found["udocker"].found)
