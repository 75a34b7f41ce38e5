"""Deployments made on a real engine."""

import pytest

from deepwhisk.deploy import apply, plan_removal
from deepwhisk.deploy.actual import usual_limits
from deepwhisk.errors import ManifestError, WhiskError, WhiskUnreachable
from deepwhisk.whisk import Whisk
from fixtures.project import Deployment


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
        forget_the_annotation(deployment)
        (deployment.folder / "memory").unlink()
        assert deployment.deploy() == [f"update trigger {deployment.name}-t"]
        assert deployment.events == ["CREATE", "CREATE"]

    def test_a_deployment_that_was_cut_off_after_the_feed_heard_of_it_does_not_tell_it_again(
        self, deployment: Deployment
    ) -> None:
        deployment.deploy()
        forget_the_annotation(deployment)
        assert deployment.deploy() == [f"update trigger {deployment.name}-t"]
        assert deployment.events == ["CREATE"]
        assert deployment.deploy() == []

    def test_a_subscription_that_is_gone_is_made_again_though_nothing_else_changed(
        self, deployment: Deployment
    ) -> None:
        deployment.deploy()
        (deployment.folder / "memory").unlink()
        [change] = [change for change in deployment.plan() if change.verb != "keep"]
        assert [(field.name, field.before) for field in change.fields] == [("feed", "knows nothing of it")]
        assert deployment.deploy() == [f"update trigger {deployment.name}-t"]
        assert deployment.events == ["CREATE", "CREATE"]
        assert deployment.deploy() == []

    def test_a_subscription_that_somebody_changed_is_changed_back(self, deployment: Deployment) -> None:
        deployment.deploy()
        (deployment.folder / "memory").write_text('{"bucket": "other", "prefix": ""}')
        [change] = [change for change in deployment.plan() if change.verb != "keep"]
        assert ("feed.bucket", "other", "b") in [
            (field.name, field.before, field.after) for field in change.fields
        ]
        deployment.deploy()
        assert deployment.events == ["CREATE", "UPDATE"]
        assert deployment.deploy() == []

    def test_a_parameter_of_a_feed_that_is_declared_no_longer_is_forgotten(
        self, deployment: Deployment
    ) -> None:
        deployment.edit("{bucket: b}", "{bucket: b, prefix: in/}")
        deployment.deploy()
        deployment.edit("{bucket: b, prefix: in/}", "{bucket: b}")
        deployment.deploy()
        assert deployment.events == ["CREATE", "DELETE", "CREATE"]
        assert deployment.deploy() == []

    def test_a_limit_that_is_declared_no_longer_is_the_usual_one_again(self, deployment: Deployment) -> None:
        deployment.edit("timeout: 30000, memorySize: 256", "timeout: 30000, memorySize: 300")
        deployment.deploy()
        deployment.edit("          limits: {timeout: 30000, memorySize: 300}\n", "")
        [change] = [change for change in deployment.plan() if change.verb != "keep"]
        assert [(field.name, field.before, field.after) for field in change.fields] == [
            ("limits.timeout", 30000, 60000),
            ("limits.memory", 300, 256),
        ]
        deployment.deploy()
        limits = deployment.whisk.get("actions", f"{deployment.name}/add")["limits"]
        assert (limits["timeout"], limits["memory"]) == (60000, 256)
        assert deployment.deploy() == []

    def test_what_changes_its_kind_makes_room_for_itself(self, deployment: Deployment) -> None:
        deployment.deploy()
        name = deployment.name
        deployment.edit(f"{name}-r:", f"{name}-x:")
        deployment.deploy()
        deployment.edit(f"{name}-x:", f"{name}-r:")
        deployment.edit(f"{name}-t:", f"{name}-x:")
        deployment.edit(f"trigger: {name}-t", f"trigger: {name}-x")
        assert deployment.deploy() == [
            f"delete rule {name}-x",
            f"create trigger {name}-x",
            f"create rule {name}-r",
            f"delete trigger {name}-t",
        ]

    def test_a_feed_that_does_not_forget_is_noted_and_its_trigger_goes(self, deployment: Deployment) -> None:
        deployment.edit('inputs: {journal: "', 'inputs: {refuse: DELETE, journal: "')
        deployment.deploy()
        notes = apply(plan_removal(deployment.order.manifest(), deployment.whisk), deployment.whisk)
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
        [note] = apply(plan_removal(deployment.order.manifest(), deployment.whisk), deployment.whisk)
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


def forget_the_annotation(deployment: Deployment) -> None:
    """As when a deployment ended between a feed's answer and the trigger that remembers it."""
    trigger = deployment.whisk.get("triggers", f"{deployment.name}-t")
    annotations = [pair for pair in trigger["annotations"] if pair["key"] != "deepwhisk-feed"]
    deployment.whisk.put("triggers", f"{deployment.name}-t", {"annotations": annotations})


def test_a_namespace_that_may_have_less_than_usual_is_no_difference() -> None:
    class Small(Whisk):
        def request(self, method: str, path: str, body: object = None, **query: object) -> dict[str, object]:
            assert (method, path) == ("GET", "limits")
            return {"maxActionMemory": 128, "minActionTimeout": 100, "minActionLogs": 0, "maxActionLogs": 20}

    assert usual_limits(Small("http://127.0.0.1:9", "a:b")) == {"timeout": 60000, "memory": 128, "logs": 10}
