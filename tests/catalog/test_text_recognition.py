"""The reader of text through the shim: pages, signs, nothing to read, and files that are no pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image, ImageDraw, ImageFont, ImageOps

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "text-recognition"
SIGN = FOLDER / "example" / "sign.jpg"
SIGN_TEXT = "HARBOUR 7\nFerry at 10:45"


@pytest.fixture(scope="module")
def reader(served: Callable[[str], Any]) -> Any:
    return served("text-recognition")


def reading(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def page(path: Path, *rows: str, size: tuple[int, int] = (700, 240), **options: Any) -> Path:
    picture = Image.new("RGB", size, "white")
    for number, row in enumerate(rows):
        font = ImageFont.load_default(30)
        ImageDraw.Draw(picture).text((30, 30 + 60 * number), row, fill="black", font=font)
    picture.save(path, **options)
    return path


def test_spaces_stand_where_they_were_written(reader: Any, tmp_path: Path) -> None:
    rows = ("we read 12 words in two lines", "and each of them stands alone")

    assert reading(reader.predict(image=page(tmp_path / "a.png", *rows)))["text"] == "\n".join(rows)


def test_two_columns_are_read_row_by_row(reader: Any, tmp_path: Path) -> None:
    picture = Image.open(page(tmp_path / "a.png", "depth", "salinity"))
    ImageDraw.Draw(picture).text((450, 36), "12.5", fill="black", font=ImageFont.load_default(30))
    ImageDraw.Draw(picture).text((450, 88), "33.2", fill="black", font=ImageFont.load_default(30))
    picture.save(tmp_path / "a.png")

    assert reading(reader.predict(image=tmp_path / "a.png"))["text"].split() == [
        "depth",
        "12.5",
        "salinity",
        "33.2",
    ]


def test_the_corners_lie_around_the_text(reader: Any) -> None:
    lines = reading(reader.predict(image=SIGN))["lines"]

    for line in lines:
        (left, top), (right, higher), (_, lower), (_, bottom) = line["corners"]
        assert 0 <= left < right < 560
        assert higher < top < bottom <= 300
        assert higher < lower


def test_a_picture_is_turned_as_the_camera_was_held(reader: Any, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(SIGN).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg", exif=exif)

    assert reading(reader.predict(image=tmp_path / "turned.jpg"))["text"] == SIGN_TEXT


@pytest.mark.parametrize("ending", ["png", "webp", "tiff", "bmp", "gif"])
def test_the_format_makes_no_difference(reader: Any, tmp_path: Path, ending: str) -> None:
    Image.open(SIGN).save(tmp_path / f"sign.{ending}")

    assert reading(reader.predict(image=tmp_path / f"sign.{ending}"))["text"] == SIGN_TEXT


def test_light_on_dark_and_transparent_paper_are_read(reader: Any, tmp_path: Path) -> None:
    picture = Image.open(page(tmp_path / "a.png", "dark as night"))
    ImageOps.invert(picture).save(tmp_path / "dark.png")
    clear = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), mask=ImageOps.invert(picture.convert("L")))
    clear.save(tmp_path / "clear.png")

    for name in ("dark.png", "clear.png"):
        assert reading(reader.predict(image=tmp_path / name))["text"] == "dark as night", name


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (5000, 2), (31, 33)])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "I;16"])
def test_pictures_of_any_shape_without_text_are_read_as_nothing(
    reader: Any, tmp_path: Path, size: tuple[int, int], mode: str
) -> None:
    Image.new(mode, size).save(tmp_path / "a.png")

    assert reading(reader.predict(image=tmp_path / "a.png")) == {"text": "", "lines": []}


def test_lines_that_are_not_read_well_enough_are_left_out(reader: Any) -> None:
    assert reading(reader.predict(image=SIGN, threshold=1))["lines"] == []


@pytest.mark.parametrize("threshold", [-0.1, 1.1, "much"])
def test_a_threshold_out_of_range_is_refused(reader: Any, threshold: Any) -> None:
    refused = reader.predict(image=SIGN, threshold=threshold)

    assert refused.status_code == 422
    assert refused.json().keys() == {"threshold"}


@pytest.mark.parametrize("content", [b"Dear diary", b"%PDF-1.7\n1 0 obj", SIGN.read_bytes()[:5000]])
def test_what_is_no_picture_is_told(reader: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "page.jpg").write_bytes(content)

    refused = reader.predict(image=tmp_path / "page.jpg")
    assert refused.status_code >= 400
    assert "page.jpg is no picture that can be read" in refused.text


def test_an_empty_file_is_refused(reader: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()

    assert reader.predict(image=tmp_path / "empty.png").status_code == 422


def test_a_picture_that_is_too_large_is_refused(reader: Any, tmp_path: Path) -> None:
    Image.new("1", (5000, 4000)).save(tmp_path / "large.png")

    told = reader.predict(image=tmp_path / "large.png").text
    assert "large.png has 5000 × 4000 pixels; it may have 16,000,000" in told


def test_the_largest_pictures_stay_within_the_memory_limit(reader: Any, tmp_path: Path) -> None:
    Image.effect_noise((4000, 4000), 80).save(tmp_path / "noise.png")

    assert reader.predict(image=tmp_path / "noise.png").status_code == 200
    limit = yaml.safe_load((FOLDER / "ai4-metadata.yml").read_text())["resources"]["inference"]["memory_MB"]
    assert reader.peak < limit
