"""Reads the text in a picture: scans, photographs and screens, in English, Chinese and digits.

PP-OCRv4 on ONNX Runtime, in one thread: one network finds the lines, one reads them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import finder
import numpy as np
import onnxruntime
import picture
import reader
from pydantic import Field


@dataclass
class Line:
    """A line of text, and its corners in the picture: top left, top right, bottom right, bottom left."""

    text: str
    score: float
    corners: list[list[int]]


@dataclass
class Reading:
    """All of the text, a line each, and where it stands."""

    text: str
    lines: list[Line]


class Model:
    def load(self, weights: Path) -> None:
        cv2.setNumThreads(1)
        self.finder = session(weights / "finder.onnx")
        self.reader = session(weights / "reader.onnx")
        known = self.reader.get_modelmeta().custom_metadata_map["character"]
        self.characters = [*known.splitlines(), " "]

    def predict(
        self,
        image: Annotated[Path, "Picture with text: an image file such as JPEG or PNG"],
        threshold: Annotated[
            float, Field(ge=0, le=1, description="Lines read with a lower score are left out")
        ] = 0.5,
    ) -> Reading:
        pixels = picture.read(image)
        marked = self.run(self.finder, finder.scaled(pixels))[0, 0]
        lines = [self.line(pixels, corners) for corners in finder.rectangles(marked, pixels.shape[:2])]
        told = [line for line in lines if line.text and line.score >= threshold]
        return Reading("\n".join(line.text for line in told), told)

    def line(self, pixels: np.ndarray, corners: np.ndarray) -> Line:
        steps = self.run(self.reader, reader.scaled(reader.cut(pixels, corners)))[0]
        text, score = reader.letters(steps, self.characters)
        return Line(text, score, corners.round().astype(int).tolist())

    @staticmethod
    def run(network: onnxruntime.InferenceSession, given: np.ndarray) -> Any:
        return network.run(None, {network.get_inputs()[0].name: given})[0]


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_mem_pattern = False  # each picture has another size: a plan for each takes memory only
    return onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
