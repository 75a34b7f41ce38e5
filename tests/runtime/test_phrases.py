"""The words of DEEPaaS V2 for arguments that do not fit."""

from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from deepwhisk_runtime.captured import KEPT, Captured
from deepwhisk_runtime.errors import Invalid
from deepwhisk_runtime.signature import Signature


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Box(BaseModel):
    width: int


def whole(x: int) -> None: ...
def bounded(x: Annotated[int, Field(ge=1, le=100)]) -> None: ...
def above(x: Annotated[float | None, Field(gt=0)]) -> None: ...
def below(x: Annotated[float, Field(lt=0.5)]) -> None: ...
def number(x: float) -> None: ...
def truth(x: bool) -> None: ...
def text(x: str) -> None: ...
def short(x: Annotated[str, Field(min_length=2, max_length=3)]) -> None: ...
def long(x: Annotated[str, Field(max_length=3)]) -> None: ...
def shaped(x: Annotated[str, Field(pattern="^a")]) -> None: ...
def several(x: list[int]) -> None: ...
def box(x: Box) -> None: ...
def day(x: date) -> None: ...
def choice(x: Literal["a", "b"]) -> None: ...
def color(x: Color | None) -> None: ...
def odd(x: Annotated[int, Field(multiple_of=3)]) -> None: ...


@pytest.mark.parametrize(
    ("function", "given", "said"),
    [
        (whole, {}, "Missing data for required field."),
        (whole, {"x": "many"}, "Not a valid integer."),
        (whole, {"x": 1.5}, "Not a valid integer."),
        (whole, {"x": None}, "Field may not be null."),
        (bounded, {"x": 0}, "Must be greater than or equal to 1 and less than or equal to 100."),
        (bounded, {"x": 101}, "Must be greater than or equal to 1 and less than or equal to 100."),
        (above, {"x": 0}, "Must be greater than 0."),
        (below, {"x": 1}, "Must be less than 0.5."),
        (number, {"x": "many"}, "Not a valid number."),
        (truth, {"x": "perhaps"}, "Not a valid boolean."),
        (text, {"x": 1}, "Not a valid string."),
        (short, {"x": "a"}, "Length must be between 2 and 3."),
        (long, {"x": "long"}, "Longer than maximum length 3."),
        (shaped, {"x": "b"}, "String does not match expected pattern."),
        (several, {"x": 1}, "Not a valid list."),
        (several, {"x": [1, "y"]}, "at 1: Not a valid integer."),
        (box, {"x": {}}, "at width: Missing data for required field."),
        (box, {"x": 1}, "Not a valid mapping type."),
        (day, {"x": "today"}, "Not a valid date."),
        (choice, {"x": "c"}, "Must be one of: a, b."),
        (color, {"x": "green"}, "Must be one of: red, blue."),
        (odd, {"x": 4}, "Input should be a multiple of 3 (got 4)"),
    ],
)
def test_an_argument_that_does_not_fit_is_told_in_the_words_that_clients_know(
    function: Callable[..., Any], given: dict[str, Any], said: str
) -> None:
    with pytest.raises(Invalid) as raised:
        Signature(function).check(given)
    assert raised.value.phrases == {"x": [said]}


def test_what_was_printed_is_kept_up_to_a_bound() -> None:
    captured = Captured()
    for number in range(5):
        captured.add(str(number) * (KEPT // 2 + 1))
    assert len(captured.text()) == KEPT
    assert captured.text().endswith("4")
    assert "0" not in captured.text()
