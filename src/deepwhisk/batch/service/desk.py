"""What one can do with trainings: the verbs of the service, each of which may be asked twice.

Law: a verb writes into the store before it tells a runner, and answers with what is true then.
"""

import logging
import time
import uuid as uuids
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepwhisk.batch.layout import MODEL, UUID, Place
from deepwhisk.batch.reading import Reading
from deepwhisk.batch.reconcile import Due, Reconciler
from deepwhisk.batch.records import Records
from deepwhisk.batch.service import shown
from deepwhisk.batch.steps import SUBMIT, Do, Seen, decide
from deepwhisk.batch.training import Entry, Phase, Training, now
from deepwhisk.batch.versions.arrivals import Arrivals
from deepwhisk.batch.versions.promotion import Promotions
from deepwhisk.batch.view import Known, View
from deepwhisk.errors import RunnerError, TrainingError, WhiskError

log = logging.getLogger("deepwhisk.batch")

NOT_FOUND, CONFLICT, UNAVAILABLE, REFUSED = 404, 409, 503, 422
PAGE, MOST = 100, 2000
FAREWELL = 5.0  # seconds in which the job of a training that has ended may end too
REFRESHED = 50  # trainings whose metrics are read anew for a list


@dataclass(frozen=True, slots=True)
class Desk:
    """The verbs; safe to share between threads."""

    records: Records
    view: View
    reconciler: Reconciler
    promotions: Promotions
    reading: Reading
    arrivals: Arrivals

    def accept(self, places: Sequence[Place]) -> list[dict[str, Any]]:
        """Take requests that were written, and submit them; one that was taken before is told of again."""
        known = [self._taken(place) for place in places]
        due = {one.training.uuid: Due(one, one.training, SUBMIT) for one in known if one.training.pending}
        self.reconciler.submit_together(list(due.values()), patient=True)
        for one in known:
            check(one)
        return [self.summary(one) for one in known]

    def take(self, place: Place) -> dict[str, Any]:
        """Take a request that others of its sweep will follow; it is submitted with them."""
        return self.summary(self._taken(place))

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        """A page of trainings, the newest first."""
        limit, skip = number(query, "limit", PAGE, MOST), number(query, "skip", 0, 1 << 40)
        words = (query.get(name, "") for name in ("model", "state", "sweep", "prefix"))
        found = list(self.view.select(*words))
        page = found[skip : skip + limit]
        older = [one for one in page if one.is_behind][:REFRESHED]
        list(self.reconciler.threads.map(self.reading.last, older))
        return {"trainings": [self.summary(one) for one in page], "all": len(found)}

    def show(self, uuid: str) -> dict[str, Any]:
        """All of a training."""
        known = self.known(uuid)
        if not known.whole and (found := self.records.find(known.training.place)):
            known = self.view.put(found)
            known.whole = known.training.phase.ended
        self.reading.last(known)
        environment = self.reading.environment(known.training)
        return shown.whole(known, environment, self._version(known.training))

    def metrics(self, uuid: str, start: int) -> dict[str, Any]:
        """Lines of metrics from a place on."""
        training = self.known(uuid).training
        lines, place = self.reading.metrics(training, start)
        return {"metrics": lines, "next": place, "state": training.phase.value}

    def log(self, uuid: str, start: int) -> dict[str, Any]:
        """The log from a byte on."""
        training = self.known(uuid).training
        text, place = self.reading.log(training, start)
        return {"log": text, "next": place, "state": training.phase.value}

    def cancel(self, uuid: str, by: str) -> dict[str, Any]:
        """Have a training end, gracefully first; one that has ended is left as it is."""
        known = self.known(uuid)
        if not known.training.phase.ended:
            self.records.write_once(known.training.place.cancel, {"by": by, "at": now()})
            self._cancel(known)
        return self.summary(known)

    def rerun(self, uuid: str, by: str) -> dict[str, Any]:
        """Begin another training with the same request."""
        old = self.known(uuid).training
        place = Place(old.model, uuids.uuid4().hex)
        fresh = {"uuid": place.uuid, "date": now(), "by": by or old.request.get("by"), "via": "rerun"}
        self.records.write(
            place.request, {**old.request, **fresh, "sweep": None, "rerun_of": old.uuid}, once=True
        )
        return self.accept([place])[0]

    def delete(self, uuid: str) -> dict[str, Any]:
        """Remove a training that has ended and serves nowhere."""
        known = self.known(uuid)
        training = known.training
        if not training.phase.ended:
            raise TrainingError(f"The training {uuid} is {training.phase}; cancel it first.", CONFLICT)
        version = self._version(training)
        newest = self.promotions.versions.newest(training.model)
        if newest is not None and newest.training == uuid:
            raise TrainingError(
                f"The training {uuid} is version {version} and serves; promote another, or roll back.",
                CONFLICT,
            )
        self._refuse_running(training)
        with known.lock:
            self.records.delete(training.place)
            self.view.drop(uuid)
        return {"deleted": uuid}

    def promote(self, uuid: str, *, force: bool, hand: bool, by: str) -> dict[str, Any]:
        """Let a training serve, if its rule says so, for whom HAND it is, or FORCE does."""
        known = self.known(uuid)
        self.settle(known)
        try:
            said = self.promotions.promote(known.training.place, force=force, hand=hand, by=by).body()
        except TrainingError as error:
            if known.training.phase is Phase.DONE:
                self.arrivals.record(known, {"promoted": False, "reason": str(error)})
            raise
        self.arrivals.record(known, said)
        self._renew_versions(known.training.model)
        return {**self.summary(known), **said}

    def rollback(self, model: str, version: int | None, by: str) -> dict[str, Any]:
        """Let an earlier version of a model serve."""
        made = self.promotions.rollback(model, version, by)
        self._renew_versions(model)
        return made.body()

    def sites(self) -> list[dict[str, Any]]:
        """What the sites have, and how much is there."""
        under_way = [known.training for known in self.view.open()]
        return [shown.site(found, under_way) for found in self.reconciler.clusters.offers()]

    def settle(self, known: Known) -> None:
        """Write a training's end at once, if the store knows it."""
        if known.training.phase.ended:
            return
        training = self.reconciler.look(known)
        result = training.own_result() or {}
        if result.get("state") == "done" and training.has("artifact.zip"):
            entry = Entry(0, Phase.DONE, "", training.attempt, training.site, training.job, training.handle)
            self.view.put(self.reconciler.submission.append(training, entry))

    def known(self, uuid: str) -> Known:
        """A training. Raises TrainingError where there is none."""
        if not UUID.fullmatch(uuid) or (known := self.view.get(uuid)) is None:
            raise TrainingError(f"There is no training {uuid}; see `deepwhisk trainings list`.", NOT_FOUND)
        return known

    def summary(self, known: Known) -> dict[str, Any]:
        return shown.summary(known, self._version(known.training))

    def _taken(self, place: Place) -> Known:
        """A training whose request is in the store."""
        if not MODEL.fullmatch(place.model) or not UUID.fullmatch(place.uuid):
            raise TrainingError(f"{place.model}/{place.uuid} is no place of a training.", REFUSED)
        known = self.view.get(place.uuid)
        found = self.records.find(place, known.training) if known else self._fresh(place)
        if found is None:
            raise TrainingError(f"There is no request at {place.request}; write it first.", NOT_FOUND)
        return self.view.put(found)

    def _fresh(self, place: Place) -> Training | None:
        """A training nobody here has seen: what else there is of it comes to light when it is claimed."""
        request = self.records.json(place.request)
        return None if request is None else Training(place, request)

    def _cancel(self, known: Known) -> None:
        """Do now what the loop would do in its next pass."""
        with known.lock:
            found = self.records.find(known.training.place, known.training)
            training = self.view.put(found).training if found else known.training
            if training.claim is None and not training.phase.ended:
                step = decide(training, Seen(None, 0.0))
                if step.do is Do.WRITE and step.entry:
                    self.view.put(self.reconciler.submission.append(training, step.entry))
            elif not training.phase.ended:
                try:
                    self.reconciler.stop(known)
                except RunnerError as error:
                    log.warning("%s will be cancelled later: %s", known.training.uuid, error)

    def _refuse_running(self, training: Training) -> None:
        """Raise TrainingError if its job runs on; one whose training is done has yet a moment to go."""
        cluster = self.reconciler.clusters.get(training.site)
        deadline = time.monotonic() + FAREWELL
        while cluster and training.handle:
            status = (cluster.statuses() or {}).get(training.job)
            if status is None or status.state.over:
                return
            if time.monotonic() > deadline:
                raise TrainingError(
                    f"The job {training.job} has not ended yet; try again in a minute.", CONFLICT
                )
            time.sleep(0.5)

    def _version(self, training: Training) -> int | None:
        return self.view.versions.get(training.model, {}).get(training.uuid)

    def read_versions(self, counted: Mapping[str, int]) -> None:
        """Learn which trainings serve, where there are new versions, and have the actions hold them."""
        for model, count in counted.items():
            if self.view.counted.get(model) != count:
                self._renew_versions(model)
                self.view.counted[model] = count
            try:
                self.promotions.settle(model)
            except (WhiskError, TrainingError) as error:
                log.warning("models/%s will be told its version later: %s", model, error)

    def _renew_versions(self, model: str) -> None:
        found = self.promotions.versions.all(model)
        self.view.versions[model] = {one.training: one.serves for one in found if one.training}


def check(known: Known) -> None:
    """Raise what kept a training from its queue."""
    end = known.training.end
    if end is not None and end.phase is Phase.REFUSED:
        raise TrainingError(end.reason, REFUSED)
    if known.waits and known.training.pending:
        raise TrainingError(f"{known.waits} The training {known.training.uuid} waits.", UNAVAILABLE)


def number(query: dict[str, str], name: str, usual: int, most: int) -> int:
    """A whole number of a query. Raises TrainingError for anything else."""
    said = query.get(name)
    if said is None:
        return usual
    if not said.isdecimal() or int(said) > most:
        raise TrainingError(f"{name} must be a whole number up to {most}, not {said!r}.", 400)
    return int(said)
