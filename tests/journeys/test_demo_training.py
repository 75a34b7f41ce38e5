"""`deepwhisk demo --training`, what `make demo-training` shows: on this machine, and on a real Slurm."""

import re
from pathlib import Path

import pytest

from fixtures.machine import run
from fixtures.slurm import Slurm


def demo(site: str, **environment: str) -> None:
    shown = run("demo", "--training", **environment)

    assert shown.returncode == 0, shown.stdout + shown.stderr
    accuracies = [float(each) for each in re.findall(r"epoch +\d+ .* ([\d.]+)% of what", shown.stdout)]
    assert accuracies[0] < 60
    assert accuracies[-1] >= 90
    assert f"of the site {site}." in shown.stdout
    assert "promoted: version 1" in shown.stdout
    answers = re.findall(r"tripos\.jpg → (\w+) ([\d.]+%)", shown.stdout)
    assert [label for label, _ in answers] == ["Tripos"] * 3
    assert answers[0] == answers[2] != answers[1]


def test_a_model_is_retrained_by_a_trigger_promoted_and_rolled_back() -> None:
    demo("local")


@pytest.mark.parametrize("way", ["sbatch", "ssh", "rest"])
def test_the_same_on_slurm(slurm: Slurm, way: str, tmp_path: Path) -> None:
    url = {"sbatch": slurm.here_url, "ssh": slurm.login_url, "rest": slurm.rest_url}[way]()
    sites = tmp_path / "sites.yaml"
    sites.write_text(f'sites:\n  cluster:\n    runner: "{url}"\n')

    demo("cluster", DEEPWHISK_SITES=str(sites))
