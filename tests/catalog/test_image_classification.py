"""The image classifier through the shim: answers, and pictures that are none."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "image-classification"
COFFEE = FOLDER / "example" / "coffee.jpg"


def sentence(answer: Any) -> str:
    """What a failed prediction says, and that it names its phase."""
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert error["phase"] == "predict"
    return str(error["message"])


def saved(picture: Image.Image, path: Path, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def works(classifier: Any) -> bool:
    answer = classifier.predict(image=COFFEE, top=1).json()
    return bool(answer["predictions"]["labels"] == ["espresso"])


def test_labels_and_probabilities_come_best_first(classifier: Any) -> None:
    answer = classifier.predict(image=COFFEE, top=20).json()

    assert answer["status"] == "OK"
    probabilities = answer["predictions"]["probabilities"]
    assert len(set(answer["predictions"]["labels"])) == len(probabilities) == 20
    assert sorted(probabilities, reverse=True) == probabilities
    assert 0.95 < sum(probabilities) < 1


def test_five_classes_are_named_unless_told_otherwise(classifier: Any) -> None:
    assert len(classifier.predict(image=COFFEE).json()["predictions"]["labels"]) == 5


def test_the_weights_name_a_thousand_different_classes(install: Any) -> None:
    labels = json.loads((install("image-classification").environment.weights / "labels.json").read_text())

    assert len(labels) == len(set(labels)) == 1000


@pytest.mark.parametrize(
    ("top", "told"), [(0, "Must be greater"), (21, "Must be greater"), ("many", "Not a valid integer.")]
)
def test_a_top_out_of_range_is_refused_by_name(classifier: Any, top: Any, told: str) -> None:
    answer = classifier.predict(image=COFFEE, top=top)

    assert answer.status_code == 422
    assert answer.json()["top"][0].startswith(told)


def test_a_text_named_jpg_is_no_picture(classifier: Any, tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("Dear diary")

    told = sentence(classifier.predict(image=path))
    assert "notes.jpg is not a picture: its 10 bytes begin with b'Dear diary'" in told
    assert "Send a JPEG" in told
    assert works(classifier)


def test_an_empty_file_is_no_picture(classifier: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()

    answer = classifier.predict(image=tmp_path / "empty.jpg")
    assert answer.status_code == 422
    assert "empty" in answer.json()["image"][0]


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tiff"])
def test_a_picture_that_is_cut_short_is_told_so(classifier: Any, tmp_path: Path, ending: str) -> None:
    whole = saved(Image.open(COFFEE), tmp_path / f"cut.{ending}").read_bytes()
    (tmp_path / f"cut.{ending}").write_bytes(whole[: len(whole) // 2])

    told = sentence(classifier.predict(image=tmp_path / f"cut.{ending}"))
    assert f"cut.{ending} is " in told
    assert "Send a JPEG" in told or "Export it again" in told
    assert works(classifier)


def test_a_jpeg_of_50_megapixels_is_read_at_a_lower_scale(classifier: Any, tmp_path: Path) -> None:
    large = Image.open(COFFEE).resize((8700, 5800))

    answer = classifier.predict(image=saved(large, tmp_path / "large.jpg"), top=1).json()
    assert answer["predictions"]["labels"] == ["espresso"]


@pytest.mark.parametrize(
    ("name", "options"), [("large.png", {}), ("progressive.jpg", {"progressive": True}), ("large.bmp", {})]
)
def test_50_megapixels_that_must_be_held_whole_are_refused(
    classifier: Any, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    large = Image.new("L", (8700, 5800))

    told = sentence(classifier.predict(image=saved(large, tmp_path / name, **options)))
    assert f"{name} has 8700 × 5800 = 50,460,000 pixels" in told
    assert "may have 16,000,000" in told
    assert works(classifier)


def test_a_header_that_claims_a_billion_pixels_costs_nothing(classifier: Any, tmp_path: Path) -> None:
    small = bytearray(saved(Image.new("L", (1, 1)), tmp_path / "bomb.bmp").read_bytes())
    small[18:26] = (40_000).to_bytes(4, "little") * 2
    (tmp_path / "bomb.bmp").write_bytes(small)

    told = sentence(classifier.predict(image=tmp_path / "bomb.bmp"))
    assert "1,600,000,000 pixels" in told


@pytest.mark.parametrize(
    ("name", "mode", "size"),
    [
        ("opaque.png", "RGB", (4000, 4000)),
        ("transparent.png", "RGBA", (3265, 3265)),
        ("gray.tiff", "LA", (3265, 3265)),
        ("whole.webp", "RGB", (2828, 2828)),
        ("palette.gif", "P", (4000, 4000)),
    ],
)
def test_the_largest_pictures_stay_within_the_memory_limit(
    classifier: Any, tmp_path: Path, name: str, mode: str, size: tuple[int, int]
) -> None:
    picture = saved(Image.new(mode, size), tmp_path / name)

    assert classifier.predict(image=picture).status_code == 200
    limit = yaml.safe_load((FOLDER / "ai4-metadata.yml").read_text())["resources"]["inference"]["memory_MB"]
    assert classifier.peak < limit


def test_pictures_that_come_together_are_told_apart(classifier: Any, tmp_path: Path) -> None:
    pictures = sorted((FOLDER / "example").glob("*.jpg"))
    alone = [classifier.predict(image=each, top=3).json()["predictions"] for each in pictures]
    (tmp_path / "notes.jpg").write_text("Dear diary")
    asked = [(each, 3) for each in pictures] * 4 + [(tmp_path / "notes.jpg", 3)]
    with ThreadPoolExecutor(len(asked)) as threads:
        answers = list(threads.map(lambda each: classifier.predict(image=each[0], top=each[1]), asked))

    assert "is not a picture" in sentence(answers.pop())
    for number, answer in enumerate(answers):
        found, expected = answer.json()["predictions"], alone[number % len(pictures)]
        assert found["labels"] == expected["labels"]
        assert found["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-4)
