"""Names the plankton in a photograph of a flow-through microscope, among six groups.

EfficientNet-Lite0 sees, a small head names. `train` makes a head for other photographs and other classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
import photographs
import picture
from head import Head, descend
from pydantic import Field


@dataclass
class Classification:
    """The likeliest groups, best first."""

    labels: list[str]
    probabilities: list[float]


@dataclass
class Metrics:
    """How it goes; `validation_accuracy` is about photographs that it does not learn from."""

    epoch: int
    loss: float
    accuracy: float
    validation_accuracy: float | None


class Model:
    def load(self, weights: Path, artifact: Path | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            weights / "network.onnx", options, ["CPUExecutionProvider"]
        )
        self.head = Head.read(artifact or weights)
        self.photographs = weights / "photographs.zip"

    def predict(
        self,
        image: Annotated[Path, "Photograph of one organism: an image file such as JPEG or PNG"],
        top: Annotated[int, Field(ge=1, le=100, description="How many groups to name at most")] = 3,
    ) -> Classification:
        probabilities = self.head.probabilities(self.see(picture.read(image, image.name))[None])[0]
        best = np.argsort(probabilities)[::-1][:top]
        return Classification(self.head.classes[best].tolist(), probabilities[best].tolist())

    def train(
        self,
        out: Path,
        dataset: Annotated[
            Path | None, "A zip with a folder of photographs for each class; else the 105"
        ] = None,
        epochs: Annotated[int, Field(ge=1, le=10_000)] = 100,
        validation: Annotated[float, Field(ge=0, le=0.5, description="Share that is not learnt from")] = 0.2,
        seed: int = 0,
    ) -> Iterator[Metrics]:
        """Learn from photographs; `out` then holds the head, which `load` takes as artifact."""
        given = [(name, self.see(each)) for name, each in photographs.read(dataset or self.photographs)]
        if len({name for name, _ in given}) < 2:
            raise ValueError(
                f"{len(given)} photographs of fewer than two classes: there is nothing to tell apart."
            )
        classes, seen = np.array([name for name, _ in given]), np.stack([each for _, each in given])
        held, learnt = split(len(classes), validation, seed)
        for epoch, (head, loss) in enumerate(descend(seen[learnt], classes[learnt], epochs), 1):
            yield Metrics(epoch, loss, *(right(head, seen[part], classes[part]) for part in (learnt, held)))
        head.write(out)

    def see(self, pixels: np.ndarray) -> np.ndarray:
        """Give the 1280 numbers that the network makes of a picture."""
        return np.asarray(self.session.run(None, {"pictures": pixels[None]})[0][0])


def split(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    shuffled = np.random.default_rng(seed).permutation(count)
    return shuffled[: round(share * count)], shuffled[round(share * count) :]


def right(head: Head, seen: np.ndarray, classes: np.ndarray) -> float | None:
    """How large a share of it the head names rightly; None of nothing."""
    if not len(classes):
        return None
    return float(np.mean(head.classes[head.probabilities(seen).argmax(axis=1)] == classes))
