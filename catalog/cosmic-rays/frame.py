"""Reads an astronomical image: a plain FITS file, or an array that NumPy saved.

Of a FITS file the first image counts, or the one named SCI. What is damaged, compressed or no image at
all is told in a sentence; nothing is unpickled, and no more is read than the header says there is.
"""

import math
from pathlib import Path
from typing import IO

import numpy as np

PIXELS = 17_000_000  # a little more than 4096 × 4096
BLOCK, CARD = 2880, 80  # bytes; a FITS header is blocks of cards
KINDS = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
Header = dict[str, str]


def read(path: Path) -> np.ndarray:
    """Read an image as rows of 32-bit numbers; a `ValueError` says what is wrong with it."""
    with path.open("rb") as file:
        start = file.read(9)
        file.seek(0)
        if start == b"SIMPLE  =":
            return checked(fits(file, path), path)
        if start.startswith(b"\x93NUMPY"):
            return checked(saved(path), path)
    size = path.stat().st_size
    raise ValueError(
        f"{path.name} is neither a FITS file nor a NumPy array: its {size} bytes begin with {start!r}."
    )


def saved(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path.name} cannot be read as a NumPy array: {error}.") from error


def checked(image: np.ndarray, path: Path) -> np.ndarray:
    if image.ndim != 2 or not 0 < image.size <= PIXELS or image.dtype.kind not in "biuf":
        raise ValueError(
            f"{path.name} holds an array {image.shape} of {image.dtype}. "
            f"Send one image: two dimensions, numbers, at most {PIXELS:,} pixels."
        )
    return image.astype(np.float32)


def fits(file: IO[bytes], path: Path) -> np.ndarray:
    """Read the image named SCI, or else the first."""
    try:
        header, start = science(file)
        file.seek(start)
        return pixels(file, header)
    except (KeyError, OverflowError, ValueError) as error:
        what = f"its header has no {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{path.name} is a FITS file that cannot be used: {what}.") from error


def science(file: IO[bytes]) -> tuple[Header, int]:
    """Find the header of the image, and where its numbers start."""
    found: tuple[Header, int] | None = None
    while header := cards(file):
        if is_image(header):
            named = header.get("EXTNAME") == "SCI"
            found = (header, file.tell()) if named or found is None else found
            if named:
                break
        file.seek(math.ceil(size(header) / BLOCK) * BLOCK, 1)
    if found is None:
        raise ValueError("it holds no image of two axes, or only a compressed one")
    return found


def cards(file: IO[bytes]) -> Header:
    """Read one header; it is empty at the end of the file."""
    header: Header = {}
    while block := file.read(BLOCK):
        for at in range(0, len(block), CARD):
            card = block[at : at + CARD].decode("ascii", "replace")
            name = card[:8].strip()
            if name == "END":
                return header
            if card[8:10] == "= ":
                header[name] = value(card[10:])
        if len(block) < BLOCK or len(header) > 10_000:
            raise ValueError("a header has no END")
    return header


def value(text: str) -> str:
    """Take the value of a card, without its comment and quotes."""
    text = text.strip()
    if text.startswith("'"):
        return text[1:].partition("'")[0].rstrip()
    return text.partition("/")[0].strip()


def sides(header: Header) -> list[int]:
    """Give the length of each axis, the slowest first; axes of one pixel say nothing."""
    axes = range(int(header.get("NAXIS", 0)), 0, -1)
    found = [int(header[f"NAXIS{axis}"]) for axis in axes]
    if any(side < 0 for side in found):
        raise ValueError(f"it has an axis of {min(found)} pixels")
    return found


def size(header: Header) -> int:
    """Give the bytes that follow a header."""
    axes = sides(header)
    count = int(header.get("PCOUNT", 0)) + (math.prod(axes) if axes else 0)
    return max(0, abs(int(header["BITPIX"])) // 8 * int(header.get("GCOUNT", 1)) * count)


def is_image(header: Header) -> bool:
    shape = [side for side in sides(header) if side > 1]
    return header.get("XTENSION", "IMAGE") == "IMAGE" and len(shape) == 2


def pixels(file: IO[bytes], header: Header) -> np.ndarray:
    """Read the numbers of an image, and scale them as the header says."""
    shape = [side for side in sides(header) if side > 1]
    count = math.prod(shape)
    if count > PIXELS:
        raise ValueError(f"its image has {shape} = {count:,} pixels, more than {PIXELS:,}")
    kind = KINDS.get(int(header["BITPIX"]))
    if kind is None:
        raise ValueError(f"its numbers have {header['BITPIX']} bits")
    found = np.fromfile(file, kind, count)
    if found.size < count:
        raise ValueError(f"{count - found.size:,} of its {count:,} pixels are not there")
    scale, zero = float(header.get("BSCALE", 1)), float(header.get("BZERO", 0))
    scaled = found if (scale, zero) == (1, 0) else found * scale + zero
    return scaled.reshape(shape)
