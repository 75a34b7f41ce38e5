"""The page docs/add-a-model.md runs from its first line to its last."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "add-a-model.md"
BLOCK = re.compile(r"^```(bash|python|yaml|json)\n(?:# (\S+\.\w+)\n)?(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[tuple[str, str, str]]:
    """Language, the file it is (or nothing), text."""
    return (
        (match[1], match[2] or "", match[3]) for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))
    )


def step(language: str, file: str, text: str) -> str:
    """A block as lines of one shell script: a file is written, the rest is run."""
    if file:
        return f"cat > {file} <<'END OF FILE'\n{text}END OF FILE\n"
    return f"python -W error - <<'END OF FILE'\n{text}END OF FILE\n" if language == "python" else text


def test_every_block_of_the_page_is_run() -> None:
    fences = re.findall(r"^```\w+$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(list(blocks())) == len(fences) > 0


@pytest.mark.xdist_group("machine")
def test_a_model_is_added_as_the_page_says(tmp_path: Path, environment_cache: Path, port: int) -> None:
    first = (
        f'set -e\ndeepwhisk() {{ [ "$1" != up ] || set -- "$@" --port {port}; command deepwhisk "$@"; }}\n'
    )
    last = "trap 'deepwhisk down || true' EXIT\n"
    script = (
        first
        + last
        + "".join(step(*block) for block in blocks()).replace("127.0.0.1:3233", f"127.0.0.1:{port}")
    )
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DEEPWHISK_"))
    }
    done = subprocess.run(
        ["bash", "-c", script],
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
    assert '"lengths"' in done.stdout
    assert '"words":["brown","quick","fox"]' in done.stdout.replace(" ", "")
    assert (tmp_path / "library" / "manifest.yaml").is_file()
