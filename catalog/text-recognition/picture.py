"""Reads a picture: upright, opaque, 8 bits, as OpenCV has them. Its header tells if it is too large."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

PIXELS = 16_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")  # Pillow's others are rare, and some start programs


def read(path: Path) -> np.ndarray:
    """Read a picture as height × width × blue, green, red; a `ValueError` says what is wrong with it."""
    Image.MAX_IMAGE_PIXELS = None  # `PIXELS` takes the place of Pillow's own limit
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height <= PIXELS:
                colors = np.asarray(opaque(ImageOps.exif_transpose(eight_bits(picture))))
                return np.ascontiguousarray(colors[:, :, ::-1])
            size = f"{picture.width} × {picture.height}"
    except (OSError, SyntaxError, ValueError) as error:
        told = f"{path.name} is no picture that can be read: {error}. Send a {', '.join(FORMATS)} file."
        raise ValueError(told) from error
    raise ValueError(f"{path.name} has {size} pixels; it may have {PIXELS:,}. Send it smaller, or in parts.")


def eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError(f"its pixels are 32-bit numbers (mode {picture.mode}), whose white is unknown")
    return picture


def opaque(picture: Image.Image) -> Image.Image:
    """Lay what is transparent on white, as a page would."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
