"""Metadata files of both schemas: what they say, in which line, and what is told of bad ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.errors import ProjectError
from deepwhisk.project.metadata import LARGEST, Metadata, read_metadata
from deepwhisk.project.upgrading import upgraded

OLD: dict[str, Any] = {
    "title": "Plants",
    "summary": "Names plants.",
    "description": ["It knows 10,000 plants.\\n", "", "And some more."],
    "keywords": ["tensorflow", "docker", "trainable", "inference", "pre-trained"],
    "license": "Apache 2.0",
    "date_creation": "2019-02-19",
    "dataset_url": "https://example.org/data",
    "cite_url": "https://doi.org/10.1/x",
    "training_files_url": "https://example.org/training",
    "sources": {
        "dockerfile_repo": "https://github.com/deephdc/DEEP-OC-plants",
        "docker_registry_repo": "deephdc/deep-oc-plants",
        "code": "https://github.com/deephdc/plants",
        "pre_trained_weights": "https://example.org/weights",
    },
    "tosca": [{"title": "Mesos", "url": "https://example.org/t.yml", "inputs": []}],
    "continuous_integration": {"build_status_badge": "https://example.org/badge"},
}


def metadata(folder: Path, said: str, name: str = "ai4-metadata.yml") -> Metadata:
    (folder / name).write_text(said, encoding="utf-8")
    return read_metadata(folder / name, name)


class TestUpgrading:
    def test_what_deep_said_is_said_in_the_words_of_ai4os(self) -> None:
        assert upgraded(OLD) == {
            "metadata_version": "2.3.0",
            "title": "Plants",
            "summary": "Names plants.",
            "description": "It knows 10,000 plants.\n\nAnd some more.",
            "license": "Apache 2.0",
            "dates": {"created": "2019-02-19", "updated": "2019-02-19"},
            "links": {
                "citation": "https://doi.org/10.1/x",
                "dataset": "https://example.org/data",
                "training_files": "https://example.org/training",
                "source_code": "https://github.com/deephdc/plants",
                "weights": "https://example.org/weights",
                "docker_image": "https://hub.docker.com/r/deephdc/deep-oc-plants",
                "dockerfile": "https://github.com/deephdc/DEEP-OC-plants",
            },
            "libraries": ["TensorFlow"],
            "tasks": [],
            "categories": ["AI4 trainable", "AI4 inference", "AI4 pre trained"],
            "tags": ["tensorflow", "docker", "trainable", "inference", "pre-trained"],
            "continuous_integration": {"build_status_badge": "https://example.org/badge"},
        }

    @pytest.mark.parametrize("member", OLD)
    def test_a_member_of_a_wrong_type_stops_nothing(self, member: str) -> None:
        for wrong in (7, None, True, {"a": [1]}, [None, 3], "text"):
            assert upgraded({**OLD, member: wrong})["metadata_version"] == "2.3.0"

    def test_a_file_of_either_schema_says_the_same_words(self, tmp_path: Path) -> None:
        old = metadata(tmp_path, json.dumps(OLD, indent="\t"), "metadata.json")
        new = metadata(tmp_path, "metadata_version: 2.0.0\ntitle: Plants\n")

        assert (old.old, new.old) == (True, False)
        assert old.current["title"] == new.current["title"] == "Plants"


class TestLines:
    def test_every_key_of_yaml_has_its_line(self, tmp_path: Path) -> None:
        found = metadata(tmp_path, "title: a\nlinks:\n  source_code: b\ntags:\n  - x\n  - y\n")

        assert found.line(("title",)) == 1
        assert found.line(("links", "source_code")) == 3
        assert found.line(("tags", 1)) == 6
        assert found.line(("links", "missing")) == 2
        assert found.line(()) == 1

    def test_every_key_of_json_has_its_line_also_behind_tabs(self, tmp_path: Path) -> None:
        said = '{\n\t"title": "a\\/b \\ud83d\\ude00",\n\t"sources": {\n\t\t"code": "x"\n\t}\n}'
        found = metadata(tmp_path, said, "metadata.json")

        assert found.said["title"] == "a/b 😀"
        assert found.line(("sources", "code")) == 4


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("said", "sentence"),
        [
            ("a: [", "m.yml:1: this is not YAML"),
            ("title: x\n\tb: y", "m.yml:2: this is not YAML"),
            ("- a", "m.yml:1: the file must be a mapping, not a list"),
            ("just text", "m.yml:1: the file must be a mapping, not 'just text'"),
            ("a: 1\nb: 2\na: 3", "m.yml:3: the key 'a' is written twice"),
            ("a: .inf", "m.yml:1: a is .inf, which JSON cannot hold"),
            ("a: !!python/name:os.system ''", "m.yml:1: this is not YAML"),
            (f"a: {'9' * 5000}", "m.yml: a value cannot be read"),
            (BOMB, r"m.yml:1: this is not YAML: its aliases stand for more than \d+ values"),
            ("a: " + "[" * 5000, "m.yml"),
            ("a: " + "x" * (LARGEST + 1), "m.yml has 1000004 characters; metadata may have 1000000"),
            ("a: &a {b: *a}", "m.yml"),
        ],
        ids=lambda value: value[:24],
    )
    def test_bad_yaml_is_told_with_its_line(self, tmp_path: Path, said: str, sentence: str) -> None:
        with pytest.raises(ProjectError, match=sentence):
            metadata(tmp_path, said, "m.yml")

    @pytest.mark.parametrize(
        ("said", "sentence"),
        [
            ('{"a": 1,\n"b" 2}', "m.json:2: this is not JSON"),
            ("", "m.json:1: this is not JSON"),
            ("[]", "m.json:1: the file must be a mapping, not a list"),
            ('{"a": 1, "a": 2}', "m.json: .*the key 'a' is written twice"),
            ('{"a": NaN}', "m.json: .*NaN is no number of JSON"),
            ('{"a": ' + "[" * 100_000, "m.json: it is nested too deeply"),
            ('{"a": ' + "9" * 5000 + "}", "m.json: a value cannot be read"),
        ],
        ids=lambda value: value[:24],
    )
    def test_bad_json_is_told(self, tmp_path: Path, said: str, sentence: str) -> None:
        with pytest.raises(ProjectError, match=sentence):
            metadata(tmp_path, said, "m.json")

    def test_what_is_no_text_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "m.yml").write_bytes(b"title: \xff\xfe")

        with pytest.raises(ProjectError, match=r"m.yml: this is not text in UTF-8"):
            read_metadata(tmp_path / "m.yml", "m.yml")
