"""The finder of cosmic rays through the shim: what it finds, its two types of answer, images of any shape."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import yaml
from PIL import Image

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "cosmic-rays"
SKY = FOLDER / "example" / "sky.fits"
ELECTRONS = np.frombuffer(SKY.read_bytes(), ">i2", 192 * 192, 2 * 2880).reshape(192, 192).astype(np.float32)
RAYS = np.asarray(Image.open(io.BytesIO((FOLDER / "example" / "rays.png").read_bytes())))


@pytest.fixture(scope="module")
def finder(served: Callable[[str], Any]) -> Any:
    return served("cosmic-rays")


def found(finder: Any, image: Path, **given: Any) -> Any:
    answer = finder.predict(image=image, **given)
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def mask(finder: Any, image: np.ndarray, path: Path) -> np.ndarray:
    np.save(path, image)
    return np.array(found(finder, path)["mask"], bool)


def drawn(finder: Any, image: Path) -> np.ndarray:
    """The mask as a client gets it that wants no JSON."""
    answer = requests.post(
        f"{finder.address}predict/",
        data={"accept": "image/png"},
        files={"image": image.read_bytes()},
        headers={"Accept": "image/png"},
        timeout=240,
    )
    assert answer.headers["Content-Type"] == "image/png", answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def told(finder: Any, path: Path, content: bytes) -> str:
    """What is said of a file that cannot be used."""
    path.write_bytes(content)
    refused = finder.predict(image=path)
    assert refused.status_code == 500
    return str(refused.json()["error"]["message"])


def header(*cards: str) -> bytes:
    return "".join(card.ljust(80) for card in (*cards, "END")).ljust(2880).encode()


def test_nine_pixels_of_ten_that_rays_hit_are_found_and_hardly_others(finder: Any) -> None:
    answer = found(finder, SKY)
    hit = np.array(answer["mask"], bool)

    assert (hit & RAYS).sum() / RAYS.sum() > 0.9
    assert (hit & RAYS).sum() / hit.sum() > 0.88
    assert answer["hit"] == hit.sum()
    assert answer["share"] == pytest.approx(hit.mean())


def test_as_a_picture_the_mask_is_the_same(finder: Any) -> None:
    picture = drawn(finder, SKY)

    assert set(np.unique(picture)) == {0, 255}
    assert (picture == 255).tolist() == (np.array(found(finder, SKY)["mask"]) == 1).tolist()


def test_a_higher_threshold_names_fewer_pixels(finder: Any) -> None:
    few, some, many = (found(finder, SKY, threshold=each)["hit"] for each in (0.95, 0.5, 0.05))

    assert few < some < many


def test_a_fits_file_and_an_array_are_the_same(finder: Any, tmp_path: Path) -> None:
    assert mask(finder, ELECTRONS, tmp_path / "a.npy").tolist() == found(finder, SKY)["mask"]
    assert mask(finder, ELECTRONS.astype(np.int64), tmp_path / "b.npy").tolist() == found(finder, SKY)["mask"]


def test_a_fits_file_is_scaled_as_its_header_says(finder: Any, tmp_path: Path) -> None:
    axes = [
        "NAXIS   =                    2",
        "NAXIS1  =                  192",
        "NAXIS2  =                  192",
    ]
    cards = ["SIMPLE  =                    T", "BITPIX  =                   16", *axes]
    cards += ["BZERO   =              32768.0 / unsigned", "BSCALE  =                    1"]
    scaled = tmp_path / "scaled.fits"
    scaled.write_bytes(header(*cards) + (ELECTRONS - 32768).astype(">i2").tobytes())

    assert found(finder, scaled)["mask"] == found(finder, SKY)["mask"]


@pytest.mark.parametrize("value", [0, 60, -5])
def test_an_even_image_has_no_rays(finder: Any, tmp_path: Path, value: int) -> None:
    assert not mask(finder, np.full((100, 100), value, np.float32), tmp_path / "even.npy").any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 13), (257, 255), (511, 2)])
def test_images_of_odd_sizes_are_answered(finder: Any, tmp_path: Path, shape: tuple[int, int]) -> None:
    assert mask(finder, np.full(shape, 60, np.float32), tmp_path / "odd.npy").shape == shape


def test_where_tiles_meet_the_mask_is_that_of_one_tile(finder: Any, tmp_path: Path) -> None:
    """The sky once at the corner of an image of four tiles, and once across all of them."""
    sky = np.full((512, 512), 60, np.float32)
    corner, across = sky.copy(), sky.copy()
    corner[30:222, 30:222], across[160:352, 160:352] = ELECTRONS, ELECTRONS

    one = mask(finder, corner, tmp_path / "corner.npy")[30:222, 30:222]
    other = mask(finder, across, tmp_path / "across.npy")[160:352, 160:352]
    assert one.tolist() == other.tolist()


def test_pixels_without_a_value_do_not_spoil_their_neighbors(finder: Any, tmp_path: Path) -> None:
    holed = ELECTRONS.copy()
    holed[90:93, 90:93] = np.nan
    holed[5, 5] = np.inf

    hit = mask(finder, holed, tmp_path / "holed.npy")
    assert (hit & RAYS).sum() / RAYS.sum() > 0.85
    assert not hit[90:93, 90:93].any()


def test_what_is_no_image_is_refused_with_a_sentence(finder: Any, tmp_path: Path) -> None:
    whole, path = SKY.read_bytes(), tmp_path / "file"
    none = [
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    0",
    ]
    empty, cube, text = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(empty, np.full((4, 4), np.nan))
    np.save(cube, np.zeros((3, 4, 4)))
    np.save(text, np.array([["a"]]))

    assert "neither a FITS file nor a NumPy array: its 10 bytes begin with b'plain tex'" in told(
        finder, path, b"plain text"
    )
    assert "27,888 of its 36,864 pixels are not there" in told(finder, path, whole[: 2 * 2880 + 17_952])
    assert "a header has no END" in told(finder, path, whole[:300])
    assert "holds no image of two axes" in told(finder, path, header(*none))
    assert "No pixel of the image has a value" in told(finder, path, empty.getvalue())
    assert "holds an array (3, 4, 4) of float64. Send one image" in told(finder, path, cube.getvalue())
    assert "holds an array (1, 1) of <U1" in told(finder, path, text.getvalue())
    assert found(finder, SKY)["hit"] > 200


def test_a_pickle_in_an_array_is_not_read(finder: Any, tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([[object]]), allow_pickle=True)

    assert "cannot be read as a NumPy array" in told(finder, tmp_path / "objects.npy", stream.getvalue())


def test_a_header_that_claims_a_billion_pixels_costs_nothing(finder: Any, tmp_path: Path) -> None:
    axes = [
        "NAXIS   =                    2",
        "NAXIS1  =                40000",
        "NAXIS2  =                40000",
    ]
    cards = ["SIMPLE  =                    T", "BITPIX  =                  -64", *axes]

    assert "[40000, 40000] = 1,600,000,000 pixels, more than 17,000,000" in told(
        finder, tmp_path / "huge.fits", header(*cards)
    )


def test_the_largest_image_stays_within_the_memory_limit(finder: Any, tmp_path: Path) -> None:
    axes = [
        "NAXIS   =                    2",
        "NAXIS1  =                 4096",
        "NAXIS2  =                 2048",
    ]
    cards = ["SIMPLE  =                    T", "BITPIX  =                   16", *axes]
    chip = tmp_path / "chip.fits"  # half of the camera's detector, as it writes them
    chip.write_bytes(header(*cards) + np.full(4096 * 2048, 60, ">i2").tobytes())

    assert drawn(finder, chip).shape == (2048, 4096)
    limit = yaml.safe_load((FOLDER / "ai4-metadata.yml").read_text())["resources"]["inference"]["memory_MB"]
    assert finder.peak < limit
