"""The page docs/training.md runs from its first line to its last: on this machine, and on a real Slurm."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import yaml

from deepwhisk.batch.runners import DRIVERS
from deepwhisk.batch.sites import parse
from fixtures.clusters import Cluster
from fixtures.kubernetes import KUBECONFIG, options
from fixtures.machine import TOOL

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(?:bash|python|yaml)\n(?:# (\S+\.\w+)\n)?(.*?)^```", re.MULTILINE | re.DOTALL)
TABLE, SITES = PAGE.split("## Sites\n")
SECONDS = 540
# Its commands where a person waits: a job may end a moment after its training, and a cancelled one later.
WAITING = {
    "deepwhisk trainings delete $again": "until deepwhisk trainings delete $again; do sleep 1; done",
    "deepwhisk trainings\n": "deepwhisk trainings follow $long >/dev/null || true\ndeepwhisk trainings\n",
}


def steps(runner: str) -> Iterator[str]:
    """The blocks as lines of one shell script: a file is written, the rest is run and named."""
    for number, (file, text) in enumerate(BLOCK.findall(TABLE)):
        if file:
            yield f"cat > {file} <<'END OF FILE'\n{text.replace('slurm:', runner)}END OF FILE\n"
        else:
            yield f"echo '--- {number}'\n{waiting(text)}"


def waiting(text: str) -> str:
    for hasty, patient in WAITING.items():
        text = text.replace(hasty, patient)
    return text


def walk(runner: str, folder: Path, cache: Path, port: int) -> list[str]:
    """What the page prints: a text for each block of commands."""
    first = (
        f'set -e\ndeepwhisk() {{ [ "$1" != up ] || set -- "$@" --port {port}; command deepwhisk "$@"; }}\n'
    )
    script = first + "trap 'deepwhisk down || true' EXIT\n" + "".join(steps(runner))
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DEEPWHISK_"))
    }
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    try:
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=folder,
            env={**environment, "PATH": path, "DEEPWHISK_CACHE": str(cache), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    finally:  # it was killed in the middle, perhaps
        subprocess.run([str(TOOL), "down"], cwd=folder / "library", capture_output=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return re.split(r"^--- \d+$", done.stdout, flags=re.MULTILINE)[1:]


def check(said: list[str], node: str) -> None:
    """What the page says of its own commands."""
    sites, followed, shown, compared = said[1], said[2], said[3], said[4]
    assert "cluster" in sites
    assert "up" in sites.splitlines()[-1]
    assert f"running on {node}" in followed or f"done on {node}" in followed
    assert "epoch 30  loss" in followed
    assert "history" in shown
    assert "│█" in shown
    best = {line.split()[1] for line in compared.splitlines() if "★" in line}
    assert len(best) == 1
    assert compared.count(" done ") >= 4
    assert "loss ↓" in compared
    before, after = re.findall(r'"y": ([\d.]+)', said[6])
    assert float(before) == 0
    assert float(after) == 5
    assert "serves" in said[7]
    assert re.findall(r'"y": ([\d.]+)', said[7]) in (["0"], ["0.0"])
    assert "cancelled" in said[8]


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.xdist_group("machine")
def test_a_newcomer_trains_on_this_machine(tmp_path: Path, environment_cache: Path, port: int) -> None:
    check(walk("local:", tmp_path, environment_cache, port), "")


@pytest.mark.timeout(SECONDS + 60)
def test_a_newcomer_trains_on_slurm(
    slurm_here: Cluster, tmp_path: Path, environment_cache: Path, port: int
) -> None:
    folder = tmp_path / "login"
    folder.mkdir()
    check(walk(slurm_here.url, folder, environment_cache, port), "")


if KUBECONFIG:

    @pytest.mark.timeout(SECONDS + 60)
    def test_a_newcomer_trains_on_kubernetes(tmp_path: Path, environment_cache: Path, port: int) -> None:
        given = options(tmp_path)
        runner = f"kubernetes://?{urlencode(given)}"
        check(walk(runner, tmp_path, environment_cache, port), "deepwhisk-node")


def test_the_sites_of_the_page_are_sites() -> None:
    [text] = re.findall(r"^```yaml\n(sites:.*?)^```", SITES, re.MULTILINE | re.DOTALL)

    assert [site.name for site in parse(text)] == list(yaml.safe_load(text)["sites"])


def test_every_runner_is_in_the_table() -> None:
    told = {
        re.match(r"[a-z+]+", name)[0] for name in re.findall(r"^\| `([a-z+]+:[^`]*)` \|", SITES, re.MULTILINE)
    }  # type: ignore[index]

    assert told == set(DRIVERS)
