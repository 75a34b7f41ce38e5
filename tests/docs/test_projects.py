"""The project of docs/projects.md is deployed, exported and taken away as the page shows."""

import os
import re
from pathlib import Path

import pytest

from fixtures.engine import Engine
from fixtures.machine import run

PAGE = (Path(__file__).parents[2] / "docs" / "projects.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_commands_of_the_page_do_what_it_says(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text(block("yaml"))
    target = {"WSK_CONFIG_FILE": str(engine.state / "wskprops"), "DEEPWHISK_STATE": str(tmp_path / "state")}
    said = []
    for line in block("bash").splitlines():
        done = run(*line.removeprefix("deepwhisk ").split(), cwd=tmp_path, **target)
        assert done.returncode == 0, (line, done.stderr)
        said.append(done.stdout.splitlines()[-1] if done.stdout else done.stderr)

    assert said[0] == said[1] == "6 to change, 0 as they should be."
    assert said[2] == said[4] == "0 to change, 6 as they should be."
    assert "and one file." in said[3]
    assert said[5] == "6 to change, 0 as they should be."


@pytest.mark.parametrize("command", ["deploy", "undeploy", "export"])
def test_every_option_of_the_page_is_there(command: str) -> None:
    shown = run(command, "--help", **{name: os.environ[name] for name in ("PATH",)}).stdout
    rows = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    options = {word for row in rows for word in re.findall(r"--[a-z-]+", row)}
    assert len(options) > 10
    if command == "deploy":
        assert {option for option in options if option not in shown} == set()
    else:
        assert all(option in shown for option in ("--apihost", "--config", "--projectname"))
