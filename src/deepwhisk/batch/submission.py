"""Hands trainings to a runner: claimed in the store first, submitted then, recorded last.

Law: of all services that look at one bucket, only the one whose claim nobody contests submits; what was
submitted and not recorded is found at the runner by its name. So a training runs once, whoever is killed.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from deepwhisk.batch.clusters import Clusters
from deepwhisk.batch.node.links import GRACE, Links
from deepwhisk.batch.placement import Chosen, Found, NoneReachable, rank
from deepwhisk.batch.plan import Planner
from deepwhisk.batch.records import Records
from deepwhisk.batch.runner import Job
from deepwhisk.batch.training import Entry, Phase, Training
from deepwhisk.batch.wanted import Wanted
from deepwhisk.errors import ObjectExists, RunnerRefused, RunnerUnreachable, TrainingError

log = logging.getLogger("deepwhisk.batch")


@dataclass(frozen=True, slots=True)
class Submission:
    """Everything that submitting needs; safe to share between threads."""

    records: Records
    planner: Planner
    links: Links
    clusters: Clusters
    threads: Executor
    script: str
    identity: str  # of this service, in its claims

    def submit(self, trainings: Sequence[Training]) -> list[Training]:
        """Hand trainings over, those that are alike as one; gives them as they are afterwards.

        Raises TrainingError with status 503 when no site that might take them answers: they keep waiting.
        """
        planned = list(self.threads.map(self.planned, trainings))
        left = [one for one in planned if not one.phase.ended]
        groups: dict[str, list[Training]] = {}
        for one in left:
            groups.setdefault(_likeness(one), []).append(one)
        handed = [one for group in groups.values() for one in self._placed(group)]
        known = {one.uuid: one for one in [*planned, *handed]}
        return [known[one.uuid] for one in trainings]

    def planned(self, training: Training) -> Training:
        """The training with its plan; refused when there can be none."""
        try:
            return replace(training, plan=self.planner.plan(training))
        except TrainingError as error:
            return self._refused(training, str(error))

    def _placed(self, group: Sequence[Training]) -> list[Training]:
        """Offer a group to one site after the other."""
        wanted = Wanted.read((group[0].plan or {}).get("resources") or {})
        try:
            chosen = rank(self._offers(group[0]), wanted, _buckets(group[0]))
        except NoneReachable:
            raise
        except TrainingError as error:
            return [self._refused(one, str(error)) for one in group]
        return self._offered(group, chosen)

    def _offers(self, training: Training) -> list[Found]:
        site = training.request.get("site")
        if site and self.clusters.get(str(site)) is None:
            names = ", ".join(self.clusters.all)
            raise TrainingError(f"There is no site {site!r}; there are {names}.")
        return self.clusters.offers(str(site) if site else None)

    def _offered(self, group: Sequence[Training], sites: Iterable[Chosen]) -> list[Training]:
        left, done, said = list(group), list[Training](), list[str]()
        for chosen in sites:
            taken, left, why = self._handed(left, chosen, "; ".join(said))
            done += taken
            if not left:
                break
            said.append(f"{chosen.site.name} refused it: {why}")
        return [*done, *(self._refused(one, "; ".join(said)) for one in left)]

    def _handed(
        self, group: Sequence[Training], chosen: Chosen, reason: str
    ) -> tuple[list[Training], list[Training], str]:
        """Claim and submit: what the site took, or others claimed; what it refused, and why."""
        claimed = list(self.threads.map(lambda one: self._claimed(one, chosen, reason), group))
        ours = [one for one, mine in claimed if mine]
        others = [one for one, mine in claimed if not mine]
        cluster = self.clusters.all[chosen.site.name]
        try:
            handles = cluster.runner().submit([self._job(one, chosen) for one in ours]) if ours else []
        except RunnerUnreachable as error:
            # It may have arrived: whoever reconciles asks for the names.
            log.warning("%s may or may not have %d jobs: %s", chosen.site.name, len(ours), error)
            return [*others, *ours], [], ""
        except RunnerRefused as error:
            taken, left = self._in_spite(ours, chosen)
            return [*others, *taken], left, str(error)
        pairs = zip(ours, handles, strict=True)
        return [*others, *self.threads.map(lambda pair: self._queued(*pair), pairs)], [], ""

    def _claimed(self, training: Training, chosen: Chosen, reason: str) -> tuple[Training, bool]:
        """The training with our claim, or as another one left it; and whether it is ours to submit."""
        number, name = training.attempt, chosen.site.name
        self.links.write(training, number, container=chosen.site.container or "")
        entry = Entry(0, Phase.SUBMITTED, "", number, name, training.job, reason=reason, by=self.identity)
        try:
            claimed = self.records.append(training, entry)
        except ObjectExists:
            return self.records.find(training.place, training) or training, False
        found = self.records.find(training.place, claimed) or claimed
        known = {(one.number, one.phase) for one in claimed.history}
        rivals = [one for one in found.history if (one.number, one.phase) not in known]
        contested = any(one.phase is Phase.SUBMITTED for one in rivals)
        return found, not (contested or found.cancel or found.phase.ended)

    def _in_spite(self, group: Sequence[Training], chosen: Chosen) -> tuple[list[Training], list[Training]]:
        """Of a group that was refused: what the runner has taken all the same, and the rest."""
        statuses = self.clusters.all[chosen.site.name].statuses() if len(group) > 1 else {}
        if statuses is None:
            return list(group), []
        taken = [self._queued(one, statuses[one.job].handle) for one in group if one.job in statuses]
        return taken, [one for one in group if one.job not in statuses]

    def _queued(self, training: Training, handle: str) -> Training:
        entry = Entry(0, Phase.QUEUED, "", training.attempt, training.site, training.job, handle)
        return self.append(training, entry)

    def _refused(self, training: Training, reason: str) -> Training:
        return self.append(training, Entry(0, Phase.REFUSED, "", training.attempt, reason=reason))

    def append(self, training: Training, entry: Entry) -> Training:
        """The training with the entry; where another one wrote the same first, with theirs."""
        try:
            written = self.records.append(training, entry)
        except ObjectExists:
            return self.records.find(training.place, training) or training
        about = (training.uuid, entry.phase.value, f": {entry.reason}" if entry.reason else "")
        log.info("%s is %s%s", *about, extra={"training": training.uuid, "site": entry.site})
        return written

    def _job(self, training: Training, chosen: Chosen) -> Job:
        link = self.links.entrance(training, training.attempt)
        image = (training.plan or {}).get("image")
        return Job(training.job, self.script, chosen.resources, {"DEEPWHISK_JOB": link}, GRACE, image)


def _likeness(training: Training) -> str:
    """Equal for trainings that one array can hold."""
    plan = training.plan or {}
    alike = (training.model, training.request.get("site"), plan.get("resources"), plan.get("image"))
    return json.dumps(alike, sort_keys=True, default=str)


def _buckets(training: Training) -> set[str]:
    files = (training.plan or {}).get("files") or {}
    return {str(one["bucket"]) for some in files.values() for one in some}
