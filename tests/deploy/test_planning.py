"""The plan of a deployment, as a value."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.deploy import Actual, Change, apply, plan
from deepwhisk.deploy.feeding import Reading, remembered
from deepwhisk.errors import WhiskError
from deepwhisk.manifest import Environ, Manifest, Source, parse
from deepwhisk.whisk import Whisk

NOTHING = Actual("guest", {"python": "python:3"}, {}, {})


def manifest(text: str) -> Manifest:
    return parse(text, Source("manifest.yaml", Path(), Environ(), {"python": "python:3"}))


def verbs(changes: tuple[Change, ...]) -> list[str]:
    return [str(change) for change in changes]


def present(collection: str, name: str, **body: Any) -> Actual:
    """A server that has one entity."""
    full = {"name": name, "namespace": "guest", "annotations": [], "parameters": [], **body}
    return Actual("guest", {"python": "python:3"}, {(collection, name): full}, {(collection, name): full})


def managed(project: str, **more: Any) -> list[dict[str, Any]]:
    owner = {"key": "whisk-managed", "value": {"projectName": project}}
    return [owner, *({"key": key, "value": value} for key, value in more.items())]


class TestPlan:
    def test_on_an_empty_server_everything_is_created_what_is_named_first(self) -> None:
        text = """
project:
  name: x
  packages:
    p:
      rules: {r: {trigger: t, action: s}}
      triggers: {t: {}}
      sequences: {s: {actions: a}}
      actions: {a: {docker: me/it}}
