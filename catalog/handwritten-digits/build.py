# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "numpy>=2,<3",
#     "pillow>=11,<14",
#     "scikit-learn>=1.5,<2",  # the digits, BSD-3-Clause, and what trains on them here
# ]
# ///
"""Makes the reader of digits from what scikit-learn holds: 1,797 handwritten ones of 8 × 8 pixels.

    uv run --no-project --script build.py OUT

`digits.npz` holds them, cut out as `picture.py` does, and what they show; `network.npz` a
network of one hidden layer that has learnt them.
The digits are read only if they have the digest below.
"""

import gzip
import hashlib
import importlib.resources
import sys
import warnings
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier

DIGITS = "sklearn.datasets.data", "digits.csv.gz"
SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
SIDE, MOST, FAINT = 8, 16, 0.3  # pixels, how dark one can be, and what share of the darkest is no ink
HIDDEN, EPOCHS = 64, 120
NAMES = "weight", "bias"


def read() -> tuple[np.ndarray, np.ndarray]:
    """Read the pictures, a row of 64 numbers each, and what they show."""
    package, name = DIGITS
    packed = (importlib.resources.files(package) / name).read_bytes()
    found = hashlib.sha256(packed).hexdigest()
    if found != SHA256:
        raise ValueError(f"{name}: SHA-256 {found}, not {SHA256}: changed, and not read")
    rows = np.loadtxt(gzip.decompress(packed).decode().splitlines(), delimiter=",", dtype=np.uint8)
    print(f"read {len(rows)} digits, sha256 {found}")
    return np.stack([shades(row.reshape(SIDE, SIDE) / MOST) for row in rows[:, :64]]), rows[:, 64]


def shades(ink: np.ndarray) -> np.ndarray:
    """Cut the digit out, make it as high as the square, and put it into the middle, as `picture.py` does."""
    rows, columns = (np.flatnonzero((ink > FAINT).any(axis=axis)) for axis in (1, 0))
    cut = Image.fromarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32))
    width = min(max(round(SIDE * cut.width / cut.height), 1), SIDE)
    digit = np.asarray(cut.resize((width, SIDE), Image.Resampling.BOX))
    square = np.zeros((SIDE, SIDE), np.float32)
    left = (SIDE - width) // 2
    square[:, left : left + width] = digit / digit.max()
    return square.ravel()


def network() -> MLPClassifier:
    return MLPClassifier((HIDDEN,), alpha=0.1, max_iter=EPOCHS, random_state=0)


def build(out: Path) -> None:
    pictures, digits = read()
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    right = cross_val_score(network(), pictures, digits, cv=folds).mean()
    print(f"right about {right:.1%} of what a network was not trained on")
    fitted = network().fit(pictures, digits)
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / "digits.npz", pictures=pictures, digits=digits)
    layers = enumerate(zip(fitted.coefs_, fitted.intercepts_, strict=True))
    parts = {f"{name}{at}": part for at, layer in layers for name, part in zip(NAMES, layer, strict=True)}
    np.savez(out / "network.npz", **{name: part.astype(np.float32) for name, part in parts.items()})


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    build(Path(sys.argv[1]))
