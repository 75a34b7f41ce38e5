"""Reads a picture upright, opaque and in 8 bits, no larger than `SIDE`, and draws boxes on it.

What decoding takes is known from the file's header: a picture of more than `PIXELS` is refused before it is
decoded, unless it is a baseline JPEG, which is decoded at the scale that is needed.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

SIDE, PIXELS = 1280, 16_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")  # Pillow's others are rare, and some start programs
COLORS = ("#e6194b", "#0082c8", "#3cb44b", "#f58231", "#911eb4", "#008080", "#aa6e28", "#000080")
Corners = tuple[float, float, float, float]  # left, top, right, bottom


def read(path: Path) -> tuple[Image.Image, float]:
    """Read a picture as RGB, and how often smaller it is now; a `ValueError` says what is wrong."""
    Image.MAX_IMAGE_PIXELS = None  # `PIXELS` takes the place of Pillow's own limit
    with opened(path) as picture:
        longest = max(picture.size)
        refuse_large(picture, path)
        try:
            small = plain(picture)
            small.thumbnail((SIDE, SIDE), reducing_gap=3.0)
            return opaque(upright(small, picture)), max(1.0, longest / max(small.size))
        except (OSError, SyntaxError, ValueError) as error:
            raise ValueError(
                f"{path.name} is a {picture.format} picture that cannot be read: {error}. Export it again."
            ) from error


def opened(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=FORMATS)
    except (OSError, SyntaxError, ValueError) as error:
        with path.open("rb") as file:
            beginning = file.read(12)
        raise ValueError(
            f"{path.name} is not a picture: its {path.stat().st_size} bytes begin with {beginning!r}. "
            f"Send a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file."
        ) from error


def refuse_large(picture: Image.Image, path: Path) -> None:
    width, height = picture.size
    picture.draft("RGB", (SIDE, SIDE))  # a JPEG is decoded at 1/2, 1/4 or 1/8 of its scale
    progressive = "progressive" in picture.info  # … but held whole if it is progressive
    if (width * height if progressive else picture.width * picture.height) > PIXELS:
        raise ValueError(
            f"{path.name} has {width} × {height} = {width * height:,} pixels, and a {picture.format} picture "
            f"like it may have {PIXELS:,}. Send it smaller, or as a baseline JPEG, whose size matters less."
        )


def plain(picture: Image.Image) -> Image.Image:
    """Give it 8 bits and a mode that can be scaled; of an animation, its first frame."""
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        raise ValueError(f"its pixels are 32-bit numbers (mode {picture.mode}), whose white is unknown")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def upright(small: Image.Image, picture: Image.Image) -> Image.Image:
    """Turn it as the camera was held."""
    small.getexif()[0x0112] = picture.getexif().get(0x0112, 1)
    return ImageOps.exif_transpose(small)


def opaque(picture: Image.Image) -> Image.Image:
    """Lay what is transparent on white, as a page would."""
    if picture.mode == "RGB":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def draw(picture: Image.Image, boxes: Iterable[tuple[str, int, Corners]]) -> Image.Image:
    """Frame each thing in the color of its kind, with its name at the upper left, inside of the picture."""
    canvas = ImageDraw.Draw(picture)
    size = max(12, max(picture.size) // 45)
    font = ImageFont.load_default(size)
    for text, kind, (left, top, right, bottom) in boxes:
        color = COLORS[kind % len(COLORS)]
        canvas.rectangle((left, top, right, bottom), outline=color, width=max(2, size // 6))
        wide, high = canvas.textlength(text, font) + size // 2, size * 4 // 3
        x, y = max(0.0, min(left, picture.width - wide)), max(0.0, top - high)
        canvas.rectangle((x, y, x + wide, y + high), fill=color)
        canvas.text((x + size // 4, y + high // 2), text, "white", font, anchor="lm")
    return picture
