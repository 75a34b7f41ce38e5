"""The language identifier through the shim."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "language-identification"


def answer(identifier: Any, **given: Any) -> Any:
    return identifier.predict(**given).json()["predictions"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wie spät ist es, und wann fährt der nächste Zug nach Köln?", "de"),
        ("Où est la bibliothèque municipale, s'il vous plaît ?", "fr"),
        ("Het regent vandaag en morgen schijnt waarschijnlijk de zon.", "nl"),
        ("Сегодня хорошая погода, и мы пойдём гулять в парк.", "ru"),
        ("오늘은 날씨가 좋아서 공원에 산책하러 갑니다.", "ko"),
        ("HOW ARE YOU TODAY, AND WHERE ARE YOU GOING?", "en"),
    ],
)
def test_a_sentence_is_enough(identifier: Any, text: str, language: str) -> None:
    found = answer(identifier, text=text)

    assert (found["language"], found["labels"][0]) == (language, language)
    assert found["probability"] == found["probabilities"][0] > 0.5


def test_as_many_languages_are_named_as_wanted(identifier: Any) -> None:
    found = answer(identifier, text="Questo è un testo in italiano.", top=20)

    assert len(set(found["labels"])) == len(found["probabilities"]) == 20
    assert sorted(found["probabilities"], reverse=True) == found["probabilities"]


@pytest.mark.parametrize("text", ["ok", "a", "xxxxxxxxxx"])
def test_what_is_too_short_to_tell_is_undetermined(identifier: Any, text: str) -> None:
    found = answer(identifier, text=text)

    assert (found["language"], found["name"]) == ("und", "undetermined")
    assert found["probability"] < 0.2


@pytest.mark.parametrize("text", ["", " \n", "1234", "😀!?"])
def test_a_text_without_letters_is_refused_with_a_sentence(identifier: Any, text: str) -> None:
    refused = identifier.predict(text=text)

    assert refused.status_code == 500
    assert f"There are no letters in {text!r}. Send some text" in refused.json()["error"]["message"]


def test_a_missing_text_is_told(identifier: Any) -> None:
    refused = identifier.predict(top=3)

    assert (refused.status_code, refused.json()) == (422, {"text": ["Missing data for required field."]})


def test_a_long_text_is_read_and_one_that_is_too_long_is_refused(identifier: Any) -> None:
    sentence = "Everything that is written here was written in English, and a second time. "

    assert answer(identifier, text=sentence * 100)["language"] == "en"
    assert identifier.predict(text=sentence * 13_000).status_code == 200
    refused = identifier.predict(text=sentence * 14_000)
    assert refused.status_code == 422
    assert "1000000" in refused.json()["text"][0]


def test_every_language_of_the_model_has_a_name(install: Any) -> None:
    python = install("language-identification").environment.python
    home = next((python.parent.parent / "lib").glob("python*/site-packages/py3langid"))
    specification = importlib.util.spec_from_file_location("modelio", home / "modelio.py")
    assert specification
    assert specification.loader
    modelio = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(modelio)

    classes = set(modelio.load_model(home / "data" / "model.npz.xz")[2])
    assert classes == set(json.loads((FOLDER / "languages.json").read_text()))
    assert len(classes - {"zxx"}) == 139
