"""What OpenWhisk's JavaScript client can be told: its settings, and the options of each call."""

import base64
import uuid
from typing import Any

import pytest
import requests

from fixtures.engine import Engine, wait_until
from fixtures.foreign import Take

HELLO = "def main(args):\n    return {'hello': args.get('name', 'nobody')}\n"
NODE = "function main(args) { return { hello: args.name || 'nobody' }; }\n"


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"js-{uuid.uuid4().hex[:8]}"


def create(name: str, **more: Any) -> list[Any]:
    return ["actions", "create", {"name": name, "action": HELLO, "kind": "python:3", **more}]


def invoke(name: str, **more: Any) -> list[Any]:
    return ["actions", "invoke", {"name": name, "blocking": True, "result": True, **more}]


def test_it_is_set_by_variables_of_an_action(take: Take, engine: Engine, name: str) -> None:
    variables = {
        "__OW_API_HOST": engine.apihost,
        "__OW_API_KEY": engine.auth,
        "__OW_NAMESPACE": "guest",
        "__OW_TRANSACTION_ID": "of-my-own",
        "__OW_USER_AGENT": "tester",
        "__OW_IGNORE_CERTS": "true",
        "__OW_APIGW_TOKEN": "token",
        "__OW_APIGW_SPACE_GUID": engine.auth.partition(":")[0],
    }
    namespaces, absent, routes = take(
        ["namespaces", "list", None],
        ["actions", "get", {"name": name}],
        ["routes", "list", None],
        variables=variables,
    )

    assert namespaces == ["guest"]
    assert "/namespaces/guest/actions/" in absent["error"]
    assert isinstance(routes["apis"], list)


@pytest.mark.parametrize(
    "options",
    [
        {"namespace": "guest"},
        {"apiversion": "v1"},
        {"ignore_certs": True, "retry": {"retries": 2}},
        {"apigw_token": "token"},
    ],
    ids=str,
)
def test_each_of_its_settings_is_taken(take: Take, options: dict[str, Any]) -> None:
    listed, routes = take(["namespaces", "list", None], ["routes", "list", None], **options)

    assert listed == ["guest"]
    assert isinstance(routes["apis"], list)


def test_it_takes_a_whole_address_and_a_handler_of_credentials(take: Take, engine: Engine) -> None:
    header = "Basic " + base64.b64encode(engine.auth.encode()).decode()
    settings = {"apihost": None, "api_key": None, "api": f"{engine.apihost}/api/v1/", "auth_header": header}

    assert take(["namespaces", "list", None], **settings) == [["guest"]]


def test_the_space_of_another_key_is_refused(take: Take) -> None:
    [refused] = take(["routes", "list", None], apigw_token="token", apigw_space_guid="another")

    assert refused["status"] == 403
    assert "spaceguid" in refused["error"]


def test_an_action_is_made_with_everything(take: Take, name: str) -> None:
    limits = {"timeout": 30000, "memory": 256, "logs": 5, "concurrency": 1}
    made, whole, bare, updated, object_, *_ = take(
        create(
            name,
            version="1.2.3",
            params={"name": "Ada"},
            annotations={"why": "because", "final": True},
            limits=limits,
            exec={"main": "main"},
        ),
        ["actions", "get", name],
        ["actions", "get", {"actionName": name, "code": False}],
        ["actions", "update", {"name": name, "annotations": {"more": [1]}, "version": "2.0.0"}],
        ["actions", "update", {"name": name, "action": {"exec": {"kind": "python:3", "code": HELLO}}}],
        ["actions", "delete", name],
    )

    assert (made["version"], made["limits"], made["exec"]["main"]) == ("1.2.3", limits, "main")
    assert made["parameters"] == [{"key": "name", "value": "Ada"}]
    assert {"key": "why", "value": "because"} in made["annotations"]
    assert whole["exec"]["code"] == HELLO
    assert "code" not in bare["exec"]
    assert updated["version"] == "2.0.0"
    assert {"key": "more", "value": [1]} in updated["annotations"]
    assert object_["version"] == "2.0.1"


def test_without_a_kind_it_is_nodejs(take: Take, name: str) -> None:
    made, result, *_ = take(
        ["actions", "create", {"name": name, "action": NODE}], invoke(name, params={"name": "Ada"})
    )

    assert made["exec"]["kind"].startswith("nodejs")
    assert result == {"hello": "Ada"}
    take(["actions", "delete", name])


def test_code_that_cannot_run_is_kept_all_the_same(take: Take, name: str) -> None:
    empty, broken, _ = take(
        ["actions", "create", {"name": name, "action": ""}],
        ["actions", "update", {"name": name, "action": "no code"}],
        ["actions", "delete", name],
    )

    assert (empty["exec"]["code"], broken["exec"]["code"]) == ("", "no code")


