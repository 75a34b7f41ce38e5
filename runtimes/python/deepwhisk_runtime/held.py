"""The model that an image holds, which needs no code of an action and no folder on a command line."""

import os
from pathlib import Path

HELD = "DEEPWHISK_MODEL"


def held_model() -> Path | None:
    """Its folder."""
    folder = os.environ.get(HELD)
    return Path(folder) if folder else None
