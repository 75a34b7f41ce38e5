"""How the image classifier looks at a picture: upright, opaque, 8 bits, its middle."""

import importlib.util
import io
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "image-classification"
CAT = FOLDER / "example" / "cat.jpg"


@pytest.fixture(scope="module")
def picture() -> ModuleType:
    specification = importlib.util.spec_from_file_location("picture", FOLDER / "picture.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def seen(picture: ModuleType, path: Path) -> np.ndarray:
    read = picture.read(path)
    assert (read.mode, read.size) == ("RGB", (224, 224))
    return np.asarray(read, np.float32)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


def fault(picture: ModuleType, path: Path) -> str | None:
    """The first word of what is said about a picture: its name; None when it can be read."""
    try:
        seen(picture, path)
    except ValueError as error:
        return str(error).split()[0]
    return None


@pytest.mark.parametrize("ending", ["png", "webp", "tiff", "bmp", "gif"])
def test_the_format_makes_no_difference(picture: ModuleType, tmp_path: Path, ending: str) -> None:
    other = saved(Image.open(CAT), tmp_path / f"cat.{ending}")

    assert apart(seen(picture, CAT), seen(picture, other)) < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tiff"])
def test_a_picture_is_turned_as_the_camera_was_held(
    picture: ModuleType, tmp_path: Path, orientation: int, ending: str
) -> None:
    image = Image.open(CAT)
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = ImageOps.exif_transpose(Image.open(saved(image, tmp_path / "turned.png", exif=exif)))

    turned = saved(image, tmp_path / f"turned.{ending}", exif=exif)
    assert apart(seen(picture, turned), seen(picture, saved(upright, tmp_path / "upright.png"))) < 6


def test_what_is_transparent_lies_on_white(picture: ModuleType, tmp_path: Path) -> None:
    hidden = Image.new("RGBA", (300, 300), (255, 0, 0, 0))
    palette = Image.new("P", (300, 300), 0)
    palette.putpalette([9, 9, 9])

    for path in (
        saved(hidden, tmp_path / "rgba.png"),
        saved(hidden.convert("LA"), tmp_path / "la.png"),
        saved(palette, tmp_path / "p.png", transparency=0),
        saved(Image.new("RGB", (300, 300), (1, 2, 3)), tmp_path / "key.png", transparency=(1, 2, 3)),
    ):
        assert seen(picture, path).min() == 255, path.name


def test_what_is_half_transparent_is_mixed_with_white(picture: ModuleType, tmp_path: Path) -> None:
    half = Image.new("RGBA", (300, 300), (0, 0, 0, 128))

    assert apart(seen(picture, saved(half, tmp_path / "half.png")), np.float32(127)) < 1


def test_cmyk_looks_like_rgb(picture: ModuleType, tmp_path: Path) -> None:
    ink = Image.open(CAT).convert("CMYK")

    for path in (saved(ink, tmp_path / "ink.jpg", quality=95), saved(ink, tmp_path / "ink.tiff")):
        assert apart(seen(picture, path), seen(picture, CAT)) < 3


def test_sixteen_bits_are_scaled_to_eight(picture: ModuleType, tmp_path: Path) -> None:
    gray = Image.open(CAT).convert("L")
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)

    for path in (saved(deep, tmp_path / "deep.png"), saved(deep, tmp_path / "deep.tiff")):
        assert apart(seen(picture, path), seen(picture, saved(gray, tmp_path / "gray.png"))) < 1


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_pixels_whose_white_is_unknown_are_refused(picture: ModuleType, tmp_path: Path, kind: type) -> None:
    path = saved(Image.fromarray(np.zeros((9, 9), kind)), tmp_path / "science.tiff")

    with pytest.raises(ValueError, match=r"science\.tiff is a TIFF picture .* 32-bit numbers"):
        picture.read(path)


@pytest.mark.parametrize("ending", ["gif", "png", "webp"])
def test_of_an_animation_the_first_frame_counts(picture: ModuleType, tmp_path: Path, ending: str) -> None:
    image = Image.open(CAT)
    moving = saved(image, tmp_path / f"a.{ending}", save_all=True, append_images=[ImageOps.flip(image)])

    assert apart(seen(picture, moving), seen(picture, CAT)) < 6


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_pictures_of_any_shape_are_read(
    picture: ModuleType, tmp_path: Path, size: tuple[int, int], mode: str
) -> None:
    seen(picture, saved(Image.new(mode, size), tmp_path / "thin.png"))


def test_pictures_that_start_programs_are_not_opened(picture: ModuleType, tmp_path: Path) -> None:
    script = saved(Image.open(CAT), tmp_path / "cat.eps")

    with pytest.raises(ValueError, match="is not a picture"):
        picture.read(script)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow says what is odd about damaged files
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_damage_anywhere_is_a_sentence_or_a_picture(
    picture: ModuleType,
    tmp_path: Path,
    format: str,  # noqa: A002
) -> None:
    buffer = io.BytesIO()
    Image.open(CAT).resize((60, 40)).save(buffer, format)
    dice, path = random.Random(format), tmp_path / "damaged"
    for _ in range(150):
        damaged = bytearray(buffer.getvalue())
        for _ in range(dice.choice((1, 3, 10))):
            damaged[dice.randrange(min(len(damaged), dice.choice((40, 10**6))))] = dice.randrange(256)
        path.write_bytes(damaged[: dice.choice((len(damaged), dice.randrange(1, len(damaged))))])
        assert fault(picture, path) in (None, "damaged")
