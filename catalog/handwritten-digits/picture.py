"""Reads a picture of one digit as the network was taught to see them: 8 × 8 shades of ink, full height.

Ink may be darker or lighter than what it is on; the border of the picture tells which.
"""

from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps

SIDE = 8
PIXELS = 16_000_000
LARGEST = 512  # what is larger is made smaller before it is looked at
FAINT = 0.3  # of the darkest: less is no ink
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def read(file: Path | IO[bytes], name: str) -> np.ndarray:
    """Read a picture as 64 numbers from 0 to 1; a `ValueError` says what is wrong with it."""
    Image.MAX_IMAGE_PIXELS = None  # `PIXELS` takes the place of Pillow's own limit
    try:
        with Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height <= PIXELS:
                return shades(ink(gray(ImageOps.exif_transpose(picture))), name)
            size = f"{picture.width} × {picture.height}"
    except (OSError, SyntaxError) as error:
        raise ValueError(
            f"{name} is no picture that can be read: {error}. Send a {', '.join(FORMATS)} file."
        ) from error
    raise ValueError(f"{name} has {size} pixels; it may have {PIXELS:,}. Send it smaller.")


def gray(picture: Image.Image) -> np.ndarray:
    """Make it gray, on white where it is transparent."""
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    picture = picture.convert("L")
    picture.thumbnail((LARGEST, LARGEST))
    return np.asarray(picture, np.float32)


def ink(shade: np.ndarray) -> np.ndarray:
    """Tell how much ink there is, from 0 to 1: what differs from the border."""
    border = np.concatenate([shade[0], shade[-1], shade[:, 0], shade[:, -1]])
    ground = float(np.median(border))
    differs = ground - shade if abs(shade.min() - ground) >= abs(shade.max() - ground) else shade - ground
    return np.clip(differs / max(float(differs.max()), 1e-6), 0, 1)


def shades(ink: np.ndarray, name: str) -> np.ndarray:
    """Cut the digit out, make it as high as the square, and put it into the middle."""
    rows, columns = (np.flatnonzero((ink > FAINT).any(axis=axis)) for axis in (1, 0))
    if not len(rows) or ink.max() < FAINT:
        raise ValueError(f"{name} shows nothing but one shade: there is no digit in it.")
    cut = Image.fromarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    width = min(max(round(SIDE * cut.width / cut.height), 1), SIDE)
    digit = np.asarray(cut.resize((width, SIDE), Image.Resampling.BOX))
    square = np.zeros((SIDE, SIDE), np.float32)
    left = (SIDE - width) // 2
    square[:, left : left + width] = digit / digit.max()
    return square.ravel()
