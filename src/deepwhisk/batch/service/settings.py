"""What the service of trainings needs to know; the command line reads it, nothing below does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepwhisk.batch.layout import BUCKET
from deepwhisk.batch.node.links import DAY
from deepwhisk.batch.sites import DEFAULT, Site
from deepwhisk.objects.store import StoreSettings


@dataclass(frozen=True, slots=True)
class Pace:
    """How often one looks, in seconds."""

    quick: float = 2.0  # at what is under way
    whole: float = 60.0  # at the whole bucket
    gather: float = 2.0  # for the rest of a sweep
    threads: int = 16


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """All that `serve` takes. Whoever asks shows `Authorization: Bearer <token>`."""

    folder: Path
    apihost: str
    auth: str = field(repr=False)
    store: StoreSettings
    port: int
    token: str = field(repr=False)
    host: str = "127.0.0.1"
    sites: tuple[Site, ...] = DEFAULT
    local: Mapping[str, Any] = field(default_factory=dict, repr=False)  # options of runners `local:`
    bucket: str = BUCKET
    links: int = DAY  # seconds that a signed link lives
    pace: Pace = Pace()
