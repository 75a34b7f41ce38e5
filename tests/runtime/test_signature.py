"""Signatures as schemas: what is checked, what messages say."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import pytest
from PIL import Image
from pydantic import Field

from deepwhisk_runtime.errors import Invalid
from deepwhisk_runtime.signature import FileParameter, Signature


def messages(function: Callable[..., Any], **given: Any) -> dict[str, list[str]]:
    with pytest.raises(Invalid) as caught:
        Signature(function).check(given)
    return caught.value.fields


def predict(text: str, top: Annotated[int, Field(ge=1, le=20)] = 5) -> None: ...


def test_arguments_are_converted_and_completed() -> None:
    assert Signature(predict).check({"text": "a", "top": "7"}) == {"text": "a", "top": 7}
    assert Signature(predict).check({"text": "a"}) == {"text": "a", "top": 5}


def test_a_value_out_of_range_is_named_with_its_limit() -> None:
    assert messages(predict, text="a", top=99) == {
        "top": ["Input should be less than or equal to 20 (got 99)"]
    }


def test_a_missing_argument_is_named() -> None:
    assert messages(predict) == {"text": ["Missing data for required field."]}


def test_an_unknown_argument_is_named_with_those_there_are() -> None:
    assert messages(predict, text="a", tops=1) == {
        "tops": ["There is no such argument; there are: text, top."]
    }


def test_all_faults_are_named_at_once_and_long_values_cut() -> None:
    found = messages(predict, text=[1] * 1000, top="many")
    assert list(found) == ["text", "top"]
    assert all(len(each) < 200 for fault in found.values() for each in fault)


def test_a_fault_inside_an_argument_says_where() -> None:
    class Box(pydantic.BaseModel):
        width: int

    def locate(boxes: list[Box]) -> None: ...

    assert messages(locate, boxes=[{"width": 1}, {"width": "x"}])["boxes"][0].startswith("at 1.width: ")


def test_names_that_pydantic_uses_itself_are_no_trouble() -> None:
    def odd(copy: int, schema: str, json: bool, model_config: int, _hidden: int, self_: int = 3) -> None: ...

    given = {"copy": 1, "schema": "s", "json": True, "model_config": 2, "_hidden": 4}
    assert Signature(odd).check(given) == given | {"self_": 3}


def test_a_default_may_be_a_field_of_pydantic() -> None:
    def limited(top: int = Field(5, ge=1, description="How many")) -> None: ...

    assert Signature(limited).check({}) == {"top": 5}
    assert "greater than or equal to 1" in messages(limited, top=0)["top"][0]
    assert Signature(limited).schema["properties"]["top"]["description"] == "How many"


def test_further_arguments_are_taken_by_a_function_that_takes_them() -> None:
    def open_ended(a: int, **rest: Any) -> None: ...

    assert Signature(open_ended).check({"a": 1, "b": 2}) == {"a": 1, "b": 2}


def test_parameters_without_annotation_take_anything() -> None:
    def bare(a, b=None) -> None: ...  # type: ignore[no-untyped-def]

    assert Signature(bare).check({"a": [1]}) == {"a": [1], "b": None}


def test_files_are_found_in_all_their_forms() -> None:
    def see(
        a: Path,
        b: bytes,
        c: Image.Image,
        d: Annotated[Path, "A photograph"],
        e: list[Path],
        f: Path | None = None,
        g: str = "",
    ) -> None: ...

    signature = Signature(see)
    assert {name: each.kind for name, each in signature.files.items()} == {
        "a": "path",
        "b": "bytes",
        "c": "image",
        "d": "path",
        "e": "path",
        "f": "path",
    }
    assert signature.files["e"] == FileParameter("path", many=True)
    assert signature.schema["properties"]["d"]["description"] == "A photograph"
    assert signature.schema["properties"]["c"]["format"] == "binary"


def test_the_answer_is_described_where_it_can_be() -> None:
    @dataclass
    class Named:
        label: str
        kind: Literal["a", "b"] = "a"

    def good() -> Named: ...  # type: ignore[empty-body]
    def odd() -> object: ...
    def unknown(): ...  # type: ignore[no-untyped-def]
    def drawn() -> Image.Image: ...  # type: ignore[empty-body]

    assert Signature(good).answer["$ref"] == "#/components/schemas/Named"
    assert Signature(good).answer["$defs"]["Named"]["properties"]["label"]["type"] == "string"
    assert Signature(odd).answer == {}
    assert Signature(unknown).answer == {}
    assert Signature(drawn).answer["format"] == "binary"
