"""Names what a photograph shows, among the 1000 ImageNet classes.

EfficientNet-Lite0 on ONNX Runtime: one picture by two threads, as its answer is there soonest then; several
by one, as most are answered then. `build.py` makes its weights, `picture.py` its input.
"""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

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
    max_batch = 8  # of which one takes 100 MB more than one picture

    def load(self, weights: Path) -> None:
        self.network = weights / "model.onnx"
        self.alone = self.session(threads=min(2, len(os.sched_getaffinity(0))))
        self.labels: list[str] = json.loads((weights / "labels.json").read_text())

    @cached_property
    def together(self) -> onnxruntime.InferenceSession:
        return self.session(threads=1)

    def session(self, threads: int) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads wait for each other in a loop, but none for the next call: others want the processors then.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        return onnxruntime.InferenceSession(self.network, options, ["CPUExecutionProvider"])

    def predict(
        self,
        image: Annotated[Path, "Photograph: an image file such as JPEG or PNG"],
        top: Annotated[int, Field(ge=1, le=20, description="How many classes to name")] = 5,
    ) -> Classification:
        return self.named(self.probabilities([pixels(image)])[0], top)

    def predict_batch(self, calls: list[dict[str, Any]]) -> list[Classification | ValueError]:
        """Answer calls that came together; of a picture that cannot be read, only its own caller hears."""
        looked = [pixels_or_error(call["image"]) for call in calls]
        seen = iter(self.probabilities([each for each in looked if isinstance(each, np.ndarray)]))
        return [
            each if isinstance(each, ValueError) else self.named(next(seen), call["top"])
            for call, each in zip(calls, looked, strict=True)
        ]

    def probabilities(self, pictures: list[np.ndarray]) -> np.ndarray:
        if not pictures:
            return np.empty((0, len(self.labels)), np.float32)
        session = self.alone if len(pictures) == 1 else self.together
        found: np.ndarray = session.run(["probabilities"], {"image": np.stack(pictures)})[0]
        return found

    def named(self, probabilities: np.ndarray, top: int) -> Classification:
        best = np.argsort(probabilities)[::-1][:top]
        return Classification([self.labels[number] for number in best], probabilities[best].tolist())


def pixels(image: Path) -> np.ndarray:
    """A picture as bytes, which the network itself scales."""
    return np.asarray(picture.read(image))


def pixels_or_error(image: Path) -> "np.ndarray | ValueError":
    try:
        return pixels(image)
    except ValueError as error:
        return error
