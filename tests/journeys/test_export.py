"""This project, deployed by `up`, comes out of the engine as a project that is no change to it."""

import json
from pathlib import Path

from deepwhisk.deploy.feeding import FeedCall, tell
from deepwhisk.deploy.managed import managed_by
from deepwhisk.project import read_project
from fixtures.machine import ROOT, Machine


def test_the_project_survives_the_way_out_and_back(machine: Machine, tmp_path: Path) -> None:
    project = managed_by(machine.whisk.get("packages", "models"))
    assert project is not None
    out = tmp_path / "out"

    exported = machine.tool("export", "--projectname", project, "-o", str(out), "--json")
    again = machine.tool("deploy", "-p", str(out), "--dry-run", "--json")

    assert exported.returncode == 0, exported.stderr
    assert json.loads(exported.stdout)["notes"] == []
    assert json.loads(again.stdout)["changes"] == []
    assert (out / "models" / "image-classification" / "model.py").is_file()


def test_a_subscription_that_somebody_deleted_is_made_again(machine: Machine) -> None:
    whisk = machine.whisk
    trigger = next(each.name for each in read_project(ROOT).triggers)
    gone = tell(FeedCall("DELETE", "/_/feeds/objects"), trigger, whisk)
    assert gone["status"]["state"] == "deleted"

    done = machine.tool("deploy", "--json")

    assert [change["name"] for change in json.loads(done.stdout)["changes"]] == [trigger], done.stdout
    assert json.loads(machine.tool("deploy", "--dry-run", "--json").stdout)["changes"] == []
