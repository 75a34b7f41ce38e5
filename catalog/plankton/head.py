"""The head of the classifier: from the 1280 numbers that the network sees to classes; softmax regression.

A head is one file of numbers and names, `head.npz`, without anything that could run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FILE = "head.npz"
RATE, MOMENTUM = 0.02, 0.5  # of the descent
DECAY = 1.0  # of the weights: few photographs, many numbers


@dataclass(frozen=True)
class Head:
    """One column of weights for each class."""

    classes: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    @classmethod
    def read(cls, folder: Path) -> "Head":
        with np.load(folder / FILE, allow_pickle=False) as file:
            return cls(file["classes"], file["weight"], file["bias"])

    def write(self, folder: Path) -> None:
        np.savez(folder / FILE, classes=self.classes, weight=self.weight, bias=self.bias)

    def probabilities(self, seen: np.ndarray) -> np.ndarray:
        logits = seen @ self.weight + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def descend(seen: np.ndarray, names: np.ndarray, epochs: int) -> Iterator[tuple[Head, float]]:
    """Give the head and its loss after each epoch; an epoch looks at all photographs at once."""
    classes, numbers = np.unique(names, return_inverse=True)
    middle = seen.mean(axis=0)
    centered, wanted = seen - middle, np.eye(len(classes))[numbers]
    weight, bias = np.zeros((seen.shape[1], len(classes))), np.zeros(len(classes))
    speed = np.zeros_like(weight)
    for _ in range(epochs):
        found = Head(classes, weight, bias).probabilities(centered)
        loss = -np.log(found[np.arange(len(seen)), numbers]).mean() + DECAY * np.sum(weight**2) / 2
        speed = MOMENTUM * speed - RATE * (centered.T @ (found - wanted) / len(seen) + DECAY * weight)
        weight = weight + speed
        bias = bias - 5 * RATE * (found - wanted).mean(axis=0)
        yield Head(classes, weight, bias - middle @ weight), float(loss)
