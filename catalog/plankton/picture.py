"""Reads a photograph of a plankter as the network was taught to see them: whole, square, 224 × 224.

What is around it becomes the color of its water. It may have `PIXELS` at most, which its header tells.
"""

from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps

SIDE = 224
PIXELS = 16_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def read(file: Path | IO[bytes], name: str) -> np.ndarray:
    """Read a photograph as `SIDE` × `SIDE` × 3 bytes; a `ValueError` says what is wrong with it."""
    Image.MAX_IMAGE_PIXELS = None  # `PIXELS` takes the place of Pillow's own limit
    try:
        with Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height <= PIXELS:
                return square(opaque(ImageOps.exif_transpose(eight_bits(picture))))
            size = f"{picture.width} × {picture.height}"
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(
            f"{name} is no picture that can be read: {error}. Send a {', '.join(FORMATS)} file."
        ) from error
    raise ValueError(f"{name} has {size} pixels; it may have {PIXELS:,}. Send it smaller.")


def eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError(f"its pixels are 32-bit numbers (mode {picture.mode}), whose white is unknown")
    return picture


def opaque(picture: Image.Image) -> Image.Image:
    """Lay what is transparent on white."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA")).convert(
        "RGB"
    )


def square(picture: Image.Image) -> np.ndarray:
    """Make it a square, filled up with the color of its water, as `build.py` does."""
    picture.thumbnail((4 * SIDE, 4 * SIDE), Image.Resampling.BICUBIC)
    water = np.median(np.asarray(picture).reshape(-1, 3), axis=0).astype(int)
    whole = Image.new("RGB", (max(picture.size),) * 2, tuple(water.tolist()))
    whole.paste(picture, ((whole.width - picture.width) // 2, (whole.height - picture.height) // 2))
    return np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
