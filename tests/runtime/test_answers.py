"""What a model returns becomes JSON, or is refused with its place."""

import base64
import dataclasses
import datetime
import decimal
import enum
import io
import json
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pydantic
import pytest
from PIL import Image

from deepwhisk_runtime.answers import encode
from deepwhisk_runtime.errors import Fault


class Color(enum.Enum):
    RED = "red"


class Pair(NamedTuple):
    a: int
    b: int


@dataclasses.dataclass
class Label:
    name: str
    score: float


class Page(pydantic.BaseModel):
    labels: list[Label]
    number: int = pydantic.Field(1, serialization_alias="n")


def decoded(value: Any) -> Any:
    return json.loads(encode(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1}, {"a": 1}),
        ([1, "ä"], [1, "ä"]),
        ("text", "text"),
        (0.5, 0.5),
        ({"none": None}, {"none": None}),
        (Label("cat", 0.5), {"name": "cat", "score": 0.5}),
        (Page(labels=[Label("cat", 0.5)]), {"labels": [{"name": "cat", "score": 0.5}], "n": 1}),
        ({"deep": [Page(labels=[])]}, {"deep": [{"labels": [], "n": 1}]}),
        ({"s": np.float32(0.1), "i": np.int64(3), "b": np.bool_(True)}, {"s": 0.1, "i": 3, "b": True}),
        ({"d": np.float64(0.25)}, {"d": 0.25}),
        (np.arange(6).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]),
        (np.arange(6, dtype=">i4").reshape(2, 3).T, [[0, 3], [1, 4], [2, 5]]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.float16([0.5]), [0.5]),
        ({1: "one", np.int32(2): "two"}, {"1": "one", "2": "two"}),
        ({"n": 2**70}, {"n": 2**70}),
        ({"t": datetime.date(2026, 1, 2)}, {"t": "2026-01-02"}),
        ({"c": Color.RED, "p": Pair(1, 2)}, {"c": "red", "p": [1, 2]}),
        ({"x": decimal.Decimal("0.5"), "u": uuid.UUID(int=0)}, {"x": 0.5, "u": str(uuid.UUID(int=0))}),
        ({"s": {3}}, {"s": [3]}),
        (np.float32(0.5), 0.5),
    ],
)
def test_values_of_many_types_are_written(value: Any, expected: Any) -> None:
    assert decoded(value) == expected


def test_bytes_are_a_file() -> None:
    told = {"$bytes": base64.b64encode(b"abc").decode(), "contentType": "application/octet-stream"}
    assert decoded(b"abc") == told
    assert decoded({"deep": [b"abc"]}) == {"deep": [told]}


def test_a_path_is_a_file_with_its_name_and_type(tmp_path: Path) -> None:
    path = tmp_path / "plot ä.png"
    path.write_bytes(b"png")
    assert decoded({"plot": path})["plot"] == {
        "$bytes": base64.b64encode(b"png").decode(),
        "contentType": "image/png",
        "filename": "plot ä.png",
    }


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "1", "P"])
def test_an_image_is_a_file(mode: str) -> None:
    told = decoded(Image.new(mode, (4, 3)))
    assert told["contentType"] == "image/png"
    with Image.open(io.BytesIO(base64.b64decode(told["$bytes"]))) as image:
        assert image.size == (4, 3)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"scores": np.array([[1.0, np.nan]])}, "scores[0][1] is nan, which JSON cannot hold."),
        ({"a": [Label("x", float("inf"))]}, "a[0].score is inf, which JSON cannot hold."),
        (np.float32("nan"), "the result is nan, which JSON cannot hold."),
        (Page(labels=[Label("x", float("nan"))]), "labels[0].score is nan, which JSON cannot hold."),
        (float("-inf"), "the result is -inf, which JSON cannot hold."),
        ({"f": object()}, "f is of type builtins.object, which JSON cannot hold."),
        ((each for each in "ab"), "the result is of type builtins.generator, which JSON cannot hold."),
        ({"z": 1j}, "z is of type builtins.complex, which JSON cannot hold."),
        ({"z": np.array([1j])}, "z[0] is of type builtins.complex, which JSON cannot hold."),
        (None, "predict returned nothing (None); it has to return its answer."),
    ],
)
def test_what_json_cannot_hold_is_named_with_its_place(value: Any, said: str) -> None:
    with pytest.raises(Fault) as caught:
        encode(value)
    assert caught.value.message == said
    assert caught.value.phase == "result"


def test_a_result_that_holds_itself_is_refused() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    with pytest.raises(Fault, match="JSON"):
        encode(value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="which cannot be read: No such file"):
        encode({"deep": [tmp_path / "gone.png"]})
