"""Every model of the catalog answers its example in each way there is: by curl to its web action, over
OpenWhisk's REST API, on the command line, and when an object arrives in a bucket."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from deepwhisk.deploy.feeding import FeedCall, tell
from deepwhisk.examples import Example, differences, read_examples
from deepwhisk.settings import read_wskprops
from fixtures.machine import ROOT, Machine, until

SECONDS = 120.0
FEED = "/_/feeds/objects"
MODELS = [path.parent.name for path in sorted((ROOT / "catalog").glob("*/model.py"))]
each_model = pytest.mark.parametrize("name", MODELS)


def example_of(name: str) -> Example:
    """The first that is answered in JSON."""
    found = read_examples(ROOT / "catalog" / name)
    return next(each for each in found if "accept" not in each.input)


@each_model
def test_by_curl(machine: Machine, name: str) -> None:
    example = example_of(name)
    at = f"{machine.running.apihost}/api/v1/web/guest/models/{name}/v2/models/{name}/predict/"
    words = ["curl", "--silent", "--show-error", "--max-time", f"{SECONDS:.0f}", at]
    if any(isinstance(value, Path) for value in example.input.values()):
        words += [word for each in example.input.items() for word in ("--form", field(*each))]
    else:
        words += ["--json", json.dumps(example.input)]
    done = subprocess.run(words, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["status"] == "OK", answer
    assert differences(example, answer["predictions"]) == []


def field(name: str, value: Any) -> str:
    return f"{name}=@{value}" if isinstance(value, Path) else f"{name}={value}"


@each_model
def test_over_the_rest_api_of_openwhisk(machine: Machine, name: str) -> None:
    example, properties = example_of(name), read_wskprops(machine.state.wskprops)
    given = {key: in_base64(value) for key, value in example.input.items()}
    answer = requests.post(
        f"{properties['APIHOST']}/api/v1/namespaces/_/actions/models/{name}?blocking=true&result=true",
        json=given,
        auth=tuple(properties["AUTH"].split(":", 1)),
        timeout=SECONDS,
    )

    assert answer.status_code == 200, answer.text
    assert differences(example, answer.json()) == []


def in_base64(value: Any) -> Any:
    return base64.b64encode(value.read_bytes()).decode() if isinstance(value, Path) else value


@each_model
def test_on_the_command_line(machine: Machine, name: str) -> None:
    example = example_of(name)
    inputs = [f"--input={word}" for key, value in example.input.items() for word in words(key, value)]
    done = machine.tool("predict", name, "--json", *inputs)

    assert done.returncode == 0, done.stderr
    assert differences(example, json.loads(done.stdout)) == []


def words(name: str, value: Any) -> Iterator[str]:
    """One for each, or a list as JSON."""
    yield f"{name}={json.dumps(value)}" if isinstance(value, list) else field(name, value)


@each_model
def test_when_an_object_arrives(machine: Machine, name: str) -> None:
    example, bucket = example_of(name), f"in-{name}"
    store = machine.bucket_store(bucket, "results")
    key, content, payload = as_object(example)
    with watched(machine, name, bucket, payload):
        store.put(bucket, key, content)
        found = until(lambda: list(store.list("results", f"{bucket}/")), SECONDS)

    assert found, f"no result of {name}"
    with store.get("results", found[0].key) as body:
        told = json.loads(body.read())
    assert told["event"]["key"] == key
    assert "result" in told, told
    assert differences(example, told["result"]) == []


def as_object(example: Example) -> tuple[str, bytes, dict[str, Any]]:
    """Key and content of the object, and what each fire carries: which argument it is, and the others."""
    name, value = next(iter(example.input.items()))
    rest = {key: each for key, each in example.input.items() if key != name} | {"argument": name}
    if isinstance(value, Path):
        return value.name, value.read_bytes(), rest
    return "text.txt", (value if isinstance(value, str) else json.dumps(value)).encode(), rest


@contextmanager
def watched(machine: Machine, name: str, bucket: str, payload: dict[str, Any]) -> Iterator[None]:
    """A sequence around the model, and a trigger that the bucket's objects fire; both are gone afterwards."""
    whisk, trigger = machine.whisk, f"arrived-{name}"
    steps = ["objects/fetch", f"models/{name}", "objects/store"]
    exec_ = {"kind": "sequence", "components": [f"/_/{step}" for step in steps]}
    whisk.put("actions", f"watch-{name}", {"exec": exec_})
    whisk.put("triggers", trigger, {})
    letters = {"bucket": "results", "prefix": f"{bucket}/"}
    payload = payload | {"results": {"bucket": "results", "prefix": f"{bucket}/"}}
    inputs = {"bucket": bucket, "payload": payload, "deadLetters": letters}
    tell(FeedCall("CREATE", FEED, inputs), trigger, whisk)
    whisk.put("rules", f"on-{name}", {"trigger": f"/_/{trigger}", "action": f"/_/watch-{name}"})
    try:
        yield
    finally:
        tell(FeedCall("DELETE", FEED), trigger, whisk)
        for kind, entity in (("rules", f"on-{name}"), ("triggers", trigger), ("actions", f"watch-{name}")):
            whisk.delete(kind, entity)
