"""The head of the classifier: from the 1280 numbers that the network sees to classes; softmax regression.

A head is one file of numbers and names, `head.npz`, without anything that could run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FILE = "head.npz"
RATE, MOMENTUM = 0.02, 0.5  # of the descent
START = 0.05  # how far apart the weights are at first
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


class Descent:
    """Heads that learn at once, each from the photographs that its row of `learnt` says."""

    def __init__(self, seen: np.ndarray, names: np.ndarray, learnt: np.ndarray, seed: int) -> None:
        self.classes, self.numbers = np.unique(names, return_inverse=True)
        self.learnt = learnt
        self.middle = seen.mean(axis=0)
        self.centered, self.wanted = seen - self.middle, np.eye(len(self.classes))[self.numbers]
        shape = len(learnt), seen.shape[1], len(self.classes)
        self.weight = np.random.default_rng(seed).normal(0, START, shape)
        self.bias, self.speed = np.zeros((len(learnt), len(self.classes))), np.zeros(shape)
        self.epoch = 0

    def state(self) -> dict[str, np.ndarray]:
        """Tell what is needed to go on."""
        steps = {"weight": self.weight, "bias": self.bias, "speed": self.speed}
        return steps | {"epoch": np.array(self.epoch)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self.weight, self.bias, self.speed = state["weight"], state["bias"], state["speed"]
        self.epoch = int(state["epoch"])

    def step(self) -> None:
        """Look at all photographs once."""
        for at, rows in enumerate(self.learnt):
            seen = self.centered[rows]
            error = Head(self.classes, self.weight[at], self.bias[at]).probabilities(seen) - self.wanted[rows]
            slope = seen.T @ error / len(seen) + DECAY * self.weight[at]
            self.speed[at] = MOMENTUM * self.speed[at] - RATE * slope
            self.weight[at] += self.speed[at]
            self.bias[at] -= 5 * RATE * error.mean(axis=0)
        self.epoch += 1

    def loss(self) -> float:
        """How wrong the first head is about what it learns from."""
        found = Head(self.classes, self.weight[0], self.bias[0]).probabilities(self.centered)
        wrong = -np.log(found[np.arange(len(found)), self.numbers])[self.learnt[0]].mean()
        return float(wrong + DECAY * np.sum(self.weight[0] ** 2) / 2)

    def right(self, at: int) -> np.ndarray:
        """Which photographs a head names rightly."""
        found = Head(self.classes, self.weight[at], self.bias[at]).probabilities(self.centered)
        return np.asarray(found.argmax(axis=1) == self.numbers)

    def head(self) -> Head:
        """Give the first head."""
        return Head(self.classes, self.weight[0], self.bias[0] - self.middle @ self.weight[0])
