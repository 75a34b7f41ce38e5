"""The object detector through the shim: boxes, drawn boxes, and pictures in which there is nothing."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import yaml
from PIL import Image, ImageOps

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "object-detection"
CAMERA, CAT = FOLDER / "example" / "camera.jpg", FOLDER / "example" / "cat.jpg"


@pytest.fixture(scope="module")
def detector(served: Callable[[str], Any]) -> Any:
    return served("object-detection")


def found(detector: Any, image: Path, **given: Any) -> Any:
    answer = detector.predict(image=image, **given)
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def drawn(detector: Any, image: Path, **given: Any) -> Image.Image:
    """The picture as a client gets it that wants no JSON."""
    answer = requests.post(
        f"{detector.address}predict/",
        data={"accept": "image/png", **given},
        files={"image": image.read_bytes()},
        headers={"Accept": "image/png"},
        timeout=240,
    )
    assert answer.headers["Content-Type"] == "image/png", answer.text
    return Image.open(io.BytesIO(answer.content))


def saved(picture: Image.Image, path: Path, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def edges(box: dict[str, Any]) -> list[float]:
    return [box[name] for name in ("left", "top", "right", "bottom")]


def overlap(one: list[float], other: list[float]) -> float:
    """How much of what two boxes cover together both cover."""

    def area(box: list[float]) -> float:
        return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])

    corners = zip((max, max, min, min), one, other, strict=True)
    common = area([pick(a, b) for pick, a, b in corners])
    return common / (area(one) + area(other) - common)


@pytest.mark.parametrize(
    ("name", "label", "score"),
    [("camera", "person", 0.88), ("astronaut", "person", 0.73), ("cat", "cat", 0.54)],
)
def test_the_surest_thing_is_what_the_photograph_shows(
    detector: Any, name: str, label: str, score: float
) -> None:
    box = found(detector, FOLDER / "example" / f"{name}.jpg")["boxes"][0]

    assert box["label"] == label
    assert box["score"] == pytest.approx(score, abs=0.03)


def test_boxes_come_surest_first_above_the_threshold_and_inside_of_the_picture(detector: Any) -> None:
    answer = found(detector, CAMERA, threshold=0.1)
    scores = [box["score"] for box in answer["boxes"]]

    assert len(scores) > 5
    assert sorted(scores, reverse=True) == scores
    assert min(scores) >= 0.1
    for left, top, right, bottom in map(edges, answer["boxes"]):
        assert 0 <= left < right <= answer["width"]
        assert 0 <= top < bottom <= answer["height"]


def test_a_thing_is_named_once(detector: Any) -> None:
    boxes = found(detector, CAMERA, threshold=0.05, top=100)["boxes"]

    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            assert one["label"] != other["label"] or overlap(edges(one), edges(other)) <= 0.61


def test_no_more_things_are_named_than_wanted(detector: Any) -> None:
    assert len(found(detector, CAMERA, threshold=0.05, top=2)["boxes"]) == 2


@pytest.mark.parametrize("color", ["black", "white", "gray"])
def test_in_a_picture_of_nothing_there_is_nothing(detector: Any, tmp_path: Path, color: str) -> None:
    empty = saved(Image.new("RGB", (640, 480), color), tmp_path / "empty.png")

    assert found(detector, empty) == {"boxes": [], "width": 640, "height": 480}
    assert len(np.unique(np.asarray(drawn(detector, empty)))) == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (417, 3), (15, 16)])
def test_pictures_of_odd_sizes_are_answered(detector: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    answer = found(detector, saved(Image.new("RGB", size), tmp_path / "odd.png"))

    assert (answer["width"], answer["height"]) == size


def test_coordinates_are_those_of_the_picture_as_it_was_sent(detector: Any, tmp_path: Path) -> None:
    photograph = Image.open(CAMERA)
    large = saved(photograph.resize((4096, 4096)), tmp_path / "large.jpg")

    small, big = (found(detector, path, top=1) for path in (CAMERA, large))
    assert (big["width"], big["height"]) == (4096, 4096)
    eighth = [edge / 8 for edge in edges(big["boxes"][0])]
    assert overlap(eighth, edges(small["boxes"][0])) > 0.9


def test_a_thing_is_found_where_it_stands_in_a_wide_picture(detector: Any, tmp_path: Path) -> None:
    wide = Image.new("RGB", (1200, 300), "gray")
    wide.paste(Image.open(CAT).resize((451, 300)), (700, 0))

    box = found(detector, saved(wide, tmp_path / "wide.png"), threshold=0.3)["boxes"][0]
    assert box["label"] == "cat"
    assert overlap(edges(box), [700, 0, 1140, 300]) > 0.7


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_coordinates_are_those_of_the_upright_picture(
    detector: Any, tmp_path: Path, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = {3: 3, 6: 8, 8: 6}[orientation]
    turned = ImageOps.exif_transpose(Image.open(saved(Image.open(CAT), tmp_path / "a.png", exif=exif)))
    exif[0x0112] = orientation
    answer = found(detector, saved(turned, tmp_path / "turned.jpg", exif=exif, quality=95), top=1)

    plain = found(detector, CAT, top=1)
    assert (answer["width"], answer["height"]) == (plain["width"], plain["height"])
    assert overlap(edges(answer["boxes"][0]), edges(plain["boxes"][0])) > 0.9


def test_the_second_type_of_answer_is_the_picture_with_its_boxes(detector: Any) -> None:
    picture = drawn(detector, CAMERA)

    assert picture.size == (512, 512)
    left, _, right, bottom = edges(found(detector, CAMERA, top=1)["boxes"][0])
    pixels = np.asarray(picture.convert("RGB"), int)
    row = pixels[int(bottom) - 60]
    colored = np.ptp(row, axis=1) > 60  # the photograph is gray
    assert colored[int(left) : int(left) + 3].any()
    assert colored[int(right) - 3 : int(right) + 1].any()


def test_the_drawn_picture_is_no_larger_than_a_screen(detector: Any, tmp_path: Path) -> None:
    large = saved(Image.open(CAMERA).resize((3000, 2000)), tmp_path / "large.jpg")

    assert drawn(detector, large).size == (1280, 853)


@pytest.mark.parametrize(
    ("name", "value"), [("threshold", 0), ("threshold", 1.1), ("top", 0), ("accept", "image/gif")]
)
def test_arguments_out_of_range_are_refused_by_name(detector: Any, name: str, value: Any) -> None:
    refused = detector.predict(image=CAMERA, **{name: value})

    assert refused.status_code == 422
    assert refused.json()[name][0].startswith("Must be ")


def test_what_is_no_picture_is_refused_with_a_sentence(detector: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture at all")
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(CAMERA.read_bytes()[:9000])
    huge = saved(Image.new("L", (8700, 5800)), tmp_path / "huge.png")

    for path, told in (
        (tmp_path / "notes.txt", "notes.txt is not a picture: its 17 bytes begin with b'no picture a'"),
        (cut, "cut.jpg is a JPEG picture that cannot be read: image file is truncated"),
        (huge, "huge.png has 8700 × 5800 = 50,460,000 pixels, and a PNG picture like it may have 16,000,000"),
    ):
        refused = detector.predict(image=path)
        assert refused.status_code == 500
        assert told in refused.json()["error"]["message"]
    assert found(detector, CAMERA, top=1)["boxes"][0]["label"] == "person"


@pytest.mark.parametrize(
    ("name", "mode", "size"),
    [
        ("opaque.png", "RGB", (4000, 4000)),
        ("clear.png", "RGBA", (4000, 4000)),
        ("a.webp", "RGB", (4000, 4000)),
    ],
)
def test_the_largest_pictures_stay_within_the_memory_limit(
    detector: Any, tmp_path: Path, name: str, mode: str, size: tuple[int, int]
) -> None:
    assert found(detector, saved(Image.new(mode, size), tmp_path / name))["boxes"] == []

    limit = yaml.safe_load((FOLDER / "ai4-metadata.yml").read_text())["resources"]["inference"]["memory_MB"]
    assert detector.peak < limit
