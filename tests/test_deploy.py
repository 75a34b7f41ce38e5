"""Deployment: the plan as a value, and plans made against a real engine."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.deploy import Actual, Change, apply, plan, plan_project, plan_removal
from deepwhisk.errors import ManifestError, WhiskError, WhiskUnreachable
from deepwhisk.manifest import Environ, Manifest, Source, parse
from deepwhisk.project import read_project
from deepwhisk.whisk import Whisk
from fixtures.engine import Engine

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
    folder = Path(__file__).parent / "data" / "wskdeploy" / "p1"
    answers = json.loads((folder / "answers.json").read_text())
    details = {(name.partition("/")[0], name.partition("/")[2]): body for name, body in answers.items()}
    source = Source("manifest.yaml", folder, Environ({"NAME_OF_SOMEBODY": "Ada"}), {"python": "python:3.11"})
    wanted = parse((folder / "manifest.yaml").read_text(), source)

    changes = plan(wanted, Actual("guest", {"python": "python:3.11"}, details, details))

    assert len(changes) == len(details) == 15
    assert [(str(change), change.fields) for change in changes if change.verb != "keep"] == []


class TestFeedOfATrigger:
    TEXT = "project: {name: x, packages: {default: {triggers: {t: {feed: /_/f/g, inputs: {bucket: b}}}}}}"

    def calls(self, **annotations: Any) -> list[str]:
        server = present("triggers", "t", annotations=managed("x", **annotations))
        [change] = plan(manifest(self.TEXT), server if annotations else NOTHING)
        return [f"{call.event} {call.feed}" for call in change.feed]

    @property
    def digest(self) -> str:
        [change] = plan(manifest(self.TEXT), NOTHING)
        found = {pair["key"]: pair["value"] for pair in change.body["annotations"]}
        return str(found["deepwhisk-feed"])

    def test_a_new_one_is_created(self) -> None:
        assert self.calls() == ["CREATE /_/f/g"]

    def test_one_that_knows_its_parameters_is_left_alone(self) -> None:
        assert self.calls(feed="/_/f/g", **{"deepwhisk-feed": self.digest}) == []

    def test_other_parameters_are_an_update(self) -> None:
        assert self.calls(feed="f/g", **{"deepwhisk-feed": "other"}) == ["UPDATE /_/f/g"]

    def test_one_that_was_deployed_by_another_tool_is_made_anew(self) -> None:
        assert self.calls(feed="/_/f/g") == ["DELETE /_/f/g", "CREATE /_/f/g"]

    def test_another_feed_takes_over_from_the_old_one(self) -> None:
        assert self.calls(feed="/_/f/old", **{"deepwhisk-feed": "x"}) == ["DELETE /_/f/old", "CREATE /_/f/g"]

    def test_a_trigger_that_loses_its_feed_leaves_it(self) -> None:
        server = present("triggers", "t", annotations=managed("x", feed="/_/f/g", **{"deepwhisk-feed": "x"}))
        [change] = plan(manifest("project: {name: x, packages: {default: {triggers: {t: {}}}}}"), server)
        assert [(call.event, call.feed) for call in change.feed] == [("DELETE", "/_/f/g")]


FEED = """
import json

def main(args):
    with open(args["journal"], "a") as journal:
        journal.write(json.dumps({key: args[key] for key in sorted(args) if key != "authKey"}) + "\\n")
    if args.get("refuse") == args["lifecycleEvent"]:
        return {"error": "the feed refuses"}
    return {"heard": args["lifecycleEvent"]}
"""
TEXT = """
project:
  name: {name}
  packages:
    {name}:
      inputs: {{journal: "{folder}/journal"}}
      annotations: {{description: of a test}}
      actions:
        feed:
          function: feed.py
          runtime: python:default
          annotations: {{feed: true}}
        add:
          code: |
            def main(args):
                return {{"sum": args["a"] + args["b"]}}
          runtime: python:default
          inputs: {{a: 1}}
          limits: {{timeout: 30000, memorySize: 256}}
        zipped: {{function: zipped, docker: deepwhisk/zipped:0.1.0, web: raw}}
      sequences:
        outer: {{actions: inner}}
        inner: {{actions: add}}
    default:
      triggers:
        {name}-t:
          feed: {name}/feed
          inputs: {{bucket: b}}
      rules:
        {name}-r: {{trigger: {name}-t, action: {name}/outer}}
