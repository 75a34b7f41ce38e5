"""What the arrival of an artifact leads to, when the event that tells of it is lost on its way.

Law: an arrival is decided once, and the decision is an object of the training; what was promoted meanwhile is
never replaced by an older one.
"""

import logging
import time
from dataclasses import dataclass
from typing import Any

from deepwhisk.batch.records import Records
from deepwhisk.batch.training import Phase, Training, now, when
from deepwhisk.batch.versions.promotion import Promotions
from deepwhisk.batch.view import Known, View
from deepwhisk.errors import TrainingError, WhiskError

log = logging.getLogger("deepwhisk.batch")

LATE = 30.0  # seconds after the end, in which the event itself should come
FORGOTTEN = 7 * 24 * 3600.0  # seconds after which nobody waits for it any more
BY = "the arrival of its artifact"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Decides what nobody has decided."""

    records: Records
    view: View
    promotions: Promotions

    def mend(self) -> set[str]:
        """Decide on artifacts whose events did not come, the oldest first; the models that they are of."""
        due = [known for known in self.view.newest() if not known.decided and late(known.training)]
        for known in sorted(due, key=lambda known: _ended(known.training)):
            self.decide(known)
        return {known.training.model for known in due}

    def decide(self, known: Known) -> None:
        """Promote a training if its rule says so and nothing newer serves."""
        training = known.training
        newest = self.promotions.versions.newest(training.model)
        if newest is not None and when(newest.at) > _ended(training):
            self.record(known, {"promoted": False, "reason": f"version {newest.version} came later"})
            return
        try:
            body = self.promotions.promote(training.place, by=BY).body()
        except TrainingError as error:
            body = {"promoted": False, "reason": str(error)}
        except WhiskError as error:
            log.warning("the artifact of %s waits for OpenWhisk: %s", training.uuid, error)
            return
        log.warning(
            "no event came for the artifact of %s: %s", training.uuid, body.get("reason") or "promoted"
        )
        self.record(known, body)

    def record(self, known: Known, body: dict[str, Any]) -> None:
        """Write what was decided, if nobody has."""
        self.records.write_once(known.training.place.promotion, {**body, "at": now()})
        known.decided = True


def late(training: Training) -> bool:
    """Whether an artifact is there, and the event that tells of it should have come."""
    trained = training.request.get("kind", "train") == "train" and training.phase is Phase.DONE
    return trained and training.has("artifact.zip") and LATE < time.time() - _ended(training) < FORGOTTEN


def _ended(training: Training) -> float:
    return when(training.end.at if training.end else "")
