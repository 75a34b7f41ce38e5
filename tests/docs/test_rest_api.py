"""The page docs/rest-api.md: its commands run one after the other, and print what it says they print."""

import os
import re
import subprocess
import sys
from pathlib import Path

from fixtures.machine import ROOT

PAGE = (ROOT / "docs" / "rest-api.md").read_text(encoding="utf-8")
END = "the end of what is printed"


def commands() -> list[tuple[str, str]]:
    """Each command of the page, and what it prints."""
    blocks = "".join(re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    found = [each.partition("\n") for each in re.split(r"^\$ ", blocks, flags=re.MULTILINE) if each]
    return [(command, printed) for command, _, printed in found]


def matches(expected: str, printed: str) -> bool:
    pattern = ".*".join(map(re.escape, expected.strip().split("…")))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def test_the_commands_print_what_the_page_says(tmp_path: Path, port: int) -> None:
    code = re.search(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert code is not None
    (tmp_path / "swatch").mkdir()
    (tmp_path / "swatch/model.py").write_text(code[1])
    ready = f"until curl -s -o ready http://127.0.0.1:{port}/health; do sleep 0.1; done"
    lines = [line for command, _ in commands() for line in (command, f"echo '{END}'")]
    lines.insert(1, f"trap 'kill %1; wait' EXIT; {ready}")
    script = "set -e\n" + "\n".join(lines).replace("5000", str(port))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    printed = done.stdout.replace(str(port), "5000").split(END + "\n")
    for (command, expected), said in zip(commands(), printed, strict=False):
        assert matches(expected, said), (command, said)
    assert len(printed) == len(commands()) + 1


def test_every_path_of_the_application_is_on_the_page(tmp_path: Path) -> None:
    from deepwhisk_runtime.rest import create_app
    from deepwhisk_runtime.service import Provision, load

    (tmp_path / "model.py").write_text("def predict(): return 1")
    app = create_app(load(tmp_path, "NAME", Provision()))
    rules = {
        re.sub(r"<name>", "NAME", rule.rule).replace("<uuid>", "UUID") for rule in app.url_map.iter_rules()
    }
    assert {rule for rule in rules if f"`{rule}`" not in PAGE} == {"/api/<file>"}
