"""The sentence embedder through the shim: what is alike, the pieces of texts, and texts that are none."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import requests

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "sentence-embedding"


@pytest.fixture(scope="module")
def embedder(served: Callable[[str], Any]) -> Any:
    return served("sentence-embedding")


@pytest.fixture(scope="module")
def wordpiece() -> ModuleType:
    specification = importlib.util.spec_from_file_location("wordpiece", FOLDER / "wordpiece.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tokenizer(install: Callable[[str], Any], wordpiece: ModuleType) -> Any:
    weights = install("sentence-embedding").environment.weights
    return wordpiece.Tokenizer(json.loads((weights / "vocabulary.json").read_text()))


def asked(embedder: Any, texts: Any) -> requests.Response:
    return requests.post(f"{embedder.address}predict/", json={"texts": texts}, timeout=240)


def answer(embedder: Any, *texts: str) -> Any:
    found = asked(embedder, list(texts))
    assert found.status_code == 200, found.text
    return found.json()["predictions"]


@pytest.mark.parametrize(
    ("one", "alike", "other"),
    [
        ("How old are you?", "What is your age?", "How far is the moon?"),
        ("The cat sat on the mat.", "A kitten is resting on a rug.", "Interest rates went up again."),
        ("Sea surface temperature is rising.", "The ocean is getting warmer.", "The sea is a novel."),
    ],
)
def test_what_means_the_same_is_nearer_than_what_does_not(
    embedder: Any, one: str, alike: str, other: str
) -> None:
    similarity = answer(embedder, one, alike, other)["similarity"]

    assert similarity[0][1] > similarity[0][2] + 0.2


def test_vectors_have_length_one_and_similarity_is_their_product(embedder: Any) -> None:
    found = answer(embedder, "A first text.", "A second one.", "Something else entirely")
    vectors = np.array(found["embeddings"])

    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert np.allclose(vectors @ vectors.T, found["similarity"], atol=1e-3)


def test_company_does_not_change_a_text(embedder: Any) -> None:
    long = "Other texts may be much longer than this one. " * 8

    alone = answer(embedder, "A short text.")["embeddings"][0]
    assert answer(embedder, long, "A short text.")["embeddings"][1] == alone


def test_small_and_large_letters_and_accents_make_no_difference(embedder: Any) -> None:
    found = answer(embedder, "The café is open", "THE CAFE IS OPEN", " the  café\tis open\n")

    assert np.allclose(found["similarity"], 1, atol=1e-4)


def test_a_long_text_is_cut_and_that_is_told(embedder: Any) -> None:
    found = answer(embedder, "short", "word " * 254, "word " * 255, "word " * 4000)

    assert found["cut"] == [2, 3]
    assert found["embeddings"][1] == found["embeddings"][3]


def test_sixty_four_texts_are_answered_and_one_more_is_refused(embedder: Any) -> None:
    assert len(answer(embedder, *["word"] * 64)["embeddings"]) == 64
    refused = asked(embedder, ["word"] * 65)
    assert refused.status_code == 422
    assert "64" in refused.json()["texts"][0]


@pytest.mark.parametrize("text", [" ", "\u200b", "\x00\n"])
def test_a_text_without_words_is_refused_with_a_sentence(embedder: Any, text: str) -> None:
    refused = asked(embedder, ["some words", text])

    assert refused.status_code == 500
    assert f"There are no words in {text!r}" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("texts", "told"), [([], "1 item"), ([""], "1 character"), (["a" * 20_001], "20000")]
)
def test_what_is_too_little_or_too_much_is_refused(embedder: Any, texts: list[str], told: str) -> None:
    refused = asked(embedder, texts)

    assert refused.status_code == 422
    assert told in refused.json()["texts"][0]


def test_other_scripts_are_answered(embedder: Any) -> None:
    assert answer(embedder, "東京は日本の首都です。", "مرحبا بالعالم", "👩‍🚀", "हिन्दी")["cut"] == []


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Hello, World!", ["hello", ",", "world", "!"]),
        ("unaffable", ["una", "##ffa", "##ble"]),
        ("Übergröße café", ["uber", "##gr", "##o", "##ße", "cafe"]),
        ("don't e.g. $5", ["don", "'", "t", "e", ".", "g", ".", "$", "5"]),
        ("日本語", ["日", "本", "語"]),
        ("a\u00adb\u200bc\u0301", ["abc"]),
        ("a\tb\r\nc\u00a0d\u3000e", ["a", "b", "c", "d", "e"]),
        ("a" * 101, ["[UNK]"]),
        ("hi \U0001f600", ["hi", "[UNK]"]),
        ("", []),
    ],
)
def test_texts_are_cut_as_bert_cuts_them(tokenizer: Any, text: str, pieces: list[str]) -> None:
    """The expected pieces are those of Hugging Face's tokenizers for this vocabulary."""
    assert tokenizer.numbered(text) == [tokenizer.numbers[piece] for piece in pieces]


def test_a_word_of_a_hundred_thousand_letters_is_one_piece(tokenizer: Any) -> None:
    assert len(tokenizer.numbered("a" * 100_000)) == 1
