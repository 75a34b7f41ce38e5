"""Names the plankton in a photograph of a flow-through microscope, among six groups.

EfficientNet-Lite0 sees, a small head names. `train` makes a head for other photographs and other classes.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import checkpoint
import numpy as np
import onnxruntime
import photographs
import picture
from head import Descent, Head
from pydantic import Field

PROVIDERS = "CUDAExecutionProvider", "CPUExecutionProvider"  # a GPU where onnxruntime is built for one


@dataclass
class Classification:
    """The likeliest groups, best first."""

    labels: list[str]
    probabilities: list[float]


@dataclass
class Metrics:
    """How it goes; `validation_accuracy` is that of heads about photographs that they did not learn from."""

    epoch: int
    loss: float
    accuracy: float
    validation_accuracy: float | None


class Model:
    def load(self, weights: Path, artifact: Path | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        built = onnxruntime.get_available_providers()
        self.session = onnxruntime.InferenceSession(
            weights / "network.onnx", options, [each for each in PROVIDERS if each in built]
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
        folds: Annotated[int, Field(ge=0, le=20, description="Of cross-validation; 0: none")] = 5,
        seed: Annotated[int, Field(ge=0)] = 0,
        pause: Annotated[float, Field(ge=0, le=60, description="Seconds to rest after each epoch")] = 0,
    ) -> Iterator[Metrics]:
        """Learn from photographs; `out` then holds the head, which `load` takes as artifact."""
        state = checkpoint.State(out)
        classes, seen = state.seen(lambda: self.look(dataset))
        fold = folds_of(classes, folds, seed)
        descent = Descent(seen, classes, np.array([fold != each for each in range(-1, folds)]), seed)
        state.restore(descent)
        with state.kept(descent):
            while descent.epoch < epochs:
                descent.step()
                state.look(descent)
                yield Metrics(
                    descent.epoch, descent.loss(), float(descent.right(0).mean()), crossed(descent, fold)
                )
                time.sleep(pause)
        descent.head().write(out)

    def look(self, dataset: Path | None) -> tuple[np.ndarray, np.ndarray]:
        """Give class and numbers of each photograph to learn from."""
        given = [(name, self.see(each)) for name, each in photographs.read(dataset or self.photographs)]
        if len({name for name, _ in given}) < 2:
            raise ValueError(
                f"{len(given)} photographs of fewer than two classes: there is nothing to tell apart."
            )
        return np.array([name for name, _ in given]), np.stack([each for _, each in given])

    def see(self, pixels: np.ndarray) -> np.ndarray:
        """Give the 1280 numbers that the network makes of a picture."""
        return np.asarray(self.session.run(None, {"pictures": pixels[None]})[0][0])


def folds_of(classes: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Deal the photographs out, class by class, so that each fold has its share of each."""
    random = np.random.default_rng(seed)
    dealt, next_fold = np.zeros(len(classes), int), 0
    for name in np.unique(classes):
        members = random.permutation(np.flatnonzero(classes == name))
        dealt[members] = (next_fold + np.arange(len(members))) % max(folds, 1)
        next_fold += len(members)
    return dealt


def crossed(descent: Descent, fold: np.ndarray) -> float | None:
    """How large a share is named rightly by the head that did not learn from it; None without folds."""
    if len(descent.learnt) == 1:
        return None
    right = [descent.right(each + 1)[fold == each] for each in range(len(descent.learnt) - 1)]
    return float(np.concatenate(right).mean())
