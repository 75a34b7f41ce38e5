"""What a model's page says of it, and that no file of metadata stops a model."""

import json
from pathlib import Path

import pytest

from deepwhisk_runtime.metadata import described

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "name", ["ai4-metadata.yml", "ai4-metadata.yaml", "ai4-metadata.json", "metadata.json"]
)
def test_a_file_of_either_schema_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(json.dumps({"title": "Plants", "links": 1}, indent=1))

    assert described(tmp_path, {"title": "t", "id": "m"}) == {"title": "Plants", "id": "m"}


def test_json_that_is_no_yaml_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{\n\t"title": "Plants \\ud83c\\udf31"\n}')

    assert described(tmp_path, {})["title"] == "Plants 🌱"


@pytest.mark.parametrize(
    "said",
    [
        BOMB,
        "a: &a [*a]",
        "a: " + "[" * 5000,
        "a: [",
        "- a",
        f"a: {'9' * 5000}",
        "a: 2026-13-45",
        "a: !!python/name:os.system ''",
    ],
    ids=["bomb", "itself", "deep", "torn", "list", "huge number", "no date", "tag"],
)
def test_a_bad_file_is_said_and_the_rest_is_told(tmp_path: Path, said: str) -> None:
    (tmp_path / "ai4-metadata.yml").write_text(said)

    found = described(tmp_path, {"title": "t"})

    assert found["title"] == "t"
    assert found["metadata_error"].startswith("ai4-metadata.yml cannot be read: ")


def test_bad_json_is_said(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{"a": ')

    assert "metadata.json cannot be read" in described(tmp_path, {})["metadata_error"]
