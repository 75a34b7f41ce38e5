"""The page docs/bring-your-module.md runs from its first line to its last."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "bring-your-module.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```\w+\n(?:# (\S+\.\w+)\n)?(.*?)^```", re.MULTILINE | re.DOTALL)


def steps() -> Iterator[str]:
    """The blocks as lines of one shell script: a file is written, the rest is run."""
    for file, text in BLOCK.findall(PAGE):
        if file:
            yield f"mkdir -p {Path(file).parent}\ncat > {file} <<'END OF FILE'\n{text}END OF FILE\n"
        else:
            yield text


@pytest.mark.xdist_group("machine")
def test_a_module_is_brought_as_the_page_says(tmp_path: Path, environment_cache: Path, port: int) -> None:
    first = (
        f'set -e\ndeepwhisk() {{ [ "$1" != up ] || set -- "$@" --port {port}; command deepwhisk "$@"; }}\n'
    )
    script = first + "trap 'deepwhisk down || true' EXIT\n" + "".join(steps())
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DEEPWHISK_"))
    }
    done = subprocess.run(
        ["bash", "-c", script.replace("127.0.0.1:3233", f"127.0.0.1:{port}")],
        cwd=tmp_path,
        env={
            **environment,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DEEPWHISK_CACHE": str(environment_cache),
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert '"predictions":{"labels":["green","other"],"probabilities":[1.0,0.0]}' in done.stdout
    assert (tmp_path / "library" / "mask.png").read_bytes()[:4] == b"\x89PNG"
