"""Verdicts over the records of OpenWhisk."""

import json
from typing import Any

import pytest

from deepwhisk.feeds.outcome import Started, judge, missing, started

RULE = Started("guest/r", "guest/a", "a1", True, None)
INACTIVE = Started("guest/off", "guest/b", None, False, "Rule 'guest/off' is inactive, …")


def record(status: str, result: Any = None) -> dict[str, Any]:
    return {"response": {"status": status, "success": status == "success", "result": result}}


def test_the_lines_of_a_triggers_activation_are_read() -> None:
    lines = [
        {"statusCode": 0, "success": True, "rule": "guest/r", "action": "guest/p/a", "activationId": "a1"},
        {
            "statusCode": 1,
            "success": False,
            "rule": "guest/off",
            "action": "guest/b",
            "error": "Rule 'guest/off' is inactive, action 'guest/b' was not activated.",
        },
        {"statusCode": 1, "success": False, "rule": "guest/x", "action": "guest/c", "error": "gone"},
    ]
    found = started({"logs": [json.dumps(line) for line in lines]})

    assert [(one.activation, one.active) for one in found] == [("a1", True), (None, False), (None, True)]


def test_a_verdict_waits_for_every_action() -> None:
    other = Started("guest/s", "guest/b", "b1", True, None)

    assert judge([RULE, other], {"a1": record("success")}) is None


def test_success_of_every_active_rule_confirms() -> None:
    verdict = judge([RULE, INACTIVE], {"a1": record("success")})

    assert verdict
    assert verdict.kind == "confirmed"


def test_an_application_error_is_final_and_its_cause_is_kept() -> None:
    error = {
        "message": "image is not a photograph",
        "cause": "UnidentifiedImageError: x",
        "phase": "arguments",
    }
    verdict = judge([RULE], {"a1": record("application error", {"error": error})})

    assert verdict
    assert verdict.kind == "dead"
    assert verdict.cause == {
        "message": "image is not a photograph",
        "kind": "application error",
        "action": "guest/a",
        "activation": "a1",
        "error": error,
    }


@pytest.mark.parametrize("status", ["action developer error", "whisk internal error"])
def test_other_errors_are_worth_another_fire(status: str) -> None:
    verdict = judge([RULE], {"a1": record(status, {"error": "the container died"})})

    assert verdict
    assert (verdict.kind, verdict.cause["message"]) == ("again", "the container died")


def test_an_application_error_that_says_it_is_transient_is_no_fault_of_the_event() -> None:
    away = {"error": {"message": "the store did not answer", "transient": True}}

    verdict = judge([RULE], {"a1": record("application error", away)})

    assert verdict
    assert verdict.kind == "throttled"
    assert verdict.cause["message"] == "the store did not answer"


def test_a_rule_that_was_throttled_does_not_count_as_a_failure() -> None:
    busy = Started("guest/r", "guest/a", None, True, "Too many concurrent requests in flight (count: 31, …)")
    verdict = judge([busy], {})

    assert verdict
    assert verdict.kind == "throttled"


def test_a_rule_whose_action_is_gone_is_tried_again() -> None:
    gone = Started("guest/r", "guest/a", None, True, "The requested resource does not exist.")
    verdict = judge([gone], {})

    assert verdict
    assert (verdict.kind, verdict.cause["rule"]) == ("again", "guest/r")


def test_a_fire_that_met_no_active_rule_is_held() -> None:
    verdict = judge([INACTIVE], {})

    assert verdict
    assert verdict.kind == "held"


def test_what_nobody_will_see_says_which_activation_is_missing() -> None:
    assert missing(None, "t1").cause["activation"] == "t1"
    assert missing([RULE], "t1").cause["activation"] == "a1"
    assert "guest/a left no outcome" in missing([RULE], "t1").cause["message"]
