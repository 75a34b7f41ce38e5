"""Metadata against the schemas of ai4-metadata: every problem has its file, line and key."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from deepwhisk.errors import SettingsError
from deepwhisk.project.metadata import read_metadata
from deepwhisk.publish import problems, schema

GOOD = """metadata_version: 2.3.0
title: Marks
summary: Marks things.
description: It marks things.
license: MIT
dates:
  created: "2026-01-01"
  updated: "2026-01-02"
links:
  source_code: https://example.org
libraries: [Other]
tasks: []
categories: []
tags: [x]
resources:
  inference:
    memory_MB: 100
    timeout_ms: 1000
"""
OLD: dict[str, Any] = {
    "title": "t",
    "summary": "s",
    "description": ["d"],
    "date_creation": "2020-01-01",
    "keywords": ["k"],
    "license": "MIT",
    "sources": {"dockerfile_repo": "https://a", "docker_registry_repo": "a/b", "code": "https://c"},
}
PACKAGE = importlib.util.find_spec("ai4_metadata")
assert PACKAGE is not None
assert PACKAGE.origin is not None
SAMPLES = Path(PACKAGE.origin).parent / "assets" / "examples"


def told(folder: Path, said: str, name: str = "ai4-metadata.yml") -> list[str]:
    (folder / name).write_text(said, encoding="utf-8")
    return [str(problem) for problem in problems(read_metadata(folder / name, name))]


def test_metadata_that_is_right_has_no_problem(tmp_path: Path) -> None:
    assert told(tmp_path, GOOD) == []
    assert told(tmp_path, json.dumps(yaml.safe_load(GOOD), indent="\t"), "ai4-metadata.json") == []
    assert told(tmp_path, json.dumps(OLD), "metadata.json") == []


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("sample-*")), ids=lambda path: path.name)
def test_the_samples_of_ai4os_lack_a_license_at_most(sample: Path) -> None:
    found = problems(read_metadata(sample, sample.name))

    assert {problem.key for problem in found} <= {"license"}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("title: Marks", "title: [Marks]", "m.yml:2: title: ['Marks'] is not of type 'string'"),
        ("title: Marks\n", "", "m.yml:1: title: is missing"),
        ("license: MIT\n", "", "m.yml:1: license: is missing; say under which one the model may be used"),
        ("license: MIT", "license: 7", "m.yml:5: license: 7 is no name of a license"),
        ("license: MIT", "license: ''", "m.yml:5: license: '' is no name of a license"),
        ("2.3.0", "9.9.9", "m.yml:1: metadata_version: '9.9.9' is none of: 1.0.0, 2.0.0"),
        ("metadata_version: 2.3.0\n", "", "m.yml:1: metadata_version: is missing; one of: 1.0.0"),
        ('"2026-01-01"', "2026-01-01", 'm.yml:7: dates.created: it must be in quotes, "2026-01-01"'),
        ("  source_code: https://example.org", "  x: y", "m.yml:9: links.source_code: is missing"),
        ("[Other]", "[Other, Torch]", "m.yml:11: libraries.1: 'Torch' is not one of ['TensorFlow'"),
        ("tags: [x]", "tags: [x, x]", "m.yml:14: tags: ['x', 'x'] has non-unique elements"),
        (
            "memory_MB: 100",
            "memory_MB: much",
            "m.yml:17: resources.inference.memory_MB: 'much' is not of type",
        ),
        ("timeout_ms: 1000", "timeout_ms: 0.5", "m.yml:18: resources.inference.timeout_ms: 0.5 is no whole"),
        ("timeout_ms: 1000", "min_warm: -1", "m.yml:18: resources.inference.min_warm: -1 is no whole"),
        ("timeout_ms: 1000", "concurrency: 0", "m.yml:18: resources.inference.concurrency: 0 is no whole"),
        (
            "tags: [x]",
            "tags: [x]\ntosca: []",
            "m.yml:15: tosca: belongs to schema 1.0: remove it, or convert",
        ),
        ("dates:", "dates: 2026\nother:", "m.yml:6: dates: 2026 is not of type 'object'"),
    ],
)
def test_a_problem_names_file_line_and_key(tmp_path: Path, old: str, new: str, problem: str) -> None:
    found = told(tmp_path, GOOD.replace(old, new, 1), "m.yml")

    assert any(one.startswith(problem) for one in found), found


@pytest.mark.parametrize("member", OLD)
def test_metadata_of_deep_is_checked_by_its_own_schema(tmp_path: Path, member: str) -> None:
    missing = {key: value for key, value in OLD.items() if key != member}

    assert told(tmp_path, json.dumps(missing), "metadata.json") == [f"metadata.json:1: {member}: is missing"]
    assert any(
        f": {member}" in one for one in told(tmp_path, json.dumps({**OLD, member: 7}), "metadata.json")
    )


def test_all_problems_are_told_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = told(tmp_path, GOOD.replace("title: Marks", "title: 1").replace("tags: [x]", "tags: x"))

    assert [one.partition(": ")[2].partition(":")[0] for one in found] == ["title", "tags"]


def test_a_file_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    found = problems(read_metadata(tmp_path / "m.yml", "m.yml"))

    assert [str(problem) for problem in found] == ["m.yml:1: the file: says nothing, or is not there"]


def test_a_huge_value_is_not_repeated_whole(tmp_path: Path) -> None:
    (found,) = told(tmp_path, GOOD.replace("title: Marks", f"title: [{'x' * 100_000}]"))

    assert len(found) < 400


def test_without_the_package_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    schema._validators.cache_clear()

    with pytest.raises(SettingsError, match=r"pip install 'deepwhisk\[metadata\]'"):
        told(tmp_path, GOOD)
