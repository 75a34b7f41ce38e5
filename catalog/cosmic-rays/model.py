"""Finds the pixels of an astronomical image that cosmic rays have hit.

deepCR's network for Hubble's ACS/WFC on ONNX Runtime, in one thread. `build.py` makes its weights, `frame.py`
reads images. The image is seen in tiles that overlap by more than the network looks around, so that the mask
is the one of the whole, and the size of an image costs time but hardly memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import frame
import numpy as np
import onnxruntime
from PIL import Image
from pydantic import Field

TILE, MARGIN = 256, 16  # pixels


@dataclass
class Mask:
    """How many pixels were hit, and which: 1 in `mask`, whose first row is the image's first."""

    width: int
    height: int
    hit: int
    share: float
    mask: list[list[int]]


class Model:
    def load(self, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(weights / "model.onnx", options, ["CPUExecutionProvider"])

    def predict(
        self,
        image: Annotated[Path, "Calibrated image in electrons: FITS, or an array of NumPy (.npy)"],
        threshold: Annotated[float, Field(gt=0, lt=1, description="Least probability of a hit")] = 0.5,
        accept: Annotated[
            Literal["application/json", "image/png"], "The mask as an array, or as a picture: hits are white"
        ] = "application/json",
    ) -> Mask | Image.Image:
        mask = self.mask(finite(frame.read(image)), threshold)
        if accept == "image/png":
            return Image.fromarray(mask * np.uint8(255))
        hit = int(mask.sum(dtype=int))
        return Mask(mask.shape[1], mask.shape[0], hit, hit / mask.size, mask.tolist())

    def mask(self, electrons: np.ndarray, threshold: float) -> np.ndarray:
        """Give 1 for each pixel that was hit, and 0 for the others."""
        mask = np.zeros(electrons.shape, np.uint8)
        for rows, columns, seen in tiles(electrons):
            probability = self.session.run(["probability"], {"image": seen[None, None]})[0][0, 0]
            inner = probability[MARGIN:-MARGIN, MARGIN:-MARGIN]
            place = mask[rows, columns]
            place[:] = inner[: place.shape[0], : place.shape[1]] >= threshold
        return mask


def finite(image: np.ndarray) -> np.ndarray:
    """Put the median in the place of pixels that have no value."""
    known = np.isfinite(image)
    if known.all():
        return image
    if not known.any():
        raise ValueError("No pixel of the image has a value.")
    return np.where(known, image, np.median(image[known]))


def tiles(image: np.ndarray) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Cut an image into tiles with a margin; beyond its edges it is mirrored."""
    height, width = image.shape
    fill = [(MARGIN, MARGIN + -side % TILE) for side in image.shape]
    padded = np.pad(image, fill, mode="symmetric")
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            seen = padded[top : top + TILE + 2 * MARGIN, left : left + TILE + 2 * MARGIN]
            yield slice(top, top + TILE), slice(left, left + TILE), np.ascontiguousarray(seen)
