"""Compares what the store says of trainings with what runners say of jobs, and mends what differs.

Law: it needs no memory: whatever process dies, the next one does what is left, and nothing twice. A pass asks
each site one question, and the store only about those whose job is over.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deepwhisk.batch.clusters import Cluster, Clusters
from deepwhisk.batch.layout import named
from deepwhisk.batch.node.links import Links
from deepwhisk.batch.records import Listed, Records, Survey
from deepwhisk.batch.runner import Status
from deepwhisk.batch.steps import Do, Seen, Step, decide
from deepwhisk.batch.submission import Submission
from deepwhisk.batch.training import Training, when
from deepwhisk.batch.view import Known, View, held, signature, size_of, sweep_of
from deepwhisk.errors import RunnerError, StoreError, StoreUnreachable, TrainingError, WhiskError

log = logging.getLogger("deepwhisk.batch")

STRAY = 60.0  # seconds after its end in which a job may still say good-bye
Statuses = Mapping[str, Mapping[str, Status] | None]


@dataclass(frozen=True, slots=True)
class Due:
    """A step, and the training that it was decided for."""

    known: Known
    training: Training
    step: Step

    def is_true(self) -> bool:
        """Whether nothing happened to the training in between; ask it with the lock held."""
        now = self.known.training
        return now.history == self.training.history and now.cancel == self.training.cancel


@dataclass(slots=True)
class Reconciler:
    """The loop's two passes: a quick one over what is under way, a whole one over the bucket."""

    records: Records
    view: View
    clusters: Clusters
    submission: Submission
    links: Links
    threads: Executor  # for what waits for nobody
    groups: Executor  # for what waits for those
    gather: float  # seconds in which the rest of a sweep may follow
    passes: dict[str, int] = field(default_factory=lambda: {"quick": 0, "whole": 0, "errors": 0})

    def quick(self) -> None:
        """Take the next step of all that is under way."""
        self.passes["quick"] += 1
        under_way = self.view.open()
        statuses = self._ask({one.training.site for one in under_way} - {""})
        steps = [self._step(one, statuses) for one in under_way]
        list(self.threads.map(self._take, [one for one in steps if one.step.do not in (Do.WAIT, Do.SUBMIT)]))
        self.submit([one for one in steps if one.step.do is Do.SUBMIT])
        self._end_strays(statuses)

    def whole(self) -> Survey:
        """Read what changed in the bucket, renew links, and look for jobs that nobody waits for."""
        self.passes["whole"] += 1
        self.view.begin_listing()
        before = {known.training.uuid for known in self.view.newest()}
        survey = self.records.survey()
        listed = survey.trainings
        list(self.threads.map(self._read, self.view.changed(listed.values())))
        for uuid in before - set(listed):
            self._gone(uuid)
        self._renew(listed)
        self._end_strays(self._ask(set(self.clusters.all)))
        return survey

    def submit(self, waiting: Sequence[Due]) -> None:
        """Submit what waits, a sweep as one, once it is together or no other of it came for a while."""
        groups: dict[str, list[Due]] = {}
        for one in waiting:
            groups.setdefault(sweep_of(one.training) or one.training.uuid, []).append(one)
        list(self.groups.map(self.submit_together, filter(self._is_together, groups.values())))

    def _is_together(self, group: Sequence[Due]) -> bool:
        training = group[0].training
        if len(group) >= size_of(training):
            return True
        of_it = list(self.view.select("", "", sweep_of(training), ""))
        young = time.monotonic() - max((one.since for one in of_it), default=0.0) < self.gather
        return len(of_it) >= size_of(training) or not young

    def look(self, known: Known) -> Training:
        """A training as the store has it now."""
        with known.lock:
            found = self.records.find(known.training.place, known.training)
            if found is not None:
                self.view.put(found)
        return known.training

    def _ask(self, sites: set[str]) -> Statuses:
        asked = [(name, cluster) for name in sorted(sites) if (cluster := self.clusters.get(name))]
        found = self.threads.map(lambda pair: pair[1].statuses(), asked)
        return dict(zip((name for name, _ in asked), found, strict=True))

    def _step(self, known: Known, statuses: Statuses) -> Due:
        training, seen = known.training, self._seen(known, statuses)
        step = decide(training, seen)
        over = seen.status is not None and seen.status.state.over
        if training.claim is None or (not over and (seen.status or seen.away is not None)):
            return Due(known, training, step)
        # The store may know more than memory: its word comes before the runner's.
        training = self.look(known)
        return Due(known, training, decide(training, seen))

    def _seen(self, known: Known, statuses: Statuses) -> Seen:
        training, now = known.training, time.time()
        cluster, answer = self.clusters.get(training.site), statuses.get(training.site)
        if training.site and answer is None:
            away = cluster.away if cluster else STRAY
            why = cluster.reason if cluster else f"no site is called {training.site} any more"
            return Seen(None, now, away=away, why=why)
        status = (answer or {}).get(training.job)
        known.absent = None if status else known.absent or time.monotonic()
        absent = time.monotonic() - known.absent if known.absent else 0.0
        return Seen(status, now, absent=absent, stopped=known.stopped)

    def _take(self, due: Due) -> None:
        """Take a step; what fails is tried again in the next pass."""
        try:
            with due.known.lock:
                if due.is_true():
                    self._act(due.known, due.step)
        except (StoreError, RunnerError) as error:
            self.passes["errors"] += 1
            log.warning("%s: %s", due.step.do, error, extra={"training": due.training.uuid})

    def _act(self, known: Known, step: Step) -> None:
        training = known.training
        if step.do in (Do.STOP, Do.KILL, Do.REPLACE):
            self.stop(known, hard=step.do is not Do.STOP)
        if step.entry is not None:
            if step.entry.attempt > training.attempt:
                self.links.write(training, training.attempt, stop="another attempt follows")
            self.view.put(self.submission.append(training, step.entry))

    def stop(self, known: Known, *, hard: bool = False) -> None:
        """Tell the job of a training to end, by its runner and by its document; gently but once."""
        if known.stopped and not hard:
            return  # whoever asked and the loop came to it together
        training = known.training
        self.links.write(training, training.attempt, stop="it was cancelled")
        if training.handle and (cluster := self.clusters.get(training.site)):
            cluster.runner().cancel(training.handle, hard=hard)
            known.stopped = True

    def submit_together(self, group: Sequence[Due], *, patient: bool = False) -> None:
        """Submit some as one. PATIENT waits for whoever is at one of them; else all are left to that one."""
        with held([one.known for one in group], patient=patient) as all_held:
            try:
                due = [one.training for one in group if one.is_true()] if all_held else []
                for training in self.submission.submit(due) if due else []:
                    self.view.put(training).waits = ""
            except (TrainingError, WhiskError, StoreError, RunnerError) as error:
                self.passes["errors"] += 1
                for one in group:
                    one.known.waits = str(error)
                log.warning("%d trainings wait: %s", len(group), error)

    def _read(self, listed: Listed) -> None:
        known = self.view.get(listed.place.uuid)
        try:
            training = self._found(listed, known)
        except StoreUnreachable:
            raise  # nothing is known of it then, and it is not passed over
        except StoreError as error:
            self.passes["errors"] += 1
            log.warning("%s cannot be read: %s", listed.place.prefix, error)
            return
        known = self.view.put(training)
        known.signature, known.decided = signature(listed), "promotion.json" in listed.objects

    def _found(self, listed: Listed, known: Known | None) -> Training:
        """What has ended before this process began is read whole only when somebody asks for it."""
        if known is None and any(phase.ended for _, phase, _ in listed.states()):
            return self.records.brief(listed)
        return self.records.read(listed, known.training if known else None)

    def _gone(self, uuid: str) -> None:
        """Forget what somebody deleted."""
        known = self.view.get(uuid)
        if known is not None and self.records.find(known.training.place) is None:
            self.view.drop(uuid)

    def _renew(self, listed: Mapping[str, Listed]) -> None:
        """Write the documents anew whose links have lived for a quarter of their time."""
        now = datetime.now(UTC)
        for known in self.view.open():
            training = known.training
            objects = listed[training.uuid].objects if training.uuid in listed else {}
            written = objects.get(f"attempts/{training.attempt}/job.json")
            if (
                training.claim
                and written
                and (now - written.last_modified).total_seconds() > self.links.life / 4
            ):
                self.links.write(
                    training, training.attempt, stop="it was cancelled" if training.cancel else ""
                )

    def _end_strays(self, statuses: Statuses) -> None:
        """End jobs of trainings that have ended, or have gone on to another attempt or site."""
        for name, jobs in statuses.items():
            for job, status in (jobs or {}).items():
                if not status.state.over and self._is_stray(name, job):
                    self._end_stray(self.clusters.all[name], job, status)

    def _is_stray(self, site: str, job: str) -> bool:
        found = named(job)
        known = self.view.get(found[0]) if found else None
        if found is None or known is None:
            return False  # of another deepwhisk, perhaps
        training = known.training
        if training.end is not None:
            return time.time() - when(training.end.at) > STRAY
        return found[1] < training.attempt or bool(training.handle and site != training.site)

    def _end_stray(self, cluster: Cluster, job: str, status: Status) -> None:
        log.warning("ending %s at %s, which nobody waits for", job, cluster.site.name)
        try:
            cluster.runner().cancel(status.handle, hard=True)
        except RunnerError as error:
            log.warning("%s: %s", job, error)
