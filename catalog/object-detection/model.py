"""Finds people, animals, vehicles and everyday things in a photograph, and where each of them is.

NanoDet-g on ONNX Runtime, in one thread. `build.py` makes its weights; `picture.py` reads and draws pictures.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import onnxruntime
import picture
from PIL import Image
from pydantic import Field

SIDE, STRIDES, BINS = 416, (8, 16, 32), 11  # each edge is told as the likelihoods of 11 distances
MEAN, SPREAD = np.float32([103.53, 116.28, 123.675]), np.float32([57.375, 57.12, 58.395])  # blue, green, red
OVERLAP = 0.6  # of two boxes of one kind that overlap by more, the better is kept


@dataclass
class Box:
    """One thing: what it is, how sure that is, and its corners in pixels from the upper left."""

    label: str
    score: float
    left: float
    top: float
    right: float
    bottom: float


@dataclass
class Detection:
    """What was found, surest first, in a picture of this size."""

    boxes: list[Box]
    width: int
    height: int


class Model:
    def load(self, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(weights / "model.onnx", options, ["CPUExecutionProvider"])
        self.labels: list[str] = json.loads(Path(__file__).with_name("labels.json").read_text())
        self.centers, self.strides = cells()

    def predict(
        self,
        image: Annotated[Path, "Photograph: an image file such as JPEG or PNG"],
        threshold: Annotated[float, Field(ge=0.05, le=1, description="Least score of what is named")] = 0.45,
        top: Annotated[int, Field(ge=1, le=100, description="How many things to name at most")] = 50,
        accept: Annotated[
            Literal["application/json", "image/png"], "The boxes, or the picture with the boxes drawn on it"
        ] = "application/json",
    ) -> Detection | Image.Image:
        seen, reduced = picture.read(image)
        kinds, scores, corners = self.find(seen, threshold, top)
        if accept == "image/png":
            texts = [f"{self.labels[kind]} {score:.0%}" for kind, score in zip(kinds, scores, strict=True)]
            return picture.draw(seen, zip(texts, kinds, map(tuple, corners.tolist()), strict=True))
        boxes = [
            Box(self.labels[kind], float(score), *edges)
            for kind, score, edges in zip(kinds, scores, (corners * reduced).round(1).tolist(), strict=True)
        ]
        return Detection(boxes, round(seen.width * reduced), round(seen.height * reduced))

    def find(self, seen: Image.Image, threshold: float, top: int) -> tuple[np.ndarray, ...]:
        """Give kinds, scores and corners of what is seen, surest first."""
        pixels, scale = framed(seen)
        scores, edges = (each[0] for each in self.session.run(["scores", "edges"], {"image": pixels}))
        cell, kind = np.nonzero(scores >= threshold)
        score, corners = scores[cell, kind], self.corners(edges[cell], cell) / scale
        corners = corners.clip(0, [seen.width, seen.height] * 2)
        best = distinct(kind, score, corners)[:top]
        return kind[best], score[best], corners[best]

    def corners(self, edges: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """Turn likelihoods of distances into corners: the mean distance of each edge from its cell."""
        likelihoods = np.exp(edges.reshape(-1, 4, BINS))
        distances = likelihoods @ np.arange(BINS) / likelihoods.sum(-1) * self.strides[cell, None]
        return np.tile(self.centers[cell], 2) + distances * [-1, -1, 1, 1]


def cells() -> tuple[np.ndarray, np.ndarray]:
    """Give the center and the side of each cell of the three grids that are laid on a picture."""
    centers, strides = [], []
    for stride in STRIDES:
        along = (np.arange(SIDE // stride) + 0.5) * stride
        centers.append(np.stack(np.meshgrid(along, along), -1).reshape(-1, 2))
        strides.append(np.full(len(along) ** 2, stride))
    return np.concatenate(centers), np.concatenate(strides)


def framed(seen: Image.Image) -> tuple[np.ndarray, float]:
    """Fit a picture into the square that the network takes, unstretched; the rest of it is black."""
    scale = SIDE / max(seen.size)
    size = [max(1, round(side * scale)) for side in seen.size]
    frame = Image.new("RGB", (SIDE, SIDE))
    frame.paste(seen.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
    pixels = (np.asarray(frame, np.float32)[..., ::-1] - MEAN) / SPREAD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]), scale


def distinct(kind: np.ndarray, score: np.ndarray, corners: np.ndarray) -> list[int]:
    """Keep of the boxes that show the same thing the surest, and give them surest first."""
    left: list[int] = np.argsort(-score, kind="stable").tolist()
    kept = []
    while left:
        best, *left = left
        kept.append(best)
        left = [n for n in left if kind[n] != kind[best] or shared(corners[n], corners[best]) <= OVERLAP]
    return kept


def shared(one: np.ndarray, other: np.ndarray) -> float:
    """How much of what two boxes cover together both cover."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(np.prod(sides.clip(0)))
    return common / max(float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - common, 1e-9)
