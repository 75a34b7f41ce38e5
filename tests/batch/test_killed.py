"""The service killed at every step of the loop: before and after each write, and each word to a runner."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deepwhisk.batch import reconcile, steps
from deepwhisk.batch.layout import BUCKET
from deepwhisk.batch.runner import State
from deepwhisk.batch.training import Training
from deepwhisk.objects.store import Object
from deepwhisk.objects.stores.memory import MemoryStore
from fixtures.trainings import Actions, Cluster, Office, Open

MOST = 200


class Killed(BaseException):
    """What a process that is dead does: nothing, from any thread."""


class Fate:
    """Counts the steps of one process, and kills it at one of them."""

    def __init__(self, at: int) -> None:
        self.at, self.steps = at, 0
        self._lock = threading.Lock()

    def step(self) -> None:
        with self._lock:
            self.steps += 1
            if self.steps >= self.at:
                raise Killed

    def around(self, act: Callable[[], Any]) -> Any:
        self.step()
        done = act()
        self.step()
        return done


class MortalStore(MemoryStore):
    """The store as one process sees it until it is killed."""

    def __init__(self, real: MemoryStore, fate: Fate) -> None:
        self._real, self._fate = real, fate

    def put(self, bucket: str, key: str, body: Any, **more: Any) -> Object:
        return self._fate.around(lambda: self._real.put(bucket, key, body, **more))  # type: ignore[no-any-return]

    def get(self, bucket: str, key: str) -> Any:
        return self._real.get(bucket, key)

    def head(self, bucket: str, key: str) -> Object:
        return self._real.head(bucket, key)

    def list(self, bucket: str, prefix: str = "") -> Iterator[Object]:
        return self._real.list(bucket, prefix)

    def link(self, bucket: str, key: str, **more: Any) -> str:
        return self._real.link(bucket, key, **more)


class MortalCluster(Cluster):
    """The runner as one process sees it until it is killed."""

    def __init__(self, real: Cluster, fate: Fate) -> None:
        super().__init__()
        self.real, self.fate = real, fate

    def submit(self, jobs: Any) -> list[str]:
        return self.fate.around(lambda: self.real.submit(jobs))  # type: ignore[no-any-return]

    def cancel(self, handle: str, *, hard: bool = False) -> None:
        self.fate.around(lambda: self.real.cancel(handle, hard=hard))

    def statuses(self) -> dict[str, Any]:
        return self.real.statuses()


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATIENCE", "LOST", "AWAY"):
        monkeypatch.setattr(steps, name, -1.0)
    monkeypatch.setattr(reconcile, "STRAY", -1.0)


class Story:
    """One cluster and one store that outlive every service; what happens there, whoever looks."""

    def __init__(self, offices: Open) -> None:
        self._offices = offices
        self.store = MemoryStore(buckets=[BUCKET, "pictures"])
        self.cluster, self.actions = Cluster(), Actions()
        self.steps = 0

    def service(self, at: int = 1 << 30) -> tuple[Office, Fate]:
        """A service that will be killed at a step."""
        fate = Fate(at)
        like = Office(None, self.store, None, {}, self.actions)  # type: ignore[arg-type]
        like.clusters = {"local": MortalCluster(self.cluster, fate)}
        return self._offices(MortalStore(self.store, fate), like=like), fate

    def tell(self, at: int, chapters: list[Callable[[Office], None]]) -> None:
        """Play it; a service that is killed is followed by another that starts from the store."""
        office, fate = self.service(at)
        for chapter in chapters:
            try:
                chapter(office)
            except Killed:
                office, fate = self.service()
                office.desk.reconciler.whole()
                chapter(office)
        self.steps = fate.steps
        for _ in range(4):
            office.desk.reconciler.whole()
            office.look()
        self.last = office


def every_step(offices: Open, tell: Callable[[Story, int], None]) -> Iterator[Story]:
    """The story without a death, then with one at each of its steps."""
    whole = Story(offices)
    tell(whole, 1 << 30)
    yield whole
    assert 0 < whole.steps < MOST
    for at in range(1, whole.steps + 1):
        story = Story(offices)
        tell(story, at)
        yield story


def ran_once(story: Story) -> None:
    """No job was submitted twice, and none runs that nobody follows."""
    names = [job.name for job in story.cluster.submitted]
    assert len(names) == len(set(names)), names


def test_a_training_is_done_once_wherever_the_service_is_killed(offices: Open) -> None:
    def tell(story: Story, at: int) -> None:
        writer, _ = story.service()
        place = writer.request()

        def accept(office: Office) -> None:
            office.desk.accept([place])

        def run(office: Office) -> None:
            if not story.cluster.jobs:
                office.look()
            training = Training(place, {})
            story.cluster.set(training, State.RUNNING, node="n1")
            office.look()

        def end(office: Office) -> None:
            training = Training(place, {})
            writer.writes(training, "artifact.zip", b"zip")
            writer.writes(training, "result.json", {"state": "done", "artifact": {"sha256": "0"}})
            story.cluster.set(training, State.DONE)
            office.look()

        story.tell(at, [accept, run, end])
        found = story.last.stored(story.last.training(place.uuid))
        assert found.phase.value == "done"
        assert [entry.phase.value for entry in found.history][-2:] == ["running", "done"]
        assert found.handle == "1"

    for story in every_step(offices, tell):
        ran_once(story)


def test_an_interrupted_training_goes_on_once_wherever_the_service_is_killed(offices: Open) -> None:
    def tell(story: Story, at: int) -> None:
        writer, _ = story.service()
        place = writer.request()

        def accept(office: Office) -> None:
            office.desk.accept([place])

        def interrupt(office: Office) -> None:
            if not story.cluster.jobs:
                office.look()
            training = Training(place, {})
            writer.writes(training, "checkpoint.zip", b"so far")
            writer.writes(training, "result.json", {"state": "interrupted", "message": "time is over"})
            story.cluster.set(training, State.TIMEOUT)
            office.look()

        def again(office: Office) -> None:
            office.look()

        story.tell(at, [accept, interrupt, again])
        found = story.last.stored(story.last.training(place.uuid))
        assert (found.attempt, found.phase.value) == (2, "queued")
        assert [job.name for job in story.cluster.submitted] == [
            f"deepwhisk-{place.uuid}-1",
            f"deepwhisk-{place.uuid}-2",
        ]

    for story in every_step(offices, tell):
        ran_once(story)


def test_a_cancelled_training_is_cancelled_wherever_the_service_is_killed(offices: Open) -> None:
    def tell(story: Story, at: int) -> None:
        writer, _ = story.service()
        place = writer.request()

        def accept(office: Office) -> None:
            office.desk.accept([place])

        def cancel(office: Office) -> None:
            office.desk.cancel(place.uuid, "me")
            office.look()

        def end(office: Office) -> None:
            for _ in range(2):
                office.look()
            if story.cluster.jobs:
                assert story.cluster.cancelled
                story.cluster.set(Training(place, {}), State.CANCELLED)

        story.tell(at, [accept, cancel, end])
        found = story.last.stored(story.last.training(place.uuid))
        assert found.phase.value == "cancelled"
        assert found.cancel is not None

    for story in every_step(offices, tell):
        ran_once(story)


def test_a_sweep_runs_each_of_its_trainings_once_wherever_the_service_is_killed(offices: Open) -> None:
    def tell(story: Story, at: int) -> None:
        writer, _ = story.service()
        places = [writer.request(sweep={"id": "a" * 32, "index": index, "of": 3}) for index in range(3)]

        def accept(office: Office) -> None:
            office.desk.accept(places)

        story.tell(at, [accept])
        assert {story.last.training(place.uuid).phase.value for place in places} == {"queued"}
        assert len(story.cluster.submitted) == 3

    for story in every_step(offices, tell):
        ran_once(story)
