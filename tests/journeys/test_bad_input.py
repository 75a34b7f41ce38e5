"""Bad input through the real parts: whoever sent it is told, nothing is lost, the next one is answered."""

import io
import json
from typing import Any

import pytest
from PIL import Image

from fixtures.machine import ROOT, Machine, until

COFFEE = (ROOT / "catalog" / "image-classification" / "example" / "coffee.jpg").read_bytes()


def picture(width: int, height: int, form: str) -> bytes:
    content = io.BytesIO()
    Image.new("L", (width, height)).save(content, form)
    return content.getvalue()


BAD = {
    "a-text-file.jpg": b"this is no picture\n" * 40,
    "empty.jpg": b"",
    "truncated.jpg": COFFEE[: len(COFFEE) // 3],
    "fifty-megapixels.png": picture(10_000, 5_100, "PNG"),
}
ODD_KEYS = {
    "spaces": "in/a  b .jpg",
    "plus": "in/1+1.jpg",
    "percent": "in/100%.jpg",
    "escaped": "in/a%20b%2Fc.jpg",
    "umlaut": "in/käse.jpg",
    "decomposed": "in/ka\u0308se.jpg",
    "han": "in/漢字.jpg",
    "1000 characters": "in/" + "long/" * 198 + "end.jpg",
}


def results(machine: Machine, key: str) -> list[dict[str, Any]]:
    """The result objects of an upload; a long key is cut in theirs."""
    found = []
    for stored in machine.store.list("results", f"image-classification/{key[:900]}"):
        with machine.store.get("results", stored.key) as body:
            result = json.loads(body.read())
        if result["event"]["key"] == key:
            found.append(result)
    return found


def dead_letters(machine: Machine, key: str) -> list[dict[str, Any]]:
    found = []
    for stored in machine.store.list("results", "errors/"):
        with machine.store.get("results", stored.key) as body:
            letter = json.loads(body.read())
        if letter["event"]["key"] == key:
            found.append(letter)
    return found


@pytest.mark.parametrize("key", sorted(BAD))
def test_a_file_that_is_no_picture_becomes_an_error_object_that_says_why(machine: Machine, key: str) -> None:
    machine.store.put("uploads", key, BAD[key])

    letters = until(lambda: dead_letters(machine, key))

    assert letters, f"no dead letter for {key}"
    assert letters[0]["cause"]["error"]["phase"] in ("arguments", "predict")
    assert letters[0]["activation"]


def test_after_bad_files_the_next_photograph_is_answered(machine: Machine) -> None:
    for number in range(3):
        machine.store.put("uploads", f"bad-{number}.jpg", b"no picture")
    machine.store.put("uploads", "after-bad.jpg", COFFEE)

    assert until(lambda: results(machine, "after-bad.jpg"))


def test_a_photograph_of_50_megapixels_is_answered(machine: Machine) -> None:
    machine.store.put("uploads", "fifty-megapixels.jpg", picture(10_000, 5_100, "JPEG"))

    assert len(until(lambda: results(machine, "fifty-megapixels.jpg"))[0]["result"]["labels"]) == 5


@pytest.mark.parametrize("key", ODD_KEYS.values(), ids=ODD_KEYS)
def test_an_odd_key_has_its_one_result(machine: Machine, key: str) -> None:
    machine.store.put("uploads", key, COFFEE, content_type="image/jpeg")

    found = until(lambda: results(machine, key))

    assert [result["result"]["labels"][0] for result in found] == ["espresso"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "image"),
        ({"image": "@", "top": 0}, "top"),
        ({"image": "@", "top": "many"}, "top"),
        ({"image": "@", "tpo": 3}, "tpo"),
        ({"image": 7}, "image"),
    ],
)
def test_arguments_that_do_not_fit_are_named(machine: Machine, arguments: dict[str, Any], field: str) -> None:
    import base64

    from deepwhisk.errors import WhiskError

    if arguments.get("image") == "@":
        arguments = {
            **arguments,
            "image": {"$bytes": base64.b64encode(COFFEE).decode(), "contentType": "image/jpeg"},
        }
    with pytest.raises(WhiskError) as caught:
        machine.whisk.invoke("models/image-classification", arguments, result=True)

    error = caught.value.body["error"]  # type: ignore[index]
    assert field in error["fields"]
    assert error["phase"] == "arguments"
    assert len(error["activation"]) == 32
