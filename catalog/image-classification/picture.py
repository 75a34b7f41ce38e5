"""Reads a picture the way the network was trained to see it: upright, opaque, 8 bits, its middle, 224 × 224.

What decoding takes is known from the file's header, and is never more than `MEMORY`. A baseline JPEG is
decoded at the scale that is needed, so its size hardly matters; any other picture may be too large.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SIDE, CROP = 224, 0.875  # the network was trained on the middle of photographs
MEMORY = 128_000_000  # bytes
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")  # Pillow's others are rare, and some start programs
Image.core.set_blocks_max(2)  # MB that Pillow keeps for the next picture; fresh ones take a millisecond


def read(path: Path) -> Image.Image:
    """Read any picture as RGB of `SIDE` × `SIDE`; a `ValueError` says what is wrong with it."""
    Image.MAX_IMAGE_PIXELS = None  # `MEMORY` takes the place of Pillow's own limit
    with opened(path) as picture:
        refuse_large(picture, path)
        try:
            return opaque(upright(middle(plain(picture)), picture))
        except (OSError, SyntaxError, ValueError) as error:
            raise ValueError(
                f"{path.name} is a {picture.format} picture that cannot be read: {error}. Export it again."
            ) from error


def opened(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=FORMATS)
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(
            f"{path.name} is not a picture: its {path.stat().st_size} bytes begin with {beginning(path)!r}. "
            f"Send a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file."
        ) from error


def beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(12)


def refuse_large(picture: Image.Image, path: Path) -> None:
    width, height = picture.size
    picture.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG is decoded at 1/2, 1/4 or 1/8 of its scale
    progressive = "progressive" in picture.info  # … but held whole if it is progressive
    pixels = width * height if progressive else picture.width * picture.height
    limit = MEMORY // price(picture)
    if pixels > limit:
        raise ValueError(
            f"{path.name} has {width} × {height} = {width * height:,} pixels, and a {picture.format} picture "
            f"like it may have {limit:,}. Send it smaller, or as a baseline JPEG, whose size matters less."
        )


def price(picture: Image.Image) -> int:
    """Give the bytes that decoding one pixel takes, as measured."""
    if picture.format == "WEBP":
        return 16
    return 12 if picture.has_transparency_data else 8


def plain(picture: Image.Image) -> Image.Image:
    """Give it 8 bits and a mode that can be scaled; of an animation, its first frame."""
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        raise ValueError(f"its pixels are 32-bit numbers (mode {picture.mode}), whose white is unknown")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def middle(picture: Image.Image) -> Image.Image:
    margins = [(side - CROP * min(picture.size)) / 2 for side in picture.size]
    box = (margins[0], margins[1], picture.width - margins[0], picture.height - margins[1])
    return picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box, reducing_gap=3.0)


def upright(small: Image.Image, picture: Image.Image) -> Image.Image:
    """Turn it as the camera was held."""
    small.getexif()[0x0112] = picture.getexif().get(0x0112, 1)
    return ImageOps.exif_transpose(small)


def opaque(picture: Image.Image) -> Image.Image:
    """Lay what is transparent on white, as a page would."""
    if picture.mode == "RGB":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
