"""`deepwhisk models` and its commands."""

import json
from pathlib import Path
from typing import Any

import feedparser
import pytest
import yaml

from fixtures.files import Files
from fixtures.machine import ROOT, run

MODEL = '"""Marks things."""\n\n\ndef predict(a: int) -> int:\n    return a\n'
OLD: dict[str, Any] = {
    "title": "Plants",
    "summary": "Names plants.",
    "description": ["It knows plants.", "", "Many."],
    "date_creation": "2020-01-01",
    "keywords": ["pytorch"],
    "license": "MIT",
    "sources": {"dockerfile_repo": "https://a.b", "docker_registry_repo": "a/b", "code": "https://c.d"},
    "tosca": [],
}


@pytest.fixture
def folder(files: Files) -> Path:
    return files(
        **{
            "catalog__good__model.py": MODEL,
            "catalog__good__metadata.json": json.dumps(OLD, indent="\t"),
            "catalog__bad__model.py": MODEL,
            "catalog__bad__ai4-metadata.yml": "metadata_version: 2.3.0\ntitle: [a]\n",
        }
    )


def test_list_is_what_models_says_alone(tmp_path: Path) -> None:
    lonely = {"DEEPWHISK_STATE": str(tmp_path), "HOME": str(tmp_path)}

    assert run("models", "list", "--json", **lonely).stdout == run("models", "--json", **lonely).stdout


def test_validate_checks_the_models_of_this_project() -> None:
    done = run("models", "validate", "image-classification", "file-type")

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == [
        "catalog/image-classification/ai4-metadata.yml is valid: AI4OS 2.3.0.",
        "catalog/file-type/ai4-metadata.yml is valid: AI4OS 2.3.0.",
    ]


def test_validate_tells_what_is_wrong_with_each_and_goes_on(folder: Path) -> None:
    (folder / "catalog" / "worse").mkdir()
    (folder / "catalog" / "worse" / "ai4-metadata.yml").write_text("a: [")
    done = run("models", "validate", cwd=folder)
    as_json = json.loads(run("models", "validate", "--json", cwd=folder).stdout)

    assert done.returncode == 1
    assert "catalog/bad/ai4-metadata.yml:2: title: ['a'] is not of type 'string'" in done.stdout
    assert "catalog/good/metadata.json is valid: DEEP's schema 1.0." in done.stdout
    assert "catalog/worse/ai4-metadata.yml:1: this is not YAML" in done.stdout
    assert {"file": "catalog/bad/ai4-metadata.yml", "line": 1, "key": "license"}.items() <= next(
        one.items() for one in as_json if one["key"] == "license"
    )


def test_validate_takes_files_too_and_names_what_it_does_not_know(folder: Path) -> None:
    file = run("models", "validate", "catalog/good/metadata.json", cwd=folder)
    unknown = run("models", "validate", "nothing", cwd=folder)

    assert file.returncode == 0
    assert unknown.returncode == 1
    assert "neither a model 'nothing'" in unknown.stderr


def test_show_says_all_in_the_words_of_ai4os(folder: Path) -> None:
    shown = run("models", "show", "good", cwd=folder).stdout
    as_json = json.loads(run("models", "show", "good", "--json", cwd=folder).stdout)

    assert yaml.safe_load(shown) == as_json
    assert as_json["metadata"]["links"]["source_code"] == "https://c.d"
    assert as_json["limits"] == {"memory_MB": 512, "timeout_ms": 60000}
    assert "  description: |-\n    It knows plants.\n\n    Many.\n" in shown


def test_what_is_converted_is_valid(folder: Path) -> None:
    done = run("models", "convert", "catalog/good/metadata.json", "-o", "new.yml", cwd=folder)

    assert done.returncode == 0, done.stderr
    assert "tosca has no place in AI4OS 2.x" in done.stderr
    assert "tasks is empty: fill it in." in done.stderr
    assert run("models", "validate", "new.yml", cwd=folder).returncode == 0
    assert yaml.safe_load((folder / "new.yml").read_text())["libraries"] == ["PyTorch"]


def test_convert_writes_json_and_nothing_over_what_is_there(folder: Path) -> None:
    words = ["models", "convert", "catalog/good/metadata.json", "-o", "new.json"]
    first, second = (run(*words, cwd=folder) for _ in range(2))
    forced = run(*words, "--force", cwd=folder)

    assert (first.returncode, second.returncode, forced.returncode) == (0, 2, 0)
    assert "--force" in second.stderr
    assert json.loads((folder / "new.json").read_text())["metadata_version"] == "2.3.0"


def test_what_is_of_ai4os_already_is_not_converted(folder: Path) -> None:
    done = run("models", "convert", "catalog/bad/ai4-metadata.yml", cwd=folder)

    assert done.returncode == 1
    assert "is not in DEEP's schema 1.0" in done.stderr


@pytest.mark.parametrize("form", ["json", "atom", "jsonld"])
def test_export_writes_the_catalog_the_same_each_time(form: str, folder: Path) -> None:
    said = [run("models", "export", "--format", form, cwd=folder).stdout for _ in range(2)]
    done = run("models", "export", "--format", form, "-o", "out", "--url", "https://a.b/f", cwd=folder)

    assert said[0] == said[1]
    assert done.returncode == 0
    written = (folder / "out").read_text()
    if form == "atom":
        assert feedparser.parse(written).feed.links[0].href == "https://a.b/f"
    else:
        assert json.loads(written) == json.loads(said[0])


def test_a_file_that_cannot_be_written_is_a_sentence(folder: Path) -> None:
    done = run("models", "export", "-o", "/proc/nowhere", cwd=folder)

    assert done.returncode == 2
    assert done.stderr.startswith("Error: /proc/nowhere cannot be written")


def test_the_exports_hold_all_of_this_catalog() -> None:
    found = json.loads(run("models", "export", cwd=ROOT).stdout)

    assert {"image-classification", "language-identification"} <= {model["name"] for model in found["models"]}


def test_validate_finds_nothing_in_a_model_just_made(tmp_path: Path) -> None:
    assert run("new", "project", str(tmp_path / "p")).returncode == 0
    assert run("new", "model", "other", cwd=tmp_path / "p").returncode == 0

    done = run("models", "validate", cwd=tmp_path / "p")

    assert done.returncode == 0, done.stdout + done.stderr
