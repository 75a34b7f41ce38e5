"""What the demo shows, and no more."""

import yaml

from deepwhisk.cli.demo import MODEL, only
from deepwhisk.project import Project
from fixtures.machine import ROOT


def test_the_demo_deploys_the_whole_project_but_one_model_only() -> None:
    project = Project.find(ROOT)
    origin = only(project, project.model(MODEL))
    packages = yaml.safe_load(origin.text)["project"]["packages"]
    whole = yaml.safe_load((ROOT / "manifest.yaml").read_text(encoding="utf-8"))["project"]["packages"]

    assert set(packages["models"]["actions"]) == {MODEL}
    assert packages.keys() == whole.keys()
    assert packages["sequences"] == whole["sequences"]
