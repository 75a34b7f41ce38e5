"""docs/catalog.md: every model is in its table, its example is one, and its figures are the code's."""

import json
import re
from pathlib import Path

import yaml

from deepwhisk.examples import read_examples

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "catalog.md").read_text()


def test_every_model_of_the_catalog_is_listed() -> None:
    models = {path.parent.name for path in (ROOT / "catalog").glob("*/model.py")}

    assert models == set(re.findall(r"^\| `([a-z-]+)` \| `", PAGE, re.MULTILINE))


def test_what_models_cost_is_what_their_metadata_say() -> None:
    for model in (ROOT / "catalog").glob("*/ai4-metadata.yml"):
        told = yaml.safe_load(model.read_text())["resources"]["inference"]
        cold, warm, more = (told.get(key, "–") for key in ("cold_ms", "warm_ms", "warm_memory_MB"))
        row = f"| `{model.parent.name}` | {cold} ms | {warm} ms | {more} MB |"
        assert row in PAGE


def test_the_example_shown_is_the_one_in_the_catalog() -> None:
    shown = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    folder = ROOT / "catalog" / "image-classification"

    assert shown
    assert json.loads(shown[1]) == json.loads((folder / "example" / "coffee.json").read_text())
    assert read_examples(folder)


def test_the_limits_of_pictures_are_those_of_the_code() -> None:
    code = (ROOT / "catalog" / "image-classification" / "picture.py").read_text()
    memory = int(re.findall(r"^MEMORY = ([\d_]+)", code, re.MULTILINE)[0])

    for price, told in ((8, "16 million pixels"), (12, "10.6 million"), (16, "8 million")):
        assert told.startswith(f"{memory / price // 1e5 / 10:g} million")
        assert told in PAGE
