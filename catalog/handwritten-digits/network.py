"""A small network: 64 pixels, one hidden layer of rectified units, ten digits; and how it learns.

It is kept as one file of numbers, without anything that could run. Who goes on from a file of a training gets
the same network, number for number, as who never stopped.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FILE = "network.npz"
PIXELS, DIGITS, BATCH = 64, 10, 32
MOMENTUM, DECAY = 0.9, 1e-4
Parts = dict[str, np.ndarray]


@dataclass(frozen=True)
class Network:
    """Weights and biases of two layers."""

    parts: Parts

    @classmethod
    def read(cls, folder: Path) -> "Network":
        with np.load(folder / FILE, allow_pickle=False) as file:
            return cls({name: file[name] for name in ("weight0", "bias0", "weight1", "bias1")})

    @classmethod
    def born(cls, hidden: int, seed: int) -> "Network":
        random = np.random.default_rng(seed)
        shapes = {"weight0": (PIXELS, hidden), "weight1": (hidden, DIGITS)}
        drawn = {name: random.normal(0, (2 / shape[0]) ** 0.5, shape) for name, shape in shapes.items()}
        return cls(drawn | {"bias0": np.zeros(hidden), "bias1": np.zeros(DIGITS)})

    def write(self, folder: Path) -> None:
        np.savez(folder / FILE, **{name: part.astype(np.float32) for name, part in self.parts.items()})

    def hidden(self, pixels: np.ndarray) -> np.ndarray:
        return np.maximum(pixels @ self.parts["weight0"] + self.parts["bias0"], 0)

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        logits = self.hidden(pixels) @ self.parts["weight1"] + self.parts["bias1"]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def slope(self, pixels: np.ndarray, digits: np.ndarray) -> Parts:
        """Tell in which direction the loss grows."""
        hidden = self.hidden(pixels)
        error = (self.probabilities(pixels) - np.eye(DIGITS)[digits]) / len(digits)
        before = (error @ self.parts["weight1"].T) * (hidden > 0)
        return {
            "weight0": pixels.T @ before + DECAY * self.parts["weight0"],
            "bias0": before.sum(axis=0),
            "weight1": hidden.T @ error + DECAY * self.parts["weight1"],
            "bias1": error.sum(axis=0),
        }

    def loss(self, pixels: np.ndarray, digits: np.ndarray) -> float:
        found = self.probabilities(pixels)[np.arange(len(digits)), digits]
        return float(-np.log(np.maximum(found, 1e-12)).mean())

    def right(self, pixels: np.ndarray, digits: np.ndarray) -> float:
        """How large a share of the pictures it reads rightly."""
        return float(np.mean(self.probabilities(pixels).argmax(axis=1) == digits))


@dataclass
class Descent:
    """A network that learns, with what it needs to go on."""

    network: Network
    speed: Parts
    epoch: int = 0

    @classmethod
    def begin(cls, hidden: int, seed: int, file: Path) -> "Descent":
        """Begin anew, or go on from the file."""
        if file.exists():
            with np.load(file, allow_pickle=False) as kept:
                parts = {name: kept[name] for name in kept.files}
            epoch = int(parts.pop("epoch"))
            speed = {name.removeprefix("speed."): parts.pop(name) for name in list(parts) if "." in name}
            return cls(Network(parts), speed, epoch)
        network = Network.born(hidden, seed)
        return cls(network, {name: np.zeros_like(part) for name, part in network.parts.items()})

    def keep(self, file: Path) -> None:
        """Write it in one step: what is there is always whole."""
        file.parent.mkdir(exist_ok=True)
        new = file.with_name("new.npz")
        speed = {f"speed.{name}": part for name, part in self.speed.items()}
        np.savez(new, epoch=self.epoch, **self.network.parts, **speed)
        os.replace(new, file)

    def step(self, pixels: np.ndarray, digits: np.ndarray, rate: float, seed: int) -> None:
        """Look at each picture once, in an order that only seed and epoch decide."""
        for chosen in self._batches(len(digits), seed):
            slope = self.network.slope(pixels[chosen], digits[chosen])
            self.speed = {name: MOMENTUM * part - rate * slope[name] for name, part in self.speed.items()}
            parts = self.network.parts
            self.network = Network({name: parts[name] + part for name, part in self.speed.items()})
        self.epoch += 1

    def _batches(self, count: int, seed: int) -> Iterator[np.ndarray]:
        order = np.random.default_rng([seed, self.epoch]).permutation(count)
        for start in range(0, count, BATCH):
            yield order[start : start + BATCH]
