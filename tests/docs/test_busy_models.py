"""The page docs/busy-models.md: its console runs, and prints what it says; what it says of numbers is so."""

import os
import re
import subprocess
import sys
from pathlib import Path

from deepwhisk.engine import berth, warmth
from deepwhisk.engine.web import RETRY
from deepwhisk.project import catalog
from deepwhisk_runtime import batching, kept
from fixtures.machine import ROOT

PAGE = (ROOT / "docs" / "busy-models.md").read_text(encoding="utf-8")
END = "the end of what is printed"


def block(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_console_prints_what_the_page_says(tmp_path: Path, port: int) -> None:
    (tmp_path / "counter").mkdir()
    (tmp_path / "counter/model.py").write_text(block("python"))
    commands = [
        each.partition("\n") for each in re.split(r"^\$ ", block("console"), flags=re.MULTILINE) if each
    ]
    lines = [line for command, _, _ in commands for line in (command, f"echo '{END}'")]
    ready = f"until curl -s -o ready http://127.0.0.1:{port}/health; do sleep 0.1; done"
    lines.insert(1, f"trap 'kill %1; wait' EXIT; {ready}")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", "set -e\n" + "\n".join(lines).replace("5000", str(port))],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "DEEPWHISK_ANSWERS": str(tmp_path / "answers")},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    said = done.stdout.replace(str(port), "5000").split(END + "\n")
    assert said[:-1] == [printed for _, _, printed in commands]


def test_its_numbers_are_those_of_the_code() -> None:
    assert (batching.MOST, catalog.TOGETHER, batching.LONGEST, batching.SHARE) == (32, 32, 0.005, 0.1)
    assert (kept.SIZE >> 20, kept.AGE, kept.LARGEST_ANSWER >> 10) == (256, 86_400, 192)
    assert (RETRY, warmth.EVERY) == (15, 1.0)
    assert berth.HELD > warmth.EVERY
