"""Projects as wskdeploy manages them: whose an entity is, what goes with it, and what another one needs."""

import uuid
from pathlib import Path

import pytest

from deepwhisk.deploy import Order, apply, plan_deployment, plan_removal
from deepwhisk.deploy.managed import managed_by, needs, values
from deepwhisk.errors import ManifestError
from deepwhisk.manifest import Manifest, find_origin
from deepwhisk.manifest.parsing import project_hash
from deepwhisk.whisk import Whisk
from fixtures.engine import Engine

ACTION = "{code: 'def main(args): return args', runtime: 'python:default'}"


class Projects:
    """Projects in folders beside each other, with names of their own."""

    def __init__(self, folder: Path, whisk: Whisk) -> None:
        self.folder, self.whisk, self.mark = folder, whisk, uuid.uuid4().hex[:8]

    def write(self, name: str, *needed: str, members: str = "") -> Order:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        wants = "".join(f"\n        lib-{name}-{one}-{self.mark}: {{location: ../{one}}}" for one in needed)
        text = f"""
project:
  name: {name}-{self.mark}
  packages:
    {name}-{self.mark}:
      dependencies: {wants or "{}"}
      actions:
        a: {ACTION}{members}
"""
        (folder / "manifest.yaml").write_text(text)
        return Order(find_origin(folder), {})

    def deploy(self, order: Order) -> list[str]:
        changes = plan_deployment(order, self.whisk)
        apply(changes, self.whisk)
        return [self.short(str(change)) for change in changes if change.verb != "keep"]

    def undeploy(self, name: str) -> list[str]:
        changes = plan_removal(Manifest(f"{name}-{self.mark}", "", ()), self.whisk)
        apply(changes, self.whisk)
        return [self.short(str(change)) for change in changes]

    def short(self, text: str) -> str:
        return text.replace(f"-{self.mark}", "")


@pytest.fixture
def projects(engine: Engine, tmp_path: Path) -> Projects:
    return Projects(tmp_path, Whisk(engine.apihost, engine.auth))


def test_what_a_project_needs_is_deployed_before_it_under_its_own_name(projects: Projects) -> None:
    projects.write("base")
    order = projects.write("app", "base")
    assert projects.deploy(order) == [
        "create package base",
        "create action base/a",
        "create package app",
        "create package lib-app-base",
        "create action app/a",
    ]
    package = projects.whisk.get("packages", f"app-{projects.mark}")
    said = values(package["annotations"])["whisk-managed"]
    assert set(said) == {"file", "projectDeps", "projectHash", "projectName"}
    assert said["projectHash"] == project_hash(order.origin.text)
    assert needs(package) == {f"/guest/base-{projects.mark}": f"base-{projects.mark}"}
    assert managed_by(projects.whisk.get("packages", f"base-{projects.mark}")) == f"base-{projects.mark}"
    assert projects.deploy(order) == []
    assert sorted(projects.undeploy("app")) == [
        "delete action app/a",
        "delete action base/a",
        "delete package app",
        "delete package base",
        "delete package lib-app-base",
    ]


def test_what_two_projects_need_goes_with_the_last_of_them(projects: Projects) -> None:
    projects.write("base")
    one, other = projects.write("one", "base"), projects.write("other", "base")
    projects.deploy(one)
    assert not any("base/a" in change for change in projects.deploy(other))
    assert not any("base/a" in change for change in projects.undeploy("one"))
    assert any("base/a" in change for change in projects.undeploy("other"))


def test_a_project_that_two_others_need_is_deployed_once(projects: Projects) -> None:
    projects.write("base")
    projects.write("left", "base")
    projects.write("right", "base")
    made = projects.deploy(projects.write("top", "left", "right"))
    assert made.count("create package base") == 1
    assert any("base/a" in change for change in projects.undeploy("top"))


def test_a_need_that_is_gone_is_a_change(projects: Projects) -> None:
    projects.write("base")
    projects.deploy(projects.write("app", "base"))
    assert projects.deploy(projects.write("app")) == ["update package app", "delete package lib-app-base"]
    projects.undeploy("app")
    projects.undeploy("base")


def test_another_name_of_a_project_takes_over_what_it_declares_and_no_more(projects: Projects) -> None:
    order = projects.write("app", members=f"\n        old: {ACTION}")
    projects.deploy(order)
    projects.write("app")
    renamed = Order(find_origin(projects.folder / "app"), {}, name=f"renamed-{projects.mark}")
    assert projects.deploy(renamed) == ["update package app", "update action app/a"]
    assert projects.undeploy("app") == ["delete action app/old"]
    assert projects.undeploy("renamed") == ["delete action app/a", "delete package app"]


def test_without_a_project_things_are_single_and_named_to_be_removed(projects: Projects) -> None:
    origin = projects.write("app").origin
    single = Order(origin, {}, managed=False)
    projects.deploy(single)
    assert managed_by(projects.whisk.get("packages", f"app-{projects.mark}")) is None
    assert projects.deploy(single) == []
    assert projects.undeploy("app") == []
    gone = plan_removal(single.manifest(), projects.whisk)
    assert [projects.short(str(change)) for change in gone] == ["delete action app/a", "delete package app"]
    apply(gone, projects.whisk)


def test_what_belongs_to_a_project_is_not_removed_by_a_manifest_without_one(projects: Projects) -> None:
    order = projects.write("app")
    projects.deploy(order)
    assert plan_removal(Order(order.origin, {}, managed=False).manifest(), projects.whisk) == ()
    projects.undeploy("app")


def test_what_wskdeploy_deployed_as_a_project_is_ours_to_keep_and_remove(projects: Projects) -> None:
    order = projects.write("app")
    projects.deploy(Order(order.origin, {}, managed=False))
    name = f"app-{projects.mark}"
    theirs = {"projectName": name, "projectHash": "0" * 40, "projectDeps": [], "file": "/x/manifest.yaml"}
    annotations = [{"key": "whisk-managed", "value": theirs}]
    projects.whisk.put("packages", name, {"version": "0.0.1", "annotations": annotations})
    projects.whisk.put("actions", f"{name}/a", {"annotations": annotations})
    assert projects.deploy(order) == []
    assert projects.undeploy("app") == ["delete action app/a", "delete package app"]


def test_to_be_managed_a_project_needs_a_name(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text("packages: {p: {}}\n")
    with pytest.raises(ManifestError, match=r"has no project\.name, which --managed needs"):
        Order(find_origin(tmp_path), {}, managed=True).manifest()
