"""The images as an OpenWhisk cluster is told of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import deepwhisk_runtime
from deepwhisk.engine.containers import launch, node
from deepwhisk.engine.kinds import PYTHON
from deepwhisk.project import read_project

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def runtimes() -> Any:
    return json.loads((ROOT / "runtimes" / "runtimes.json").read_text())


def image(told: dict[str, str]) -> str:
    return f"{told['prefix']}/{told['name']}:{told['tag']}"


def test_the_default_kind_is_the_one_of_the_embedded_engine(runtimes: Any) -> None:
    [kind] = runtimes["runtimes"]["python"]

    assert (kind["kind"], kind["default"]) == (PYTHON, True)
    assert image(kind["image"]).startswith("deepwhisk/runtime-python:")


def test_every_model_of_the_catalog_has_its_image_among_the_black_boxes(runtimes: Any) -> None:
    models = {f"deepwhisk/{model.name}:{model.version}" for model in read_project(ROOT).models}

    assert models <= {image(told) for told in runtimes["blackboxes"]}


def test_the_image_holds_what_an_environment_holds() -> None:
    text = (ROOT / "runtimes" / "python" / "Dockerfile").read_text()
    package = Path(deepwhisk_runtime.__file__).parent

    assert f"COPY {package.relative_to(ROOT)} " in text
    assert f"COPY {(package.parent / 'requirements.txt').relative_to(ROOT)} " in text


def test_the_image_of_node_starts_what_the_embedded_engine_starts() -> None:
    folder = ROOT / "runtimes" / "nodejs"

    assert node.program() == folder / "main.cjs"
    assert '"node", "/opt/deepwhisk/main.cjs"' in (folder / "Dockerfile").read_text()
    assert {path.suffix for path in folder.iterdir()} == {".cjs", ""}


def test_an_image_sets_what_the_embedded_engine_sets() -> None:
    engine = re.findall(r'"((?:MALLOC|OMP|OPENBLAS|MKL|ORT)_\w+)": ', Path(launch.__file__).read_text())
    text = (ROOT / "runtimes" / "python" / "Dockerfile").read_text()

    assert engine
    assert [name for name in engine if f" {name}=" not in text] == []
