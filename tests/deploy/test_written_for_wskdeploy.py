"""Projects written for wskdeploy, deployed: everything answers, and a second deployment changes nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from deepwhisk.deploy import Gateway, Order, apply, plan_deployment, plan_removal
from deepwhisk.manifest import find_origin
from deepwhisk.whisk import Whisk
from fixtures.engine import Engine

PROJECTS = Path(__file__).parents[1] / "data" / "wskdeploy"
ENVIRON = {"USER_OF_IT": "someone", "PERSON": "Ada", "REGISTRY": "registry.example"}
NAMES = ["bare", "conductor", "images", "include", "managed", "routes", "settings", "web"]

Deploy = Callable[[str], Whisk]


@pytest.fixture
def deploy(engine: Engine) -> Iterator[Deploy]:
    """Deploys a project, and once more, which changes nothing; takes it away in the end."""
    whisk, orders = Whisk(engine.apihost, engine.auth), list[Order]()

    def deployed(name: str) -> Whisk:
        folder = PROJECTS / name
        orders.append(Order(find_origin(folder, folder / "manifest.yaml"), ENVIRON))
        apply(changes(orders[-1]), whisk)
        assert changes(orders[-1]) == []
        return whisk

    def changes(order: Order) -> list[Any]:
        return [change for change in plan_deployment(order, whisk) if change.verb != "keep"]

    yield deployed
    for order in orders:
        apply(plan_removal(order.manifest(), whisk), whisk)
        assert all(change.verb == "create" for change in plan_deployment(order, whisk))
    whisk.close()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_deployed_once_and_taken_away_whole(name: str, deploy: Deploy) -> None:
    deploy(name)


def test_a_composition_calls_the_actions_of_its_package(deploy: Deploy) -> None:
    assert deploy("conductor").invoke("steps/both", {"value": 5}, result=True) == {"value": 16}


def test_zips_hold_what_is_included(deploy: Deploy) -> None:
    assert deploy("include").invoke("zips/only", {"a": 1}, result=True) == {"a": 1}


def test_inputs_of_the_deployment_file_are_bound(deploy: Deploy) -> None:
    assert deploy("settings").invoke("first/hello", result=True) == {"greeting": "Hello Amy"}


def test_routes_answer_until_they_are_taken_away(deploy: Deploy) -> None:
    whisk = deploy("routes")
    routes = {(api.method, api.base + api.path) for api in Gateway(whisk).routes(["/club", "/v2"])}
    assert ("get", "/club/books/{isbn}") in routes
    assert ("get", "/v2/") in routes
    answer = requests.get(f"{whisk.apihost}/api/{whisk.namespace()}/club/books?name=Ada", timeout=60)
    assert answer.json() == {"greeting": "Hello Ada"}
