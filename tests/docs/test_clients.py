"""The JavaScript of docs/clients.md runs as it stands there."""

import re
import subprocess
from pathlib import Path

from clients.test_lithops import CLIENT
from fixtures.docker import PYTHON_IMAGE
from fixtures.engine import Engine
from fixtures.foreign import CLIENTS, node_with

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_example_runs(engine: Engine, tmp_path: Path) -> None:
    node_with("openwhisk")
    (tmp_path / "call.mjs").write_text(block("js"))
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    (tmp_path / ".deepwhisk").symlink_to(engine.state)
    done = subprocess.run(
        ["bash", "-e", "-c", block("bash")], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "{ hello: 'Ada' }\n"), done.stderr


def test_the_image_for_lithops_is_the_one_that_is_tested() -> None:
    told = block("dockerfile")

    assert told.startswith(f"FROM {PYTHON_IMAGE}\n")
    assert CLIENT[0] in told


def test_every_client_of_the_tests_is_on_the_page() -> None:
    for told in ("openwhisk", "@adobe/aio-cli-plugin-runtime"):
        assert f"`{told}`" in PAGE
        assert told in (CLIENTS / "package.json").read_text()