"""

Deploy = Callable[..., list[str]]


class Deployment:
    """A project of its own on the shared engine."""

    def __init__(self, folder: Path, whisk: Whisk) -> None:
        self.folder, self.whisk, self.name = folder, whisk, f"d{uuid.uuid4().hex[:8]}"
        self.text = TEXT.format(name=self.name, folder=folder)
        (folder / "feed.py").write_text(FEED)
        (folder / "zipped").mkdir()
        (folder / "zipped" / "__main__.py").write_text("def main(args):\n    return {}\n")

    def plan(self) -> tuple[Change, ...]:
        (self.folder / "manifest.yaml").write_text(self.text)
        return plan_project(read_project(self.folder), self.whisk, {})

    def deploy(self) -> list[str]:
        """Deploy; the changes that were made."""
        made: list[Change] = []
        apply(self.plan(), self.whisk, made.append)
        return verbs(tuple(made))

    def undeploy(self) -> list[str]:
        made: list[Change] = []
        apply(plan_removal(read_project(self.folder), self.whisk), self.whisk, made.append)
        return verbs(tuple(made))

    def edit(self, old: str, new: str) -> None:
        assert old in self.text
        self.text = self.text.replace(old, new)

    @property
    def heard(self) -> list[dict[str, Any]]:
        """What the feed was told."""
        return [json.loads(line) for line in (self.folder / "journal").read_text().splitlines()]

    @property
    def events(self) -> list[str]:
        return [told["lifecycleEvent"] for told in self.heard]


@pytest.fixture
def deployment(engine: Engine, tmp_path: Path) -> Iterator[Deployment]:
    whisk = Whisk(engine.apihost, engine.auth)
    deployment = Deployment(tmp_path, whisk)
    yield deployment
    deployment.whisk = whisk
    deployment.edit(deployment.text, f"project: {{name: {deployment.name}}}\n")
    (tmp_path / "manifest.yaml").write_text(deployment.text)
    deployment.undeploy()
    whisk.close()


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


class TestOnAnEngine:
    def test_a_second_deployment_changes_nothing(self, deployment: Deployment) -> None:
        name = deployment.name
        assert deployment.deploy() == [
            f"create package {name}",
            f"create action {name}/feed",
            f"create action {name}/add",
            f"create action {name}/zipped",
            f"create sequence {name}/inner",
            f"create sequence {name}/outer",
            f"create trigger {name}-t",
            f"create rule {name}-r",
        ]
        assert {change.verb for change in deployment.plan()} == {"keep"}
        assert deployment.deploy() == []

    def test_what_is_deployed_runs(self, deployment: Deployment) -> None:
        deployment.deploy()
        assert deployment.whisk.invoke(f"{deployment.name}/outer", {"b": 2}, result=True) == {"sum": 3}

    def test_the_feed_is_told_as_wsk_tells_it(self, deployment: Deployment) -> None:
        deployment.deploy()
        [told] = deployment.heard
        assert told["lifecycleEvent"] == "CREATE"
        assert told["triggerName"] == f"/_/{deployment.name}-t"
        assert told["bucket"] == "b"

    def test_other_parameters_of_a_feed_are_an_update_and_nothing_else_moves(
        self, deployment: Deployment
    ) -> None:
        deployment.deploy()
        deployment.edit("bucket: b", "bucket: c")
        assert deployment.deploy() == [f"update trigger {deployment.name}-t"]
        assert deployment.events == ["CREATE", "UPDATE"]
        assert deployment.heard[-1]["bucket"] == "c"
        assert deployment.deploy() == []

    def test_each_kind_of_edit_is_seen_and_made(self, deployment: Deployment) -> None:
        deployment.deploy()
        name = deployment.name
        deployment.edit("of a test", "of another test")
        deployment.edit('args["a"] + args["b"]', 'args["a"] * args["b"]')
        deployment.edit("inputs: {a: 1}", "inputs: {a: 7}")
        deployment.edit("timeout: 30000", "timeout: 20000")
        deployment.edit("outer: {actions: inner}", "outer: {actions: 'inner, inner'}")
        (deployment.folder / "zipped" / "more.py").write_text("x = 1\n")
        fields = {change.name: [field.name for field in change.fields] for change in deployment.plan()}
        assert fields[name] == ["annotations.description"]
        assert fields[f"{name}/add"] == ["code", "limits.timeout", "parameters.a"]
        assert fields[f"{name}/zipped"] == ["code"]
        assert fields[f"{name}/outer"] == ["components"]
        deployment.deploy()
        assert deployment.whisk.invoke(f"{name}/add", {"b": 2}, result=True) == {"sum": 14}
        assert deployment.deploy() == []

    def test_what_is_declared_no_longer_is_removed(self, deployment: Deployment) -> None:
        deployment.deploy()
        name = deployment.name
        deployment.edit(deployment.text[deployment.text.index("    default:") :], "")
        deployment.edit("        outer: {actions: inner}\n", "")
        assert deployment.deploy() == [
            f"delete rule {name}-r",
            f"delete trigger {name}-t",
            f"delete sequence {name}/outer",
        ]
        assert deployment.events == ["CREATE", "DELETE"]
        assert deployment.deploy() == []

    def test_an_annotation_that_is_declared_no_longer_is_removed(self, deployment: Deployment) -> None:
        deployment.deploy()
        deployment.edit("annotations: {feed: true}", "annotations: {}")
        deployment.deploy()
        found = deployment.whisk.get("actions", f"{deployment.name}/feed")["annotations"]
        assert "feed" not in [pair["key"] for pair in found]

    def test_a_rule_that_somebody_disabled_is_enabled(self, deployment: Deployment) -> None:
        deployment.deploy()
        rule = f"rules/{deployment.name}-r"
        deployment.whisk.request("POST", rule, {"status": "inactive"})
        assert deployment.deploy() == [f"update rule {deployment.name}-r"]
        assert deployment.whisk.request("GET", rule)["status"] == "active"

    def test_a_feed_that_refuses_leaves_no_trigger_and_the_rest_is_told(self, deployment: Deployment) -> None:
        deployment.edit("inputs: {bucket: b}", "inputs: {bucket: b, refuse: CREATE}")
        with pytest.raises(
            WhiskError, match=r"create trigger .*: the feed refuses .* 6 of 8 changes are made"
        ):
            deployment.deploy()
        deployment.edit("refuse: CREATE", "refuse: no")
        assert deployment.deploy() == [
            f"create trigger {deployment.name}-t",
            f"create rule {deployment.name}-r",
        ]
        assert deployment.events == ["CREATE", "CREATE"]

    def test_a_feed_that_refuses_an_update_is_told_again_next_time(self, deployment: Deployment) -> None:
        deployment.deploy()
        deployment.edit("inputs: {bucket: b}", "inputs: {bucket: c, refuse: UPDATE}")
        with pytest.raises(WhiskError, match="the feed refuses"):
            deployment.deploy()
        deployment.edit("refuse: UPDATE", "refuse: no")
        assert deployment.deploy() == [f"update trigger {deployment.name}-t"]
        assert deployment.events == ["CREATE", "UPDATE", "UPDATE"]

    def test_a_deployment_that_was_cut_off_before_the_feed_heard_of_it_is_repaired(
        self, deployment: Deployment
    ) -> None:
        deployment.deploy()
        trigger = deployment.whisk.get("triggers", f"{deployment.name}-t")
        annotations = [pair for pair in trigger["annotations"] if pair["key"] != "deepwhisk-feed"]
        deployment.whisk.put("triggers", f"{deployment.name}-t", {"annotations": annotations})
        deployment.deploy()
        assert deployment.events == ["CREATE", "DELETE", "CREATE"]

    def test_a_feed_that_does_not_forget_is_noted_and_its_trigger_goes(self, deployment: Deployment) -> None:
        deployment.edit('inputs: {journal: "', 'inputs: {refuse: DELETE, journal: "')
        deployment.deploy()
        project = read_project(deployment.folder)
        notes = apply(plan_removal(project, deployment.whisk), deployment.whisk)
        assert len(notes) == 1
        assert "did not forget" in notes[0]
        assert deployment.undeploy() == []

    def test_undeploying_leaves_nothing_of_the_project(self, deployment: Deployment) -> None:
        deployment.deploy()
        assert len(deployment.undeploy()) == 8
        names = [item["name"] for item in deployment.whisk.list("packages")]
        assert deployment.name not in names
        assert deployment.undeploy() == []

    def test_a_package_with_actions_of_others_stays(self, deployment: Deployment) -> None:
        deployment.deploy()
        theirs = f"{deployment.name}/theirs"
        deployment.whisk.put("actions", theirs, {"exec": {"kind": "python:default", "code": "x = 1"}})
        project = read_project(deployment.folder)
        [note] = apply(plan_removal(project, deployment.whisk), deployment.whisk)
        assert note.startswith(f"The package {deployment.name} stays")
        deployment.whisk.delete("actions", theirs)

    def test_a_broken_manifest_is_told_before_any_call(self, deployment: Deployment) -> None:
        deployment.whisk = Whisk("http://127.0.0.1:9", deployment.whisk.auth)
        deployment.edit("function: feed.py", "function: gone.py")
        with pytest.raises(ManifestError, match=r"gone\.py"):
            deployment.plan()
        deployment.edit("function: gone.py", "function: feed.py")
        with pytest.raises(WhiskUnreachable, match=r"127\.0\.0\.1:9"):
            deployment.plan()
