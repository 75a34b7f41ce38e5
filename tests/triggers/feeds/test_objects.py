"""The feed action forwards, and says what was refused."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from deepwhisk.cli.ports import hold_any
from deepwhisk.sockets import number
from feeds.process import FeedProcess
from feeds.standin import AUTH, StandIn

SOURCE = Path(__file__).parents[3] / "triggers" / "feeds" / "objects.py"


@pytest.fixture(scope="module")
def action() -> ModuleType:
    """The action as a container loads it."""
    spec = importlib.util.spec_from_file_location("feed_action", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arguments(url: str, event: str, **parameters: object) -> dict[str, object]:
    told = {"lifecycleEvent": event, "triggerName": "/_/t", "authKey": AUTH, "__ow_headers": {"x": "y"}}
    return {"feed_url": url, **told, **parameters}


def test_the_round_trip_of_a_feed(action: ModuleType, feed: FeedProcess, bucket: str) -> None:
    created = action.main(arguments(feed.url, "CREATE", bucket=bucket, prefix="in/"))
    read = action.main(arguments(feed.url + "/", "READ"))
    action.main(arguments(feed.url, "DELETE"))

    assert created["trigger"] == "/guest/t"
    assert read["config"]["prefix"] == "in/"
    assert "no feed of the trigger" in action.main(arguments(feed.url, "READ"))["error"]


def test_a_refusal_is_an_error_in_the_services_words(action: ModuleType, feed: FeedProcess) -> None:
    answer = action.main(arguments(feed.url, "CREATE", bucket="x", sufix=".jpg"))

    assert answer == {
        "error": "unknown parameter sufix; "
        "a feed takes bucket, prefix, suffix, startFrom, payload, deadLetters, retries"
    }


def test_a_service_that_is_away_is_said_to_be(action: ModuleType) -> None:
    with hold_any("127.0.0.1") as silent:
        answer = action.main(arguments(f"http://127.0.0.1:{number(silent)}", "READ"))

    assert "does not answer: ConnectionError; is `deepwhisk up` running?" in answer["error"]


def test_a_package_without_its_input_says_which(action: ModuleType) -> None:
    assert "feed_url is not set" in action.main({"lifecycleEvent": "READ"})["error"]


def test_something_else_at_the_address_is_said_to_be_no_feed(action: ModuleType, standin: StandIn) -> None:
    answer = action.main(arguments(standin.apihost, "READ"))

    assert "is no feed service: it answered 404 without JSON" in answer["error"]
