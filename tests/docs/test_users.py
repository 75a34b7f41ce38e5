"""What docs/engine.md says of users and limits runs as it stands there, and leaves nothing out."""

import re
import shlex
from pathlib import Path

import pytest

from deepwhisk.engine import read_policy
from deepwhisk.engine.admin import ROUTES
from deepwhisk.engine.limit_terms import TERMS
from deepwhisk.settings import read_wskprops
from deepwhisk.whisk import Whisk
from fixtures.engine import Engine
from fixtures.machine import run

PAGE = (Path(__file__).parents[2] / "docs" / "engine.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## Users and limits\n")[2].partition("\n## ")[0]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)


def test_the_commands_run_one_after_the_other(engine: Engine, tmp_path: Path) -> None:
    lines = [line.removeprefix("$ ") for line in blocks("console")[0].splitlines()]
    for line in lines:
        if line.startswith("deepwhisk "):
            done = run(*shlex.split(line)[1:], cwd=tmp_path, DEEPWHISK_STATE=str(engine.state))
            assert done.returncode == 0, (line, done.stderr)
        else:
            kept = read_wskprops(tmp_path / "ada.wskprops")
            assert line == "WSK_CONFIG_FILE=ada.wskprops wsk list"
            assert Whisk(kept["APIHOST"], kept["AUTH"]).namespace() == "ada"

    assert len(lines) == 12


def test_the_file_of_limits_can_be_read() -> None:
    (text,) = blocks("yaml")
    policy = read_policy(text, "limits.yaml")

    assert policy.base.invocations_per_minute == 6000
    assert set(policy.namespaces) == {"ada"}


@pytest.mark.parametrize("term", TERMS)
def test_every_term_is_explained(term: str) -> None:
    assert f"`{term}`" in SECTION


@pytest.mark.parametrize(("method", "shape"), ROUTES)
def test_every_route_is_explained(method: str, shape: str) -> None:
    path = f"/admin/v1/{shape}".replace("limits/NAME", "limits/NAMESPACE")
    rows = [line for line in SECTION.splitlines() if f"{path}`" in line or f"{path}?" in line]

    assert any(method in row.partition(" | ")[0] for row in rows)
