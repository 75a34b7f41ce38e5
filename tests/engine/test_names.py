"""What names may look like, and how full names are read."""

import re

import pytest

from deepwhisk.engine.names import Name, check_activation_id, check_name, check_namespace, resolve
from deepwhisk.engine.problems import Problem

ILLEGAL = "The name of the entity contains illegal characters."


@pytest.mark.parametrize("name", ["a", "A1", "_", "a.b-c_d@e&f g", "n" * 256, "a b"])
def test_a_legal_name_passes(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", ".a", " a", "a ", "a/b", "a+b", "a*b", "ä", "a\n", "漢"])
def test_an_illegal_name_is_refused(name: str) -> None:
    with pytest.raises(Problem, match=re.escape(ILLEGAL)):
        check_name(name)


def test_a_name_of_257_characters_is_refused() -> None:
    with pytest.raises(Problem, match="Name segement longer than allowed: 257 > 256"):
        check_name("n" * 257)
    with pytest.raises(Problem, match="Namespace longer than allowed: 257 > 256"):
        check_namespace("n" * 257)


def test_a_full_name_is_read_with_and_without_a_package() -> None:
    assert resolve("/_/a", "guest") == Name("guest", None, "a")
    assert resolve("/other/p/a", "guest") == Name("other", "p", "a")
    assert resolve({"path": "guest/p", "name": "a"}, "x") == Name("guest", "p", "a")


def test_a_bare_name_is_no_full_name() -> None:
    with pytest.raises(Problem, match="must contain at least the namespace and the name"):
        resolve("a", "guest")
    with pytest.raises(Problem, match="fully qualified name malformed"):
        resolve(7, "guest")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a" * 31, "Activation id length is 31 but must be 32."),
        ("a" * 33, "Activation id length is 33 but must be 32."),
        ("g" * 32, "The activation id is not valid."),
        ("A" * 32, "The activation id is not valid."),
    ],
)
def test_an_activation_id_is_32_hexadecimal_digits(text: str, says: str) -> None:
    with pytest.raises(Problem, match=re.escape(says)):
        check_activation_id(text)
