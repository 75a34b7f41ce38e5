"""The page docs/deploy.md runs as it stands there."""

import re
import shlex
from pathlib import Path

from deepwhisk.grammar import PACKAGE
from deepwhisk.whisk import Whisk
from fixtures.engine import Engine
from fixtures.machine import run

PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text(encoding="utf-8")
FILE = re.compile(r"^```\w+\n# (\S+\.\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lay_out(folder: Path) -> None:
    for name, text in FILE.findall(PAGE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def test_its_project_is_deployed_and_taken_away(engine: Engine, tmp_path: Path) -> None:
    lay_out(tmp_path)
    whisk = Whisk(engine.apihost, engine.auth)
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    answers = []
    for line in block.splitlines():
        name, program, *words = shlex.split(line.removeprefix("$ "))
        assert (name, program) == ("PERSON=Ada", "deepwhisk")
        done = run(*words, cwd=tmp_path, DEEPWHISK_STATE=str(engine.state), PERSON="Ada")
        assert done.returncode == 0, (line, done.stderr)
        if words[0] == "deploy" and "--dry-run" not in words:
            answers.append(whisk.invoke("greetings/hello", result=True)["body"])
    assert answers == ["Hello Ada of Santander", "Hello Ada of Here", "Hello Ada of Santander"]
    assert "greetings" not in {item["name"] for item in whisk.list("packages")}
    whisk.close()


def test_every_section_of_a_package_is_named() -> None:
    sections = [key for key, rule in PACKAGE.rules.items() if not isinstance(rule, str)]
    for section in sections:
        assert f"`{section}`" in PAGE or section == "repositories", section
