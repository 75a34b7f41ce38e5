"""Examples of models: the files, and the comparison with an answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.errors import ProjectError
from deepwhisk.examples import Example, differences, read_examples


def written(folder: Path, content: Any, name: str = "one") -> Path:
    (folder / "example").mkdir(exist_ok=True)
    (folder / "example" / f"{name}.json").write_text(
        content if isinstance(content, str) else json.dumps(content)
    )
    return folder


def expecting(expect: dict[str, Any], tolerance: float = 0) -> Example:
    return Example("one", {}, expect, tolerance)


def test_a_folder_without_examples_has_none(tmp_path: Path) -> None:
    assert read_examples(tmp_path) == ()


def test_examples_come_by_name_with_their_files_as_paths(tmp_path: Path) -> None:
    written(tmp_path, {"input": {"image": "@a b.jpg", "top": 3}, "expect": {"x": 1}, "tolerance": 0.5}, "b")
    written(tmp_path, {"input": {}, "expect": {}}, "a")
    (tmp_path / "example" / "a b.jpg").write_bytes(b"")

    image = tmp_path / "example" / "a b.jpg"
    assert read_examples(tmp_path) == (
        Example("a", {}, {}, 0),
        Example("b", {"image": image, "top": 3}, {"x": 1}, 0.5),
    )


def test_two_signs_are_a_plain_one_and_lists_may_hold_files(tmp_path: Path) -> None:
    written(tmp_path, {"input": {"text": "@@home", "images": ["@one.json"]}, "expect": {}})

    [example] = read_examples(tmp_path)
    assert example.input == {"text": "@home", "images": [tmp_path / "example" / "one.json"]}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "this is not JSON"),
        ([], "must be an object"),
        ({"input": {}}, "must be an object"),
        ({"input": {}, "expect": {}, "expects": {}}, "must be an object"),
        ({"input": [], "expect": {}}, "input cannot be []"),
        ({"input": {}, "expect": {}, "tolerance": "big"}, 'tolerance cannot be "big"'),
        ({"input": {"image": "@gone.jpg"}, "expect": {}}, "no file 'gone.jpg' beside it"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, content: Any, told: str) -> None:
    with pytest.raises(ProjectError, match=r"one\.json") as caught:
        read_examples(written(tmp_path, content))

    assert told in str(caught.value)


@pytest.mark.parametrize(
    "example",
    [
        expecting({}),
        expecting({"labels.0": "cat", "size": 2, "labels": ["cat", "dog"]}),
        expecting({"p.0": 0.9, "p": [0.9, 0.1], "by": {"cat": 0.85}}, 0.1),
        expecting({"sure": True, "nothing": None}),
    ],
)
def test_an_answer_as_expected_has_no_differences(example: Example) -> None:
    answer = {"labels": ["cat", "dog"], "size": 2, "p": [0.95, 0.05], "by": {"cat": 0.9}, "sure": True}

    assert differences(example, {**answer, "nothing": None}) == []


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ({"labels.0": "dog"}, 'labels.0 is "cat", not "dog"'),
        ({"labels.7": "dog"}, 'labels.7 is absent, not "dog"'),
        ({"name.first": "dog"}, 'name.first is absent, not "dog"'),
        ({"p": 0.5}, "p is 0.7, not 0.5"),
        ({"sure": 1}, "sure is true, not 1"),
        ({"labels": ["cat"]}, 'labels is ["cat", "dog"], not ["cat"]'),
        ({"": []}, "the answer is {"),
    ],
)
def test_each_difference_is_a_sentence(expect: dict[str, Any], told: str) -> None:
    [difference] = differences(expecting(expect, 0.1), {"labels": ["cat", "dog"], "p": 0.7, "sure": True})

    assert difference.startswith(told)


def test_an_empty_path_is_the_whole_answer() -> None:
    assert differences(expecting({"": [1, 2]}), [1, 2]) == []
