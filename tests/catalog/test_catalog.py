"""What every model of the catalog must have: true metadata, examples that work, licenses."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deepwhisk.examples import Example, differences, read_examples

ROOT = Path(__file__).parent.parent.parent
MODELS = sorted(path.parent for path in (ROOT / "catalog").glob("*/model.py"))
EXAMPLES = [
    pytest.param(model.name, example, id=f"{model.name}/{example.name}")
    for model in MODELS
    for example in read_examples(model)
]
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda folder: folder.name)


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_example_gives_the_expected_answer(
    install: Callable[[str], Any], name: str, example: Example
) -> None:
    answer = install(name).predict(example.input)

    assert differences(example, answer) == []


@each_model
def test_every_model_has_examples(model: Path) -> None:
    assert read_examples(model)


@each_model
def test_the_metadata_is_valid_by_its_own_schema_and_by_the_newest(model: Path) -> None:
    validate = [Path(sys.executable).with_name("ai4-metadata"), "validate", model / "ai4-metadata.yml"]
    own = yaml.safe_load((model / "ai4-metadata.yml").read_text())["metadata_version"]

    for version in ([], ["--metadata-version", own]):
        done = subprocess.run([*validate, *version], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@each_model
def test_the_metadata_names_authors_and_licenses_and_what_a_call_may_use(model: Path) -> None:
    told = yaml.safe_load((model / "ai4-metadata.yml").read_text())

    assert told["authors"]
    assert {"code", "weights"} <= told["licenses"].keys()
    assert {"cpu", "memory_MB", "timeout_ms"} <= told["resources"]["inference"].keys()


@each_model
def test_the_summary_is_the_first_line_of_the_code(model: Path) -> None:
    told = yaml.safe_load((model / "ai4-metadata.yml").read_text())

    assert (model / "model.py").read_text().startswith(f'"""{told["summary"]}\n')


@each_model
def test_the_origin_of_every_example_file_is_told(model: Path) -> None:
    told = (model / "example" / "README.md").read_text()
    files = [path.name for path in (model / "example").iterdir() if path.suffix not in (".json", ".md")]

    assert [name for name in files if f"`{name}`" not in told] == []


@each_model
def test_example_files_are_small(model: Path) -> None:
    assert [path for path in (model / "example").iterdir() if path.stat().st_size > 200_000] == []


@each_model
def test_every_requirement_has_an_upper_bound_or_a_reason(model: Path) -> None:
    lines = (model / "requirements.txt").read_text().splitlines()

    assert [line for line in lines if not re.search(r"<|==|#", line)] == []
