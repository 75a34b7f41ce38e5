"""The commands of docs/metadata.md do what it says, one after the other."""

import json
import re
import shlex
from pathlib import Path

import feedparser
import pytest
import yaml

from deepwhisk.project.upgrading import GONE, LINKS
from fixtures.files import Files
from fixtures.machine import ROOT, run

PAGE = (ROOT / "docs" / "metadata.md").read_text(encoding="utf-8")
OLD = {
    "title": "t",
    "summary": "s",
    "description": ["d"],
    "date_creation": "2020-01-01",
    "keywords": ["k"],
    "license": "MIT",
    "sources": {"dockerfile_repo": "https://a", "docker_registry_repo": "a/b", "code": "https://c"},
}


def test_the_commands_run_one_after_the_other(files: Files) -> None:
    model = ROOT / "catalog" / "image-classification"
    texts = {
        f"catalog__{model.name}__{name}": (model / name).read_text()
        for name in ("model.py", "ai4-metadata.yml")
    }
    folder = files(**texts, **{"metadata.json": json.dumps(OLD)})
    for block in re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            done = run(*shlex.split(line.removeprefix("$ deepwhisk ")), cwd=folder)
            assert done.returncode == 0, (line, done.stderr, done.stdout)

    assert yaml.safe_load((folder / "ai4-metadata.yml").read_text())["tags"] == ["k"]
    assert feedparser.parse((folder / "models.atom").read_text()).entries
    assert json.loads((folder / "catalog.json").read_text())["models"][0]["name"] == model.name
    assert json.loads((folder / "catalog.jsonld").read_text())["@graph"]


def test_the_problems_that_it_shows_are_told_like_that(files: Files) -> None:
    found = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    folder = files(**{"catalog__m__ai4-metadata.yml": "metadata_version: 2.3.0\ntitle: 7\n"})

    said = run("models", "validate", "m", cwd=folder).stdout

    for line in found[1].splitlines():
        assert re.sub(r":\d+:", ":", line, count=1) in re.sub(r":\d+:", ":", said)


@pytest.mark.parametrize("key", [*LINKS.values(), *GONE])
def test_every_member_that_moves_is_in_its_table(key: str) -> None:
    assert key in PAGE or key == "zenodo_doi"


def test_the_page_is_in_the_readme() -> None:
    assert "(docs/metadata.md)" in Path(ROOT / "README.md").read_text(encoding="utf-8")
