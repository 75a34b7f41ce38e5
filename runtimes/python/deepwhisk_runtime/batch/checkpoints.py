"""The checkpoint of a training: what it keeps in `out/checkpoint`, packed between two of its steps.

Law: a packed one is whole, since nobody writes while it is packed, and it takes the place of the one before
in one step. Packing costs at most a tenth of a training's time.
"""

import time
from pathlib import Path

from deepwhisk_runtime.batch import zips

LEAST_SECONDS = 1.0
SHARE = 10


class Checkpoints:
    """Looked after by the process of the model itself."""

    def __init__(self, out: Path, target: Path) -> None:
        self._out, self._target = out, target
        self._packed = zips.state_of(out / zips.CHECKPOINT)  # what it goes on from is in the store
        self._next = 0.0

    def look(self) -> None:
        """Pack it if it was changed and the last time is a while ago."""
        if time.monotonic() >= self._next:
            self.keep()

    def keep(self) -> None:
        """Pack it if it was changed."""
        begun = time.monotonic()
        state = zips.state_of(self._out / zips.CHECKPOINT)
        if not state or state == self._packed:
            return
        zips.packed(self._out, self._target, only=zips.CHECKPOINT, level=1)
        self._packed = state
        now = time.monotonic()
        self._next = now + max(LEAST_SECONDS, SHARE * (now - begun))
