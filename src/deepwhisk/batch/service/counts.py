"""What the service counts, for Prometheus: `GET /metrics`."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deepwhisk.batch.service.desk import Desk
from deepwhisk.batch.training import Phase


class Counts(Collector):
    """Trainings by state, looks of the loop, questions to sites and whether they answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """What the registry asks for."""
        phases = Counter(known.training.phase for known in self._desk.view.newest())
        trainings = GaugeMetricFamily("deepwhisk_trainings", "Trainings by state.", labels=("state",))
        for phase in Phase:
            trainings.add_metric((phase.value,), phases[phase])
        passes = CounterMetricFamily("deepwhisk_batch_passes", "Looks of the loop.", labels=("pass",))
        for name, count in self._desk.reconciler.passes.items():
            passes.add_metric((name,), count)
        yield from (trainings, passes, *self._sites())

    def _sites(self) -> Iterable[Metric]:
        about = "Questions for all jobs of a site."
        questions = CounterMetricFamily("deepwhisk_batch_questions", about, labels=("site",))
        about = "Whether a site answered when it was asked last."
        reachable = GaugeMetricFamily("deepwhisk_batch_site_reachable", about, labels=("site",))
        for name, cluster in self._desk.reconciler.clusters.all.items():
            questions.add_metric((name,), cluster.questions)
            reachable.add_metric((name,), int(cluster.since is None))
        return questions, reachable
