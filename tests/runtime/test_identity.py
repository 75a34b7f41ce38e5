"""What makes two calls the same call, and two versions the same version."""

import dataclasses
import datetime
import enum
import itertools
import json
import math
import os
from pathlib import Path
from typing import Any

import pydantic
import pytest
from PIL import Image

from deepwhisk_runtime.identity import Unknowable, digest_of, version_of


class Color(enum.Enum):
    RED = 1
    GREEN = 2


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class Box(pydantic.BaseModel):
    side: float
    name: str = ""


def picture(color: str, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (2, 2), color)


DIFFERENT: list[Any] = [
    None, "None", True, 1, 1.0, "1", [1], (1,), [[1]], {"1": 1}, {1: 1}, {"a": 1}, {"a": [1]}, b"1", b"",
    "", [], {}, ["", ""], ["a", "b"], ["ab"], ["a", ["b"]], 0.1, 0.1 + 1e-17 + 1e-16, math.nan, math.inf,
    Color.RED, Color.GREEN, Point(1), Point(1, 1), Box(side=1), Box(side=1, name="x"),
    datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1),
    picture("red"), picture("blue"), picture("red", "RGBA"),
]  # fmt: skip


def test_what_differs_in_anything_has_another_digest() -> None:
    digests = [digest_of("v", {"a": value}) for value in DIFFERENT]
    assert len(set(digests)) == len(digests)
    assert digest_of("v", {"a": 1, "b": 2}) == digest_of("v", {"b": 2, "a": 1})
    assert digest_of("v", {"a": 1}) != digest_of("w", {"a": 1})
    assert digest_of("v", {"a": 1}) != digest_of("v", {"b": 1})


def test_files_are_told_by_what_they_hold_and_are_called(tmp_path: Path) -> None:
    for folder, name, text in (
        ("1", "a.txt", "x"),
        ("2", "a.txt", "x"),
        ("3", "a.txt", "y"),
        ("4", "b.txt", "x"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    one, same, other, renamed = (digest_of("v", {"f": path}) for path in sorted(tmp_path.glob("*/*")))
    assert one == same
    assert len({one, other, renamed}) == 3


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, [lambda: 0], iter(())])
def test_what_nobody_can_compare_has_no_digest(value: Any) -> None:
    with pytest.raises(Unknowable):
        digest_of("v", {"a": value})


def test_a_version_is_code_weights_and_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, weights, trained = (tmp_path / name for name in ("model", "weights", "trained"))
    for each in (folder, weights, trained):
        (each / "__pycache__").mkdir(parents=True)
        (each / "file").write_text("1")
    seen = [version_of(folder, weights, trained)]
    (folder / "__pycache__" / "model.pyc").write_text("compiled")
    assert version_of(folder, weights, trained) == seen[0]

    for path, text in (
        (folder / "file", "2"),
        (folder / "new.py", ""),
        (weights / "file", "23"),
        (trained / "file", "2"),
    ):
        path.write_text(text)
        seen.append(version_of(folder, weights, trained))
    for text in ("a", "b"):
        monkeypatch.setenv("DEEPWHISK_PROMOTED", json.dumps({"version": 1, "sha256": text}))
        seen.append(version_of(folder, weights, trained))
    os.utime(weights / "file", ns=(1, 1))
    seen += [version_of(folder, weights, trained), version_of(folder, None, None)]
    assert all(one != other for one, other in itertools.combinations(seen, 2))
