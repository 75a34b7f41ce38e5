"""What is counted is what Prometheus reads."""

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deepwhisk.engine.activations import Record
from deepwhisk.engine.invocation import APPLICATION_ERROR, Usage
from deepwhisk.engine.limits import Limits
from deepwhisk.engine.metrics import Metrics
from fixtures.engine import Api, Whisk, a_whisk

RECORD = Record(
    id="0" * 32,
    subject="guest",
    namespace="guest",
    name="a",
    path="p/a",
    version="0.0.1",
    start=0,
    end=3,
    duration=3,
    result={},
    size=200,
    annotations={"path": "whisk.system/p/a", "kind": "python:3", "waitTime": 20, "limits": {"memory": 256}},
    usage=Usage(0.5, 1000),
)
WHO = {"namespace": "whisk.system", "initiator": "guest", "action": "p/a"}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(metrics: Metrics) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, "Prometheus refuses a sample that is there twice"
            found[key] = sample.value
    return found


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset((WHO | labels).items())))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(lambda: {"containers_busy": 2}, {("timed", "guest"): 7})


def test_an_activation_counts_under_openwhisks_names_and_labels(metrics: Metrics) -> None:
    metrics.record(RECORD)
    metrics.record(replace(RECORD, status=APPLICATION_ERROR))
    found = samples(metrics)

    assert value(found, "openwhisk_action_activations_total", kind="python:3", memory="256") == 2
    assert value(found, "openwhisk_action_status", status="success") == 1
    assert value(found, "openwhisk_action_status", status="application_error") == 1
    assert value(found, "openwhisk_action_status", status="action_developer_error") == 0
    assert value(found, "openwhisk_action_memory") == 256 << 20


def test_times_and_sizes_are_histograms_in_seconds_and_bytes(metrics: Metrics) -> None:
    metrics.record(RECORD)
    found = samples(metrics)

    assert value(found, "openwhisk_action_duration_seconds_sum") == 0.003
    assert value(found, "openwhisk_action_duration_seconds_bucket", le="0.0025") == 0
    assert value(found, "openwhisk_action_duration_seconds_bucket", le="0.005") == 1
    assert value(found, "openwhisk_action_duration_seconds_bucket", le="+Inf") == 1
    assert value(found, "openwhisk_action_waitTime_seconds_sum") == 0.02
    assert value(found, "openwhisk_action_response_size_bytes_bucket", le="100.0") == 0
    assert value(found, "openwhisk_action_response_size_bytes_bucket", le="1000.0") == 1


def test_only_an_init_is_a_cold_start(metrics: Metrics) -> None:
    metrics.record(RECORD)
    metrics.record(replace(RECORD, annotations={**RECORD.annotations, "initTime": 40}))
    found = samples(metrics)

    assert value(found, "openwhisk_action_coldStarts_total") == 1
    assert value(found, "openwhisk_action_initTime_seconds_sum") == 0.04


def test_processor_time_adds_up_and_the_peak_of_memory_stays(metrics: Metrics) -> None:
    metrics.record(RECORD)
    metrics.record(replace(RECORD, usage=Usage(0.25, 10)))
    metrics.record(replace(RECORD, usage=None))
    found = samples(metrics)

    assert value(found, "deepwhisk_action_cpu_seconds_total") == 0.75
    assert value(found, "deepwhisk_action_memory_peak_bytes") == 1000


def test_an_action_that_was_given_other_limits_is_still_one_series(metrics: Metrics) -> None:
    metrics.record(RECORD)
    metrics.record(replace(RECORD, annotations={**RECORD.annotations, "limits": {"memory": 512}}))
    found = samples(metrics)

    assert value(found, "openwhisk_action_activations_total", kind="python:3", memory="256") == 1
    assert value(found, "openwhisk_action_activations_total", kind="python:3", memory="512") == 1
    assert value(found, "openwhisk_action_memory") == 512 << 20


def test_a_refusal_counts_for_its_namespace(metrics: Metrics) -> None:
    found = samples(metrics)

    namespace = frozenset({("namespace", "guest")})
    assert found["openwhisk_action_limit_timed_total", namespace] == 7
    assert ("openwhisk_action_limit_concurrent_total", namespace) not in found


def test_gauges_are_asked_when_they_are_read(metrics: Metrics) -> None:
    assert samples(metrics)["deepwhisk_containers_busy", frozenset()] == 2
    assert samples(metrics)["process_resident_memory_bytes", frozenset()] > 0


async def test_prometheus_is_answered_on_this_machine(api: Api) -> None:
    await api.make("a")
    await api("POST", "actions/a?blocking=true")
    answer = await api.with_credentials(None)("GET", "/metrics")

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    labels = 'action="a",initiator="guest",kind="python:3",memory="256",namespace="guest"'
    assert f"openwhisk_action_activations_total{{{labels}}} 1.0" in answer.body.decode()


async def test_through_a_proxy_only_the_operator_is_answered(whisk: Whisk) -> None:
    for asking, status in ((whisk.nobody, 401), (whisk.api, 403), (whisk.system, 200)):
        assert (await asking("GET", "/metrics", X_Forwarded_For="192.0.2.1")).status == status


async def test_components_of_a_sequence_count_too(api: Api) -> None:
    await api.make("a")
    await api.put("actions/s", {"exec": {"kind": "sequence", "components": ["/_/a", "/_/a"]}})
    await api("POST", "actions/s?blocking=true")
    text = (await api("GET", "/metrics")).body.decode()

    assert (
        'openwhisk_action_status{action="a",initiator="guest",namespace="guest",status="success"} 2.0' in text
    )
    assert (
        'openwhisk_action_status{action="s",initiator="guest",namespace="guest",status="success"} 1.0' in text
    )


async def test_a_call_over_the_limit_counts_as_refused(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state", limits=Limits(invocations_per_minute=1)) as whisk:
        await whisk.api.make("a")
        statuses = [(await whisk.api("POST", "actions/a?blocking=true")).status for _ in range(3)]
        text = (await whisk.api("GET", "/metrics")).body.decode()

    refused = statuses.count(429)
    assert refused > 0  # of three, even when a minute ends in between
    assert f'openwhisk_action_limit_timed_total{{namespace="guest"}} {refused}.0' in text
