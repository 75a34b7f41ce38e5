"""OpenWhisk's official JavaScript client against a real engine: it cannot tell the difference."""

import base64
import io
import uuid
import zipfile
from typing import Any

import pytest
import requests

from fixtures.engine import Engine, wait_until
from fixtures.foreign import Take

HELLO = "def main(args):\n    print('said')\n    return {'hello': args.get('name', 'nobody')}\n"
BROKEN = "def main(args):\n    return {'error': 'the sky is falling'}\n"


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"js-{uuid.uuid4().hex[:8]}"


def names(listed: list[dict[str, Any]]) -> set[str]:
    return {entity["name"] for entity in listed}


def create(name: str, code: str = HELLO, **more: Any) -> list[Any]:
    return ["actions", "create", {"name": name, "action": code, "kind": "python:3", **more}]


def zipped(**files: str) -> str:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file, text in files.items():
            archive.writestr(f"{file}.py", text)
    return base64.b64encode(buffer.getvalue()).decode()


def test_an_action_lives_and_ends(take: Take, name: str) -> None:
    created, got, listed, updated, deleted, gone = take(
        create(name),
        ["actions", "get", {"name": name}],
        ["actions", "list", {"limit": 200}],
        ["actions", "update", {"name": name, "action": HELLO, "kind": "python:default"}],
        ["actions", "delete", {"name": name}],
        ["actions", "get", {"name": name}],
    )

    assert (created["name"], created["namespace"], created["version"]) == (name, "guest", "0.0.1")
    assert got["exec"]["code"] == HELLO
    assert name in names(listed)
    assert updated["version"] == "0.0.2"
    assert deleted["name"] == name
    assert gone["status"] == 404
    assert "The requested resource does not exist." in gone["error"]


def test_an_action_is_invoked_in_each_way(take: Take, name: str) -> None:
    _, result, whole, started, _ = take(
        create(name),
        ["actions", "invoke", {"name": name, "blocking": True, "result": True, "params": {"name": "Ada"}}],
        ["actions", "invoke", {"name": f"/guest/{name}", "blocking": True}],
        ["actions", "invoke", {"name": name}],
        ["actions", "delete", {"name": name}],
    )

    assert result == {"hello": "Ada"}
    assert whole["response"] == {
        "result": {"hello": "nobody"},
        "size": whole["response"]["size"],
        "status": "success",
        "success": True,
    }
    assert list(started) == ["activationId"]


def test_an_activation_can_be_looked_up(take: Take, name: str) -> None:
    _, whole = take(create(name), ["actions", "invoke", {"name": name, "blocking": True}])
    one = {"name": whole["activationId"]}

    def looked_up() -> Any:
        answers = take(
            ["activations", "get", one],
            ["activations", "logs", one],
            ["activations", "result", one],
            ["activations", "list", {"name": name}],
            ["actions", "get", {"name": name}],
        )
        return answers if "error" not in answers[0] and answers[1].get("logs") else None

    got, logs, result, listed, _ = wait_until(looked_up)
    assert got["name"] == name
    assert logs["logs"][0].endswith("stdout: said")
    assert result["result"] == {"hello": "nobody"}
    assert [each["activationId"] for each in listed] == [whole["activationId"]]
    take(["actions", "delete", {"name": name}])


def test_an_action_in_a_zip_runs(take: Take, name: str) -> None:
    code = zipped(__main__="from other import main\n", other=HELLO)
    created, result, _ = take(
        ["actions", "create", {"name": name, "zip": code, "kind": "python:3"}],
        ["actions", "invoke", {"name": name, "blocking": True, "result": True}],
        ["actions", "delete", {"name": name}],
    )

    assert created["exec"]["binary"] is True
    assert result == {"hello": "nobody"}


def test_an_application_error_is_told_as_the_client_tells_it(take: Take, name: str) -> None:
    _, failed, _ = take(
        create(name, BROKEN),
        ["actions", "invoke", {"name": name, "blocking": True, "result": True}],
        ["actions", "delete", {"name": name}],
    )

    assert failed["status"] == 502
    assert failed["error"].endswith('Returned HTTP 502 (Bad Gateway) --> "the sky is falling"')


def test_a_trigger_fires_an_action_through_a_rule(take: Take, name: str) -> None:
    action, rule = f"{name}-action", f"{name}-rule"
    created = take(
        create(action),
        ["triggers", "create", {"name": name}],
        ["rules", "create", {"name": rule, "action": action, "trigger": name}],
        ["triggers", "list", {"limit": 200}],
        ["rules", "list", {"limit": 200}],
        ["triggers", "invoke", {"name": name, "params": {"name": "Grace"}}],
    )

    assert created[2]["status"] == "active"
    assert name in names(created[3])
    assert rule in names(created[4])
    assert list(created[5]) == ["activationId"]
    [ran] = wait_until(lambda: take(["activations", "list", {"name": action}])[0])
    assert take(["activations", "result", {"name": ran["activationId"]}])[0]["result"] == {"hello": "Grace"}
    take(*([kind, "delete", {"name": one}] for kind, one in (("rules", rule), ("triggers", name))))
    take(["actions", "delete", {"name": action}])


