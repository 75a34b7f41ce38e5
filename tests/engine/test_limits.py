"""Limits of actions and of requests: bounds, types and their sentences."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.engine import Limits
from deepwhisk.engine.limits import ActionLimits, read_limits
from deepwhisk.engine.problems import Problem
from deepwhisk.keeper.memory import machine
from fixtures.engine import ECHO, Api, a_whisk

STOCK = replace(Limits.openwhisk(), concurrent_invocations=30)
MALFORMED = "The request content was malformed:\n"
REQUIRED = "requirement failed: "


def read(**limits: Any) -> ActionLimits:
    return read_limits({"limits": limits}, ActionLimits(), STOCK)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (
            {"timeout": 300_001},
            REQUIRED + "duration 300001 milliseconds exceeds allowed threshold of 300000 milliseconds",
        ),
        ({"timeout": 99}, REQUIRED + "duration 99 milliseconds below allowed threshold of 100 milliseconds"),
        ({"timeout": -5}, REQUIRED + "duration -5 milliseconds below allowed threshold of 100 milliseconds"),
        ({"memory": 1024}, REQUIRED + "memory size 1024 MB exceeds allowed threshold of 512 MB"),
        ({"memory": 127}, REQUIRED + "memory size 127 MB below allowed threshold of 128 MB"),
        ({"logs": 11}, REQUIRED + "log size 11 MB exceeds allowed threshold of 10 MB"),
        ({"concurrency": 2}, REQUIRED + "concurrency 2 exceeds allowed threshold of 1"),
        (
            {"instances": 31},
            "Max action instance concurrency must not exceed your namespace concurrency of 30.",
        ),
        ({"timeout": "1000"}, MALFORMED + "time limit malformed"),
        ({"memory": True}, MALFORMED + "memory limit malformed"),
        ({"logs": []}, MALFORMED + "log limit malformed"),
        ({"concurrency": "1"}, MALFORMED + "concurrency limit malformed"),
        ({"timeout": 1.5}, MALFORMED + REQUIRED + "time limit must be whole number"),
        ({"concurrency": 1.5}, MALFORMED + REQUIRED + "intra concurrency limit must be whole number"),
        ({"logs": -1}, MALFORMED + REQUIRED + "a negative size of an object is not allowed."),
    ],
)
def test_a_limit_out_of_bounds_says_which(limits: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem) as caught:
        read(**limits)

    assert (caught.value.status, caught.value.message) == (400, says)


@pytest.mark.parametrize("value", [[], "x", 7])
def test_limits_that_are_no_object_are_refused(value: object) -> None:
    with pytest.raises(Problem, match="Object expected in field 'timeout'"):
        read_limits({"limits": value}, ActionLimits(), STOCK)


def test_what_is_left_out_or_null_stays() -> None:
    old = ActionLimits(timeout=500, memory=128)

    assert read_limits({"limits": {"timeout": 1000.0, "memory": None}}, old, STOCK) == ActionLimits(1000, 128)
    assert read_limits({}, old, STOCK) is old


def test_an_action_may_have_what_the_machine_has() -> None:
    most = Limits.machine()

    assert most.max_memory == int(machine() * 0.7) >> 20
    assert most.max_timeout == 3_600_000
    assert most.max_concurrency == 64


async def test_the_prefix_reaches_the_client(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state", limits=STOCK) as whisk:
        body = {"exec": {"kind": "python:3", "code": ECHO}, "limits": {"memory": 513}}
        answer = await whisk.api("PUT", "actions/a", body)

    assert answer.error == REQUIRED + "memory size 513 MB exceeds allowed threshold of 512 MB"


async def test_parameters_annotations_and_code_have_a_largest_size(api: Api) -> None:
    large = [{"key": "p", "value": "x" * 1048577}]
    exec_ = {"kind": "python:3", "code": ECHO}
    for member in ("parameters", "annotations"):
        answer = await api("PUT", "actions/a", {"exec": exec_, member: large})
        assert (answer.status, answer.error) == (
            413,
            f"{member} larger than allowed: 1048580 > 1048576 bytes.",
        )
    code = await api("PUT", "actions/a", {"exec": {"kind": "python:3", "code": "#" * 50331649}})
    assert (code.status, code.error) == (413, "exec larger than allowed: 50331649 > 50331648 bytes.")


async def test_a_body_over_50_mebibytes_is_refused(api: Api) -> None:
    answer = await api("PUT", "actions/a", raw=b"x" * (51 << 20))

    assert (answer.status, answer.body) == (400, b"Request too large")
    assert "X-Request-ID" not in answer.headers


async def test_a_payload_over_a_mebibyte_is_refused(api: Api) -> None:
    await api.make("a")
    await api.put("triggers/t")
    raw = b'{"p":"' + b"x" * (1 << 20) + b'"}'
    for path in ("actions/a?blocking=true", "triggers/t"):
        answer = await api("POST", path, raw=raw)
        assert (answer.status, answer.error) == (
            413,
            f"Request larger than allowed: {len(raw)} > 1048576 bytes.",
        )


async def test_limits_of_a_namespace_can_be_read(api: Api) -> None:
    limits = (await api("GET", "limits")).json

    assert limits["maxParameterSize"] == "1048576 B"
    assert limits["maxActionTimeout"] == 3_600_000
    assert (await api("POST", "limits", {})).status == 404