"""
        assert verbs(plan(manifest(text), NOTHING)) == [
            "create package p",
            "create action p/a",
            "create sequence p/s",
            "create trigger t",
            "create rule r",
        ]

    def test_what_it_puts_says_whose_it_is(self) -> None:
        [change] = plan(manifest("project: {name: x, packages: {p: {}}}"), NOTHING)
        [annotation] = change.body["annotations"]
        assert annotation["key"] == "whisk-managed"
        assert annotation["value"].keys() == {"file", "projectDeps", "projectHash", "projectName"}
        assert annotation["value"]["projectName"] == "x"

    def test_what_a_server_adds_is_no_difference(self) -> None:
        server = present(
            "packages", "p", version="0.0.1", publish=False, binding={}, annotations=managed("x"), updated=1
        )
        [change] = plan(manifest("project: {name: x, packages: {p: {}}}"), server)
        assert (change.verb, change.fields) == ("keep", ())

    def test_each_difference_is_told_by_its_path(self) -> None:
        server = present(
            "packages",
            "p",
            version="1.0.0",
            publish=True,
            annotations=managed("x", old=1),
            parameters=[{"key": "a", "value": 1}],
        )
        text = "project: {name: x, packages: {p: {version: 1.0, inputs: {a: 2}, annotations: {new: 3}}}}"
        [change] = plan(manifest(text), server)
        told = [(field.name, field.before, field.after) for field in change.fields]
        assert told == [
            ("publish", True, False),
            ("annotations.new", None, 3),
            ("parameters.a", 1, 2),
            ("annotations.old", 1, None),
        ]

    def test_a_secret_is_never_shown(self) -> None:
        server = present(
            "packages",
            "p",
            annotations=[*managed("x"), {"key": "require-whisk-auth", "value": "old"}],
            parameters=[
                {"key": "store_secret_key", "value": "old"},
                {"key": "store", "value": {"password": "old", "port": 1}},
            ],
        )
        text = "project: {name: x, packages: {p: {inputs: {store_secret_key: new}}}}"
        [change] = plan(manifest(text), server)
        assert {field.name: (field.before, field.after) for field in change.fields} == {
            "annotations.require-whisk-auth": ("•••", None),
            "parameters.store_secret_key": ("•••", "•••"),
            "parameters.store": ({"password": "•••", "port": 1}, None),
        }

    def test_an_entity_of_nobody_is_taken_over(self) -> None:
        server = present("packages", "p")
        [change] = plan(manifest("project: {name: x, packages: {p: {}}}"), server)
        assert [(field.name, field.before, field.after) for field in change.fields] == [
            ("project", None, "x")
        ]

    def test_what_was_another_projects_is_taken_over_and_that_is_said(self) -> None:
        server = present("packages", "p", annotations=managed("old"))
        [change] = plan(manifest("project: {name: x, packages: {p: {}}}"), server)
        assert [(field.name, field.before, field.after) for field in change.fields] == [
            ("project", "old", "x")
        ]
        assert "undeploy --projectname old" in change.note

    def test_without_a_project_name_nothing_is_owned_or_removed(self) -> None:
        server = present("packages", "q", annotations=managed(""))
        [change] = plan(manifest("packages: {p: {}}"), server)
        assert change.body["annotations"] == []

    def test_what_is_declared_no_longer_goes_last_named_first(self) -> None:
        listed = {
            ("packages", "p"): {"annotations": managed("x")},
            ("actions", "p/a"): {"annotations": managed("x", exec="python:3")},
            ("actions", "p/s"): {"annotations": managed("x", exec="sequence")},
            ("actions", "p/theirs"): {"annotations": managed("y")},
            ("actions", "p/nobodys"): {"annotations": []},
            ("triggers", "t"): {"annotations": managed("x", feed="/_/f/g")},
            ("rules", "r"): {"annotations": managed("x")},
        }
        changes = plan(manifest("project: {name: x}"), Actual("guest", {}, listed, {}))
        assert verbs(changes) == [
            "delete rule r",
            "delete trigger t",
            "delete sequence p/s",
            "delete action p/a",
            "delete package p",
        ]
        assert [(call.event, call.feed) for call in changes[1].feed] == [("DELETE", "/_/f/g")]

    def test_a_forgotten_annotation_of_an_action_is_deleted_by_name(self) -> None:
        server = present(
            "actions",
            "p/a",
            exec={"kind": "blackbox", "image": "me/it", "binary": False},
            annotations=managed("x", exec="blackbox", old=1, **{"provide-api-key": False}),
            limits={"timeout": 60000, "memory": 256, "logs": 10},
        )
        text = "project: {name: x, packages: {p: {actions: {a: {docker: me/it}}}}}"
        change = plan(manifest(text), server)[1]
        assert [field.name for field in change.fields] == ["annotations.old"]
        assert change.body["delAnnotations"] == ["old"]

    def test_the_parameters_of_its_package_are_no_difference_of_an_action(self) -> None:
        action = present(
            "actions",
            "p/a",
            exec={"kind": "blackbox", "image": "me/it"},
            annotations=managed("x"),
            parameters=[{"key": "a", "value": 1}, {"key": "b", "value": 2}],
        )
        package = present("packages", "p", annotations=managed("x"), parameters=[{"key": "a", "value": 1}])
        server = Actual(
            "guest", {}, {**action.listed, **package.listed}, {**action.details, **package.details}
        )
        text = "project: {name: x, packages: {p: {inputs: {a: 1}, actions: {a: {docker: me/it}}}}}"
        assert [field.name for field in plan(manifest(text), server)[1].fields] == ["parameters.b"]

    def test_a_default_kind_is_the_one_that_the_server_resolved(self) -> None:
        server = present("actions", "a", exec={"kind": "python:3", "code": "x"}, annotations=managed("x"))
        entry = "{code: x, runtime: 'python:default'}"
        text = f"project: {{name: x, packages: {{default: {{actions: {{a: {entry}}}}}}}}}"
        assert verbs(plan(manifest(text), server)) == ["keep action a"]

    def test_an_inactive_rule_is_a_difference(self) -> None:
        server = present(
            "rules",
            "r",
            trigger={"path": "guest", "name": "t"},
            action={"path": "guest/p", "name": "a"},
            status="inactive",
            annotations=managed("x"),
        )
        text = "project: {name: x, packages: {default: {rules: {r: {trigger: t, action: p/a}}}}}"
        [change] = plan(manifest(text), server)
        assert [(field.name, field.before, field.after) for field in change.fields] == [
            ("status", "inactive", "active")
        ]


def test_what_apache_openwhisk_answered_after_a_deployment_is_no_difference() -> None:
    folder = Path(__file__).parents[1] / "data" / "wskdeploy" / "p1"
    answers = json.loads((folder / "answers.json").read_text())
    details = {(name.partition("/")[0], name.partition("/")[2]): body for name, body in answers.items()}
    source = Source("manifest.yaml", folder, Environ({"NAME_OF_SOMEBODY": "Ada"}), {"python": "python:3.11"})
    wanted = parse((folder / "manifest.yaml").read_text(), source)

    changes = plan(wanted, Actual("guest", {"python": "python:3.11"}, details, details))

    assert len(changes) == len(details) == 15
    assert [(str(change), change.fields) for change in changes if change.verb != "keep"] == []


class TestFeedOfATrigger:
    TEXT = "project: {name: x, packages: {default: {triggers: {t: {feed: /_/f/g, inputs: {bucket: b}}}}}}"

    def calls(self, reading: Reading | None = None, **annotations: Any) -> list[str]:
        server = present("triggers", "t", annotations=managed("x", **annotations)) if annotations else NOTHING
        [change] = plan(manifest(self.TEXT), replace(server, readings={"t": reading or Reading()}))
        return [f"{call.event} {call.feed}" for call in change.feed]

    @staticmethod
    def told(**shown: Any) -> dict[str, Any]:
        return {"deepwhisk-feed": remembered({"bucket": "b"}, Reading("known", shown), "")}

    def test_a_new_one_is_created(self) -> None:
        assert self.calls() == ["CREATE /_/f/g"]

    def test_one_that_knows_its_parameters_is_left_alone(self) -> None:
        assert self.calls(feed="/_/f/g", **self.told()) == []

    def test_other_parameters_are_an_update(self) -> None:
        told = {"deepwhisk-feed": remembered({"bucket": "c"}, Reading(), "")}
        assert self.calls(feed="f/g", **told) == ["UPDATE /_/f/g"]

    def test_another_key_is_told(self) -> None:
        told = {"deepwhisk-feed": remembered({"bucket": "b"}, Reading(), "another")}
        assert self.calls(feed="f/g", **told) == ["UPDATE /_/f/g"]

    def test_fewer_parameters_are_told_anew(self) -> None:
        told = {"deepwhisk-feed": remembered({"bucket": "b", "prefix": "p"}, Reading(), "")}
        assert self.calls(feed="f/g", **told) == ["DELETE f/g", "CREATE /_/f/g"]

    def test_one_that_was_deployed_by_another_tool_is_made_anew(self) -> None:
        assert self.calls(feed="/_/f/g") == ["DELETE /_/f/g", "CREATE /_/f/g"]

    def test_one_of_another_tool_whose_feed_shows_the_same_is_left_alone(self) -> None:
        assert self.calls(Reading("known", {"bucket": "b", "retries": 3}), feed="/_/f/g") == []

    def test_one_that_its_feed_has_lost_is_created(self) -> None:
        assert self.calls(Reading("gone"), feed="/_/f/g", **self.told()) == ["CREATE /_/f/g"]

    def test_what_a_feed_made_of_a_parameter_is_no_difference(self) -> None:
        reading = Reading("known", {"bucket": "B"})
        assert self.calls(reading, feed="/_/f/g", **self.told(bucket="B")) == []
        assert self.calls(Reading("known", {"bucket": "C"}), feed="/_/f/g", **self.told(bucket="B")) == [
            "UPDATE /_/f/g"
        ]

    def test_a_feed_that_tells_nothing_is_believed_to_know_and_that_is_said(self) -> None:
        server = present("triggers", "t", annotations=managed("x", feed="/_/f/g", **self.told()))
        silent = Reading("unknown", reason="unsupported lifecycleEvent")
        [change] = plan(manifest(self.TEXT), replace(server, readings={"t": silent}))
        assert (change.verb, change.feed) == ("keep", ())
        assert "unsupported lifecycleEvent" in change.note

    def test_another_feed_takes_over_from_the_old_one(self) -> None:
        assert self.calls(feed="/_/f/old", **self.told()) == ["DELETE /_/f/old", "CREATE /_/f/g"]

    def test_a_trigger_that_loses_its_feed_leaves_it(self) -> None:
        server = present("triggers", "t", annotations=managed("x", feed="/_/f/g", **self.told()))
        [change] = plan(manifest("project: {name: x, packages: {default: {triggers: {t: {}}}}}"), server)
        assert [(call.event, call.feed) for call in change.feed] == [("DELETE", "/_/f/g")]


class SlowFeed(Whisk):
    """An endpoint that does not wait for its actions."""

    def __init__(self, succeeds: bool) -> None:
        super().__init__("http://127.0.0.1:9", "a:b")
        self.response = {"success": succeeds, "result": {"error": "no such bucket"}}

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        if method == "POST":
            return {"activationId": "a1"}
        return {"activationId": "a1", "response": self.response} if method == "GET" else {}


def test_a_feed_that_takes_longer_than_a_server_waits_is_waited_for() -> None:
    changes = plan(manifest(TestFeedOfATrigger.TEXT), NOTHING)
    assert apply(changes, SlowFeed(succeeds=True)) == ()
    with pytest.raises(WhiskError, match=r"create trigger t: .*no such bucket.*activation a1"):
        apply(changes, SlowFeed(succeeds=False))
