"""A module from outside as an action: invoked, asked over the web, and asked on the command line."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from deepwhisk.whisk import Whisk
from fixtures.engine import Engine
from fixtures.machine import run
from fixtures.modules import COFFEE

pytestmark = pytest.mark.xdist_group("modules")


@pytest.fixture(scope="module")
def deployed(library: Path, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whisk]:
    project = tmp_path_factory.mktemp("deployed") / "library"
    project.mkdir()
    for name in ("leafcolors", "tide_forecast"):
        shutil.copytree(library / "catalog" / name, project / "catalog" / name)
    for words in (["manifest"], ["deploy"]):
        done = run(*words, cwd=project, DEEPWHISK_STATE=str(engine.state))
        assert done.returncode == 0, done.stderr
    whisk = Whisk(engine.apihost, engine.auth)
    yield whisk
    done = run("undeploy", cwd=project, DEEPWHISK_STATE=str(engine.state))
    whisk.close()
    assert done.returncode == 0, done.stderr


def test_an_invocation_carries_the_arguments(deployed: Whisk) -> None:
    photograph = {"$bytes": base64.b64encode(COFFEE.read_bytes()).decode(), "filename": "coffee.jpg"}

    answer = deployed.invoke("models/leafcolors", {"data": photograph, "threshold": 5}, result=True)

    assert (answer["filename"], answer["content_type"]) == ("coffee.jpg", "image/jpeg")
    assert deployed.invoke("models/tide_forecast", {"model_name": "harbor"}, result=True)["highest"] == 2.5


def test_what_does_not_fit_names_the_argument(deployed: Whisk, engine: Engine) -> None:
    done = run("predict", "leafcolors", "-i", "threshold=x", DEEPWHISK_STATE=str(engine.state))

    assert done.returncode == 1
    assert "data: Missing data for required field." in done.stderr


def test_the_rest_api_answers_at_the_web_action(deployed: Whisk, engine: Engine) -> None:
    at = f"{engine.apihost}/api/v1/web/guest/models/leafcolors/v2/models/leafcolors/"
    image = requests.post(
        f"{at}predict/",
        params={"accept": "image/png"},
        files={"data": ("coffee.jpg", COFFEE.read_bytes())},
        timeout=60,
    )
    told = requests.get(at, timeout=60).json()

    assert (image.status_code, image.content[:4]) == (200, b"\x89PNG")
    assert (told["Name"], told["license"]) == ("leafcolors", "Apache-2.0")


def test_the_command_line_asks_the_action(deployed: Whisk, engine: Engine) -> None:
    done = run("predict", "leafcolors", "-i", f"data=@{COFFEE}", "--json", DEEPWHISK_STATE=str(engine.state))

    assert json.loads(done.stdout)["labels"] == ["green", "other"], done.stderr
