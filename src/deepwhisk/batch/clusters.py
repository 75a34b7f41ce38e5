"""The runners of all sites: opened when they are needed, asked once for all, remembered as unreachable.

Law: what a runner said is known for seconds only; of what it did not say nothing is concluded.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from deepwhisk.batch.placement import Found
from deepwhisk.batch.runner import Offer, Runner, Status
from deepwhisk.batch.sites import Site
from deepwhisk.errors import DeepwhiskError, RunnerError, RunnerUnreachable

log = logging.getLogger("deepwhisk.batch")

Open = Callable[[Site, Path], Runner]
OFFER_SECONDS = 10.0


@dataclass(slots=True)
class Cluster:
    """One site and its runner."""

    site: Site
    folder: Path
    open: Open
    since: float | None = None  # when it was first found unreachable, on the monotonic clock
    reason: str = ""
    offered: tuple[float, Offer] | None = None
    questions: int = 0
    _runner: Runner | None = None
    _lock: Lock = field(default_factory=Lock)

    def runner(self) -> Runner:
        """The runner, opened now if it is not yet. Raises RunnerUnreachable when it cannot be."""
        with self._lock:
            if self._runner is None:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                try:
                    self._runner = self.open(self.site, self.folder)
                except RunnerError:
                    raise
                except (DeepwhiskError, OSError) as error:
                    raise RunnerUnreachable(f"the site {self.site.name} cannot be used: {error}") from error
            return self._runner

    def statuses(self) -> Mapping[str, Status] | None:
        """All jobs that the runner knows, by name; None when it does not answer."""
        self.questions += 1
        try:
            found = self.runner().statuses()
        except RunnerError as error:
            self._unreachable(error)
            return None
        self._reached()
        return found

    def offer(self) -> Found:
        """What the site has, as of a few seconds ago at most."""
        if self.offered is None or time.monotonic() - self.offered[0] > OFFER_SECONDS:
            try:
                self.offered = time.monotonic(), self.runner().offer()
            except RunnerError as error:
                self.offered = None
                self._unreachable(error)
                return Found(self.site, None, self.reason)
            self._reached()
        return Found(self.site, self.offered[1])

    @property
    def away(self) -> float:
        """For how many seconds it has not answered."""
        return 0.0 if self.since is None else time.monotonic() - self.since

    def _unreachable(self, error: Exception) -> None:
        if self.since is None:
            self.since = time.monotonic()
            log.warning("the site %s does not answer: %s", self.site.name, error)
        self.reason = str(error)

    def _reached(self) -> None:
        if self.since is not None:
            log.warning("the site %s answers again after %.0f s", self.site.name, self.away)
        self.since, self.reason = None, ""


class Clusters:
    """All sites, by name."""

    def __init__(self, sites: Sequence[Site], folder: Path, open_: Open) -> None:
        self.all = {site.name: Cluster(site, folder / site.name, open_) for site in sites}

    def get(self, name: str) -> Cluster | None:
        """A site; None for one that no file names any more."""
        return self.all.get(name)

    def offers(self, only: str | None = None) -> list[Found]:
        """What each site has."""
        return [cluster.offer() for name, cluster in self.all.items() if only in (None, "", name)]
