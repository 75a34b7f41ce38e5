"""The Python of docs/storage.md runs as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deepwhisk.objects.seaweed import Seaweed
from deepwhisk.objects.stores import open_store

PAGE = Path(__file__).parents[2] / "docs" / "storage.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def home(seaweed: Seaweed, tmp_path: Path) -> Path:
    """A folder in which `deepwhisk up` runs, as far as the store is concerned."""
    open_store(seaweed.settings, ["uploads", "results"])
    (tmp_path / ".deepwhisk").mkdir()
    (tmp_path / ".deepwhisk" / "store").symlink_to(seaweed.log.parent)
    return tmp_path


def test_the_page_has_examples() -> None:
    assert len(BLOCKS) == 3


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_an_example_runs(home: Path, block: str) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_CONFIG_FILE": str(home / ".deepwhisk" / "store" / "aws"),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
