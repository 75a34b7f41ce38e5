"""JSON that cannot be read is answered with the place."""

import pytest

from deepwhisk.engine.codec import dumps, loads
from deepwhisk.engine.problems import Problem


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "Unexpected end-of-input at input index 0 (line 1, position 1), expected JSON Value:\n\n^\n"),
        (b"{", "Unexpected end-of-input at input index 1 (line 1, position 2), expected '\"':\n{\n ^\n"),
        (b"{x", "Unexpected character 'x' at input index 1 (line 1, position 2), expected '\"':\n{x\n ^\n"),
        (
            b'{"a":\n ?}',
            "Unexpected character '?' at input index 7 (line 2, position 2), expected JSON Value:\n ?}\n ^\n",
        ),
        (b'{"a": "\xff"}', "Not UTF-8: byte 0xff at input index 7"),
    ],
)
def test_the_place_is_named(body: bytes, says: str) -> None:
    with pytest.raises(Problem) as caught:
        loads(body)

    assert (caught.value.status, caught.value.message) == (400, f"The request content was malformed:\n{says}")


@pytest.mark.parametrize(
    "body", [b"[1,]", b"NaN", b"[1e999]", b'"\\ud800"', b"{} x", b"[" * 5000, b"01", b'{"a":1,}']
)
def test_what_is_nearly_json_is_refused(body: bytes) -> None:
    with pytest.raises(Problem, match="malformed"):
        loads(body)


def test_a_long_line_is_shown_in_part() -> None:
    with pytest.raises(Problem) as caught:
        loads(b'["' + b"x" * 10_000 + b'", ?]')

    assert len(caught.value.message) < 400


def test_large_numbers_are_written_exactly() -> None:
    assert dumps({"n": 2**70, "u": "ä"}) == '{"n":1180591620717411303424,"u":"ä"}'.encode()