def test_a_rule_is_switched_off_and_on(take: Take, name: str) -> None:
    rule, action = {"name": f"{name}-rule"}, f"{name}-action"
    *_, off, inactive, on, active, _, _, _ = take(
        create(action),
        ["triggers", "create", {"name": name}],
        ["rules", "create", {**rule, "action": action, "trigger": name}],
        ["rules", "disable", rule],
        ["rules", "get", rule],
        ["rules", "enable", rule],
        ["rules", "get", rule],
        ["rules", "delete", rule],
        ["triggers", "delete", {"name": name}],
        ["actions", "delete", {"name": action}],
    )

    assert (off, on) == ("OK", "OK")
    assert (inactive["status"], active["status"]) == ("inactive", "active")


def test_packages_bindings_and_sequences(take: Take, name: str) -> None:
    bound = {"package": {"binding": {"namespace": "guest", "name": name}}}
    *_, result, listed, got, _, _, _, gone = take(
        ["packages", "create", {"name": name, "package": {"parameters": [{"key": "name", "value": "Joan"}]}}],
        create(f"{name}/hello"),
        ["packages", "create", {"name": f"{name}-bound", **bound}],
        ["actions", "create", {"name": f"{name}-twice", "sequence": [f"/guest/{name}/hello"] * 2}],
        ["actions", "invoke", {"name": f"{name}-bound/hello", "blocking": True, "result": True}],
        ["packages", "list", {"limit": 200}],
        ["packages", "get", {"name": name}],
        ["actions", "delete", {"name": f"{name}-twice"}],
        ["packages", "delete", {"name": f"{name}-bound"}],
        ["actions", "delete", {"name": f"{name}/hello"}],
        ["packages", "delete", {"name": name}],
    )

    assert result == {"hello": "Joan"}
    assert {name, f"{name}-bound"} <= names(listed)
    assert names(got["actions"]) == {"hello"}
    assert gone["name"] == name


def test_a_feed_is_called_with_what_the_convention_says(take: Take, name: str) -> None:
    feed = "def main(args):\n    return {key: args[key] for key in ('lifecycleEvent', 'triggerName')}\n"
    feed_options = {"feedName": name, "trigger": f"{name}-trigger"}
    _, made, ended, _ = take(
        create(name, feed),
        ["feeds", "create", feed_options],
        ["feeds", "delete", feed_options],
        ["actions", "delete", {"name": name}],
    )

    trigger = f"/_/{name}-trigger"
    assert made["response"]["result"] == {"lifecycleEvent": "CREATE", "triggerName": trigger}
    assert ended["response"]["result"] == {"lifecycleEvent": "DELETE", "triggerName": trigger}


def test_a_route_lives_and_ends(take: Take, name: str) -> None:
    base = {"basepath": f"/{name}"}
    exported = {"annotations": {"web-export": True}}
    one = {"relpath": "/hello", "operation": "GET", "action": name}
    other = {"relpath": "/hello/{who}", "operation": "POST", "action": name}
    _, made, refused, both, listed, got = take(
        create(name, **exported),
        ["routes", "create", {**base, **one}],
        ["routes", "create", {**base, **other}],
        ["routes", "create", {**base, **other, "responsetype": "http"}],
        ["routes", "list"],
        ["routes", "get", base],
    )

    assert "must use a response type of '.http'" in refused["error"]
    assert list(both["apidoc"]["paths"]) == ["/hello", "/hello/{who}"]
    assert made["apidoc"]["paths"]["/hello"]["get"]["x-openwhisk"]["action"] == name
    answer = requests.get(f"{made['gwApiUrl']}/hello", params={"name": "Ada"}, timeout=60)
    assert answer.json() == {"hello": "Ada"}
    assert made["gwApiUrl"] in {api["value"]["gwApiUrl"] for api in listed["apis"]}
    assert [api["value"]["apidoc"]["basePath"] for api in got["apis"]] == [f"/{name}"]

    *_, gone, left = take(
        ["routes", "delete", {**base, "relpath": "/hello", "operation": "GET"}],
        ["routes", "delete", base],
        ["actions", "delete", {"name": name}],
        ["routes", "delete", base],
        ["routes", "list", base],
    )
    assert gone["status"] == 502
    assert f"API '/{name}' does not exist." in gone["error"]
    assert left == {"apis": []}


def test_the_namespaces_of_a_key_are_listed(take: Take, engine: Engine) -> None:
    assert take(["namespaces", "list"]) == [["guest"]]
    assert take(["namespaces", "list"], api_key=engine.auth_system) == [["whisk.system"]]


def test_a_wrong_key_is_refused(take: Take, engine: Engine) -> None:
    wrong = engine.auth[:-4] + ("aaaa" if not engine.auth.endswith("aaaa") else "bbbb")

    [refused] = take(["actions", "list"], api_key=wrong)
    assert refused["status"] == 401
    assert "The supplied authentication is invalid" in refused["error"]