def test_lists_are_cut_and_counted(take: Take, name: str) -> None:
    package = {"name": name}
    rule = {"action": f"{name}/a", "trigger": name}
    take(["packages", "create", package], create(f"{name}/a"), create(f"{name}/b"))
    take(
        ["triggers", "create", {"name": f"{name}-t"}],
        ["rules", "create", {**rule, "name": f"{name}-r", "trigger": f"{name}-t"}],
    )
    for kind in ("actions", "packages", "triggers", "rules"):
        everything, first, counted, past = take(
            [kind, "list", {"limit": 200}],
            [kind, "list", {"limit": 1}],
            [kind, "list", {"count": True}],
            [kind, "list", {"skip": 10000, "namespace": "guest"}],
        )
        assert first == everything[:1]
        assert counted == {kind: len(everything)}
        assert past == []
    [whole] = take(["namespaces", "get", {"namespace": "guest"}])
    assert {f"{name}-t"} <= {each["name"] for each in whole["triggers"]}
    assert set(whole) == {"actions", "packages", "triggers", "rules"}
    take(
        ["rules", "delete", f"{name}-r"],
        ["triggers", "delete", f"{name}-t"],
        ["actions", "delete", [f"{name}/a", f"{name}/b"]],
        ["packages", "delete", name],
    )


def test_an_action_in_a_package_has_three_names(take: Take, name: str) -> None:
    take(["packages", "create", {"name": name}], create(f"{name}/a"))
    answers = take(*(invoke(each) for each in (f"{name}/a", f"/guest/{name}/a", f"/_/{name}/a")))

    assert answers == [{"hello": "nobody"}] * 3
    [several] = take(["actions", "invoke", [f"{name}/a", f"{name}/a"]])
    assert [list(each) for each in several] == [["activationId"]] * 2
    take(["actions", "delete", f"{name}/a"], ["packages", "delete", name])


def test_what_fails_has_its_status(take: Take, name: str) -> None:
    *_, twice, unknown, wrong, _ = take(
        create(name),
        create(name),
        ["actions", "delete", f"{name}-not"],
        create(f"{name}-2", limits={"memory": 1}),
        ["actions", "delete", name],
    )
    absent = take(
        *([kind, verb, name] for kind in ("rules", "triggers", "packages") for verb in ("get", "delete"))
    )

    assert (twice["status"], unknown["status"], wrong["status"]) == (409, 404, 400)
    assert "resource already exists" in twice["error"]
    assert "below allowed threshold" in wrong["error"]
    assert {each["status"] for each in absent} == {404}
    assert take(["activations", "get", "0" * 32])[0]["status"] == 404


def test_activations_are_filtered(take: Take, name: str) -> None:
    take(create(name), *([invoke(name)] * 3))
    listed = wait_until(lambda: len(found := take(["activations", "list", {"name": name}])[0]) == 3 and found)
    newest, middle, oldest = (each["start"] for each in listed)
    since, upto, docs, one, rest, counted = take(
        ["activations", "list", {"name": name, "since": newest, "upto": newest}],
        ["activations", "list", {"name": name, "upto": oldest}],
        ["activations", "list", {"name": name, "docs": True}],
        ["activations", "list", {"name": name, "limit": 1}],
        ["activations", "list", {"name": name, "skip": 1}],
        ["activations", "list", {"name": name, "count": True, "since": oldest}],
    )

    assert listed[0] in since
    assert listed[-1] in upto
    assert oldest <= middle <= newest
    assert docs[0]["response"]["result"] == {"hello": "nobody"}
    assert (one, rest) == (listed[:1], listed[1:])
    assert counted == {"activations": 3}
    by_id = listed[0]["activationId"]
    got, result, logs, _ = take(
        ["activations", "get", by_id],
        ["activations", "result", {"activationId": by_id}],
        ["activations", "logs", {"activation": by_id}],
        ["actions", "delete", name],
    )
    assert (got["name"], result["success"], list(logs)) == (name, True, ["logs"])


def test_packages_and_triggers_are_updated(take: Take, name: str) -> None:
    shared = {"publish": True, "parameters": [{"key": "a", "value": 1}]}
    plain, package, trigger, fuller, unfired, *_ = take(
        ["packages", "create", {"packageName": name, "annotations": {"why": "because"}}],
        ["packages", "update", {"name": name, "package": shared}],
        ["triggers", "create", {"triggerName": f"{name}-t"}],
        ["triggers", "update", {"name": f"{name}-t", "trigger": {"parameters": [{"key": "a", "value": 1}]}}],
        ["triggers", "invoke", {"name": f"{name}-t"}],
        ["packages", "delete", name],
        ["triggers", "delete", f"{name}-t"],
    )

    assert (plain["version"], plain["annotations"]) == ("0.0.1", [{"key": "why", "value": "because"}])
    assert (package["version"], package["publish"]) == ("0.0.2", True)
    assert (trigger["version"], trigger["annotations"], trigger["limits"]) == ("0.0.1", [], {})
    assert fuller["parameters"] == [{"key": "a", "value": 1}]
    assert not unfired or "error" not in unfired


