"""What docs/services.md says of the list of models is what the action does."""

import ast
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "services.md").read_text(encoding="utf-8")
ACTION = ast.parse((ROOT / "actions" / "services.py").read_text(encoding="utf-8"))
CONSTANTS = {
    node.targets[0].id: ast.literal_eval(node.value)
    for node in ACTION.body
    if isinstance(node, ast.Assign)
    and isinstance(node.targets[0], ast.Name)
    and isinstance(node.value, ast.Constant | ast.Tuple)
}


def test_the_states_are_those_of_the_action() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.partition("| `state` | when |")[2], re.MULTILINE)

    assert set(rows) == set(CONSTANTS["STATES"])


def test_its_numbers_are_those_of_the_action() -> None:
    assert f"in the last {CONSTANTS['WARM_SECONDS'] // 60} minutes" in PAGE
    assert f"the latest {sum(CONSTANTS['PAGES'])} calls" in PAGE


def test_the_action_may_ask_openwhisk_and_is_open_to_the_web() -> None:
    settings = yaml.safe_load((ROOT / "actions" / "services.yaml").read_text())["actions"]["services"]

    assert settings["annotations"] == {"provide-api-key": True}
    assert settings["web"] == "true"
