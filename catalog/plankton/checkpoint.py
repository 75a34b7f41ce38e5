"""What a training has reached: what was seen in the photographs, and the heads as they are.

Law: what is there is whole, since it is written beside and renamed.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from head import Descent

SECONDS = 1.0  # between two times that it is written
Seen = tuple[np.ndarray, np.ndarray]


class State:
    """The checkpoint of one training."""

    def __init__(self, out: Path) -> None:
        self.folder = out / "checkpoint"
        self.written = time.monotonic()

    def seen(self, look: Callable[[], Seen]) -> Seen:
        """Give class and numbers of each photograph; looking takes longest, so it is done once."""
        path = self.folder / "seen.npz"
        if not path.exists():
            classes, seen = look()
            self.write(path, classes=classes, seen=seen)
        with np.load(path, allow_pickle=False) as file:
            return file["classes"], file["seen"]

    def restore(self, descent: Descent) -> None:
        """Go on from where it was, if it was anywhere."""
        path = self.folder / "heads.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as file:
                descent.restore(dict(file))

    def look(self, descent: Descent) -> None:
        """Write it if the last time is a while ago."""
        if time.monotonic() - self.written > SECONDS:
            self.write(self.folder / "heads.npz", **descent.state())
            self.written = time.monotonic()

    @contextmanager
    def kept(self, descent: Descent) -> Iterator[None]:
        """Write it, too, when the training is stopped."""
        try:
            yield
        except GeneratorExit:
            self.write(self.folder / "heads.npz", **descent.state())
            raise

    def write(self, path: Path, **parts: np.ndarray) -> None:
        self.folder.mkdir(exist_ok=True)
        new = path.with_name("new.npz")
        np.savez(new, **parts)
        os.replace(new, path)
