"""System packages on a real engine."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.errors import WhiskError
from deepwhisk.system import PACKAGES, deploy_system
from deepwhisk.whisk import Whisk
from fixtures.engine import Engine, start_engine, stop_engine

UTILS = PACKAGES[0]


class Counting(Whisk):
    """Remembers what it was asked for."""

    def __init__(self, apihost: str, auth: str) -> None:
        super().__init__(apihost, auth)
        self.asked: list[str] = []

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        self.asked.append(f"{method} {path}")
        return super().request(method, path, body, **query)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, environment_cache: Path) -> Iterator[Engine]:
    """One of these tests' own: they change its system namespace."""
    started = start_engine(tmp_path_factory.mktemp("system") / "state", environment_cache)
    yield started
    assert stop_engine(started) == 0


@pytest.fixture
def system(engine: Engine) -> Iterator[Counting]:
    """The namespace whisk.system, with its packages."""
    whisk = Counting(engine.apihost, engine.auth_system)
    deploy_system(whisk)
    whisk.asked.clear()
    yield whisk
    whisk.close()


@pytest.fixture
def guest(engine: Engine) -> Iterator[Whisk]:
    whisk = Whisk(engine.apihost, engine.auth)
    yield whisk
    whisk.close()


def test_what_stands_is_asked_for_once_and_left(system: Counting) -> None:
    assert deploy_system(system) == ()
    assert system.asked == [f"GET packages/{package.name}" for package in PACKAGES]


def test_everybody_may_use_them(system: Counting, guest: Whisk) -> None:
    shown = guest.request("GET", "/whisk.system/packages/utils")

    assert shown["publish"] is True
    assert {action["name"] for action in shown["actions"]} == {"cat", "date", "echo", "sort", "split"}
    assert "utils" in [each["name"] for each in guest.request("GET", "/whisk.system/packages")]


def test_an_action_says_what_it_takes_and_gives(system: Counting, guest: Whisk) -> None:
    shown = guest.request("GET", "/whisk.system/actions/utils/split")
    annotations = {pair["key"]: pair["value"] for pair in shown["annotations"]}

    assert shown["exec"]["kind"].startswith("python:")
    assert [each["name"] for each in annotations["parameters"]] == ["payload", "separator"]
    assert annotations["sampleOutput"]["lines"] == ["one", "two"]


def test_the_sequence_of_openwhisks_own_introduction_works(system: Counting, guest: Whisk) -> None:
    components = ["/whisk.system/utils/split", "/whisk.system/utils/sort"]
    guest.put("actions", "sequenceAction", {"exec": {"kind": "sequence", "components": components}})

    answer = guest.invoke(
        "sequenceAction", {"payload": "Over-ripe sushi,\nThe Master\nIs full of regret."}, result=True
    )

    assert answer == {"length": 3, "lines": ["Is full of regret.", "Over-ripe sushi,", "The Master"]}


def test_all_of_them_run(system: Counting, guest: Whisk) -> None:
    for action in UTILS.actions:
        given, gives = action.module.SAMPLE
        answer = guest.invoke(f"/whisk.system/utils/{action.name}", given, result=True)
        assert answer.keys() == gives.keys()


def test_what_is_taken_away_comes_back(system: Counting) -> None:
    system.delete("actions", "utils/cat")

    assert deploy_system(system) == ("utils",)
    assert system.get("actions", "utils/cat")["publish"] is False


def test_a_package_that_is_no_longer_shared_is_shared_again(system: Counting, guest: Whisk) -> None:
    system.put("packages", "utils", {"publish": False})
    with pytest.raises(WhiskError):
        guest.request("GET", "/whisk.system/packages/utils")

    assert deploy_system(system) == ("utils",)
    assert guest.request("GET", "/whisk.system/packages/utils")["publish"] is True


def test_a_deployment_that_was_cut_short_is_made_again(system: Counting) -> None:
    system.put("packages", "utils", {"annotations": []})

    assert deploy_system(system) == ("utils",)
    assert deploy_system(system) == ()


def test_a_newer_version_replaces_what_is_there(system: Counting) -> None:
    newer = replace(UTILS, description="Newer.")

    assert deploy_system(system, [newer]) == ("utils",)
    assert deploy_system(system, [newer]) == ()
    assert deploy_system(system) == ("utils",)