def test_a_rule_is_given_other_ends(take: Take, name: str) -> None:
    trigger = f"/guest/{name}-t"
    *_, made, updated, _, _, _, _ = take(
        create(name),
        create(f"{name}-2"),
        ["triggers", "create", {"name": trigger}],
        ["rules", "create", {"ruleName": name + "-r", "action": f"/guest/{name}", "trigger": trigger}],
        ["rules", "update", {"name": name + "-r", "action": f"{name}-2", "trigger": f"{name}-t"}],
        ["rules", "delete", name + "-r"],
        ["triggers", "delete", trigger],
        ["actions", "delete", name],
        ["actions", "delete", f"{name}-2"],
    )

    assert made["action"] == {"path": "guest", "name": name}
    assert made["trigger"] == {"path": "guest", "name": f"{name}-t"}
    assert updated["action"] == {"path": "guest", "name": f"{name}-2"}


def test_a_feed_is_called_in_each_moment_of_its_life(take: Take, engine: Engine, name: str) -> None:
    feed = "def main(args):\n    return args\n"
    options = {"feedName": f"/guest/{name}", "trigger": f"/guest/{name}-t", "params": {"every": "day"}}
    moments = ("create", "get", "update", "delete")
    _, *answers, _ = take(
        create(name, action=feed),
        *(["feeds", moment, dict(options)] for moment in moments),
        ["actions", "delete", name],
    )

    called = [answer["response"]["result"] for answer in answers]
    assert [each["lifecycleEvent"] for each in called] == ["CREATE", "READ", "UPDATE", "DELETE"]
    assert {each["triggerName"] for each in called} == {f"/guest/{name}-t"}
    assert {each["authKey"] for each in called} == {engine.auth}
    assert {each["every"] for each in called} == {"day"}


def test_a_route_of_a_closed_action_and_of_a_document(take: Take, name: str) -> None:
    closed = {"annotations": {"web-export": True, "require-whisk-auth": "opener"}}
    route = {"basepath": f"/{name}", "relpath": "/foo/{bar}", "operation": "POST", "action": f"/guest/{name}"}
    _, made, by_verb, by_title, other = take(
        create(name, **closed),
        ["routes", "create", {**route, "name": name, "secure_key": "opener", "responsetype": "http"}],
        [
            "routes",
            "list",
            {"basepath": f"/{name}", "relpath": "/foo/{bar}", "operation": "post", "limit": 1},
        ],
        ["routes", "get", {"name": name}],
        ["routes", "list", {"basepath": f"/{name}", "skip": 1}],
    )
    answer = requests.post(f"{made['gwApiUrl']}/foo/x", json={"name": "Ada"}, timeout=60)
    assert answer.status_code != 401
    assert [each["value"]["apidoc"]["info"]["title"] for each in by_verb["apis"]] == [name]
    assert by_title["apis"] == by_verb["apis"]
    assert other == {"apis": []}

    document = {**made["apidoc"], "basePath": f"/{name}-2", "info": {"title": "again", "version": "1.0.0"}}
    imported, _, _, _ = take(
        ["routes", "create", {"swagger": document}],
        ["routes", "delete", {"basepath": f"/{name}-2"}],
        ["routes", "delete", {"name": name}],
        ["actions", "delete", name],
    )
    assert imported["apidoc"]["basePath"] == f"/{name}-2"
    assert list(imported["apidoc"]["paths"]) == ["/foo/{bar}"]


def test_a_route_to_an_action_that_is_no_web_action_can_be_made(take: Take, name: str) -> None:
    route = {"basepath": f"/{name}", "relpath": "/foo/bar", "operation": "POST", "action": name}
    _, _, listed, *_ = take(
        ["actions", "create", {"actionName": name, "action": ""}],
        ["routes", "create", route],
        ["routes", "list", {"basepath": f"/{name}"}],
        ["routes", "delete", {"basepath": f"/{name}"}],
        ["actions", "delete", {"actionName": name}],
        apigw_token="token",
    )

    [api] = listed["apis"]
    assert api["value"]["apidoc"]["paths"]["/foo/bar"]["post"]["x-openwhisk"]["action"] == name
