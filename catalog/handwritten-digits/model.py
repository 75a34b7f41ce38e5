"""Reads a handwritten digit from a picture.

A small network in NumPy, taught with scikit-learn's 1,797 digits. `train` teaches it anew, and goes on
where a training was stopped.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import picture
from network import Descent, Network
from pydantic import Field


@dataclass
class Reading:
    """The likeliest digits, best first."""

    labels: list[str]
    probabilities: list[float]


@dataclass
class Metrics:
    """How it goes; `validation_accuracy` is about pictures that it does not learn from."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float


class Model:
    def load(self, weights: Path, artifact: Path | None = None) -> None:
        self.network = Network.read(artifact or weights)
        self.digits = weights / "digits.npz"

    def predict(
        self,
        image: Annotated[Path, "Picture of one digit, dark on light or light on dark: JPEG, PNG …"],
        top: Annotated[int, Field(ge=1, le=10, description="How many digits to name at most")] = 3,
    ) -> Reading:
        probabilities = self.network.probabilities(picture.read(image, image.name)[None])[0]
        best = np.argsort(probabilities)[::-1][:top]
        return Reading([str(each) for each in best], probabilities[best].tolist())

    def train(
        self,
        out: Path,
        epochs: Annotated[int, Field(ge=1, le=100_000)] = 40,
        lr: Annotated[float, Field(gt=0, le=10, description="How far a step goes")] = 0.05,
        hidden: Annotated[int, Field(ge=1, le=4096, description="Units of the hidden layer")] = 64,
        seed: Annotated[int, Field(ge=0)] = 0,
        validation: Annotated[float, Field(gt=0, le=0.5, description="Share that is not learnt from")] = 0.2,
        pause: Annotated[float, Field(ge=0, le=60, description="Seconds to rest after each epoch")] = 0,
    ) -> Iterator[Metrics]:
        """Learn to read digits; `out` then holds the network, which `load` takes as artifact."""
        learnt, held = self.parts(validation, seed)
        kept = out / "checkpoint" / "descent.npz"
        descent = Descent.begin(hidden, seed, kept)
        while descent.epoch < epochs:
            descent.step(*learnt, lr, seed)
            descent.keep(kept)
            network = descent.network
            told = [network.loss(*learnt), network.right(*learnt), network.loss(*held), network.right(*held)]
            yield Metrics(descent.epoch, *told)
            time.sleep(pause)
        descent.network.write(out)

    def parts(self, share: float, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Give what is learnt from, and what is held back to be asked about."""
        with np.load(self.digits, allow_pickle=False) as file:
            pixels, digits = file["pictures"], file["digits"].astype(int)
        shuffled = np.random.default_rng(seed).permutation(len(digits))
        count = max(round(share * len(digits)), 1)
        return [(pixels[part], digits[part]) for part in (shuffled[count:], shuffled[:count])]
