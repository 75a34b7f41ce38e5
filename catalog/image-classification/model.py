"""Names what a photograph shows, among the 1000 ImageNet classes.

EfficientNet-Lite0 on ONNX Runtime, in one thread. `build.py` makes its weights, `picture.py` its input.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
import picture
from pydantic import Field


@dataclass
class Classification:
    """The likeliest classes, best first."""

    labels: list[str]
    probabilities: list[float]


class Model:
    def load(self, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(weights / "model.onnx", options, ["CPUExecutionProvider"])
        self.labels: list[str] = json.loads((weights / "labels.json").read_text())

    def predict(
        self,
        image: Annotated[Path, "Photograph: an image file such as JPEG or PNG"],
        top: Annotated[int, Field(ge=1, le=20, description="How many classes to name")] = 5,
    ) -> Classification:
        pixels = (np.asarray(picture.read(image), np.float32) - 127) / 128
        feed = {"image": np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])}
        probabilities = self.session.run(["probabilities"], feed)[0][0]
        best = np.argsort(probabilities)[::-1][:top]
        return Classification([self.labels[number] for number in best], probabilities[best].tolist())
