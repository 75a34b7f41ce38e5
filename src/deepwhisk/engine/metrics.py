"""What the engine counts, for Prometheus: `GET /metrics`.

Names and labels of `openwhisk_…` are those of OpenWhisk's own user metrics (its service `user-events`), so
that dashboards made for those work; what it has no name for is `deepwhisk_…`. Times are seconds, sizes bytes.
Counting is on the path of every call and therefore plain; the library writes it out when it is asked for.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from deepwhisk.engine.activations import Record

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATUSES = ("success", "application_error", "action_developer_error", "whisk_internal_error")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
BYTES = (100.0, 1e3, 1e4, 1e5, 1e6)
_ACTION = ("namespace", "initiator", "action")
_MEBIBYTE = 1 << 20

Gauges = Callable[[], dict[str, float]]


class Spread:
    """A histogram: how many values lie up to each bound, and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def written(self) -> tuple[list[tuple[str, float]], float]:
        """As Prometheus has it: cumulative counts by upper bound, and the sum."""
        names = (*map(str, self._bounds), "+Inf")
        return list(zip(names, accumulate(self._counts), strict=True)), self._sum


@dataclass(slots=True)
class Series:
    """All measures of one action, as one namespace calls it."""

    labels: tuple[str, str, str]
    activations: Counter[tuple[str, int]] = field(default_factory=Counter)  # by kind and memory limit in MB
    cold_starts: int = 0
    status: list[int] = field(default_factory=lambda: [0] * len(STATUSES))
    wait: Spread = field(default_factory=Spread)
    init: Spread = field(default_factory=Spread)
    duration: Spread = field(default_factory=Spread)
    size: Spread = field(default_factory=lambda: Spread(BYTES))
    memory: int = 0  # MB, the limit of the last call
    cpu: float = 0.0
    memory_peak: int = 0

    def add(self, record: Record) -> None:
        notes = record.annotations
        memory = notes["limits"]["memory"] if "limits" in notes else 0
        self.activations[notes.get("kind", "unknown"), memory] += 1
        self.memory = memory
        self.status[record.status] += 1
        self.wait.add(notes.get("waitTime", 0) / 1000)
        self.duration.add((record.duration or 0) / 1000)
        if "initTime" in notes:
            self.cold_starts += 1
            self.init.add(notes["initTime"] / 1000)
        if record.size is not None:
            self.size.add(record.size)
        if record.usage is not None:
            self.cpu += record.usage.cpu
            self.memory_peak = max(self.memory_peak, record.usage.memory)


_SPREADS: tuple[tuple[str, str, Callable[[Series], Spread]], ...] = (
    ("waitTime_seconds", "From a call to its container.", lambda one: one.wait),
    ("initTime_seconds", "Initialization of a container.", lambda one: one.init),
    ("duration_seconds", "Init and run.", lambda one: one.duration),
    ("response_size_bytes", "What actions answered.", lambda one: one.size),
)


class Metrics(Collector):
    """The counts of one engine since it started; GAUGES are asked when they are to be written.

    REFUSED is what throttles count: by limit, `concurrent` or `timed`, and namespace.
    """

    def __init__(self, gauges: Gauges, refused: Mapping[tuple[str, str], int]) -> None:
        self._gauges = gauges
        self._refused = refused
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        self._series: dict[tuple[str, str], Series] = {}

    def record(self, record: Record) -> None:
        """Count one activation of an action, a sequence or a composition."""
        key = (record.annotations.get("path", record.path), record.namespace)
        series = self._series.get(key)
        if series is None:
            namespace, _, action = key[0].partition("/")
            series = self._series[key] = Series((namespace, record.namespace, action))
        series.add(record)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """What the registry asks for."""
        yield from _actions(list(self._series.values()))
        for what in ("concurrent", "timed"):
            refused = CounterMetricFamily(
                f"openwhisk_action_limit_{what}", f"Refused by the {what} limit.", labels=("namespace",)
            )
            for (_, namespace), count in filter(lambda item: item[0][0] == what, self._refused.items()):
                refused.add_metric((namespace,), count)
            yield refused
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(f"deepwhisk_{name}", name.replace("_", " ").capitalize() + ".", value)


def _actions(series: list[Series]) -> Iterable[Metric]:
    calls = CounterMetricFamily(
        "openwhisk_action_activations", "Activations.", labels=(*_ACTION, "kind", "memory")
    )
    cold = CounterMetricFamily("openwhisk_action_coldStarts", "Containers initialized.", labels=_ACTION)
    # It counts, but OpenWhisk's name for it has no `_total`, which every counter's must have.
    status = GaugeMetricFamily(
        "openwhisk_action_status", "Activations by status.", labels=(*_ACTION, "status")
    )
    limit = GaugeMetricFamily("openwhisk_action_memory", "Memory limit of a container.", labels=_ACTION)
    cpu = CounterMetricFamily("deepwhisk_action_cpu_seconds", "Processor time used.", labels=_ACTION)
    peak = GaugeMetricFamily("deepwhisk_action_memory_peak_bytes", "Most memory wanted.", labels=_ACTION)
    for one in series:
        for (kind, memory), count in one.activations.items():
            calls.add_metric((*one.labels, kind, str(memory)), count)
        cold.add_metric(one.labels, one.cold_starts)
        limit.add_metric(one.labels, one.memory * _MEBIBYTE)
        cpu.add_metric(one.labels, one.cpu)
        peak.add_metric(one.labels, one.memory_peak)
        for name, count in zip(STATUSES, one.status, strict=True):
            status.add_metric((*one.labels, name), count)
    yield from (calls, cold, status, limit, cpu, peak)
    yield from _spreads(series)


def _spreads(series: list[Series]) -> Iterable[Metric]:
    for name, about, pick in _SPREADS:
        family = HistogramMetricFamily(f"openwhisk_action_{name}", about, labels=_ACTION)
        for one in series:
            buckets, total = pick(one).written()
            family.add_metric(one.labels, buckets, total)
        yield family
