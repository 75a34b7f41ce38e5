"""What `sites.yaml` says."""

from pathlib import Path

import pytest

from deepwhisk.batch.sites import DEFAULT, parse, read_sites
from deepwhisk.errors import DeepwhiskError, SettingsError

WHOLE = """\
sites:
  local:
    runner: "local:"
  cluster:
    runner: "slurm+ssh://me@login.example.org?key=~/.ssh/id&known_hosts=~/.ssh/hosts"
    partition: gpu
    account: deep
    resources: {cpus: 64, memory_MB: 256000, gpus: 4, time: 2-00:00:00}
    cost: {cpu_hour: 0.01, gpu_hour: 0.5}
    near: [photographs, plankton]
    container: udocker
"""


def test_a_file_is_read_in_its_order_with_all_it_says() -> None:
    local, cluster = parse(WHOLE)

    assert (local.name, local.runner, local.most, local.cpu_hour) == ("local", "local:", {}, 0)
    assert (cluster.partition, cluster.account, cluster.container) == ("gpu", "deep", "udocker")
    assert cluster.most == {"cpus": 64, "memory_MB": 256000, "gpus": 4, "time": 172800}
    assert (cluster.cpu_hour, cluster.gpu_hour, cluster.near) == (0.01, 0.5, ("photographs", "plankton"))


def test_a_site_is_shown_without_its_files() -> None:
    assert [site.shown for site in parse(WHOLE)] == ["local:", "slurm+ssh://me@login.example.org"]


def test_without_a_file_trainings_run_on_this_machine(tmp_path: Path) -> None:
    assert read_sites(tmp_path / "sites.yaml") == DEFAULT


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=str(tmp_path)):
        read_sites(tmp_path)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("sites:\n  a:\n    runer: 'local:'\n", r"sites\.yaml:3: .*'runer'"),
        ("sites:\n  a:\n    runner: 'local:'\n  a:\n    runner: 'local:'\n", r"sites\.yaml:4: .*twice"),
        ("sites:\n  a:\n    partition: p\n", r"sites\.yaml:2: .*missing"),
        ("sites:\n  a:\n    runner: 'pbs:'\n", r"sites\.yaml:2: .*'pbs:'"),
        (
            "sites:\n  b: {runner: 'local:'}\n  a:\n    runner: 'slurm+ssh://u:secret@h'\n",
            r"yaml:3: .*password",
        ),
        ("sites:\n  a b:\n    runner: 'local:'\n", r"yaml:2: 'a b'"),
        ("sites:\n  a: {runner: 'local:', container: jail}\n", r"yaml:2: .*'jail'"),
        ("sites:\n  a: {runner: 'local:', resources: {cpus: many}}\n", r"yaml:2: cpus .*'many'"),
        ("sites:\n  a: {runner: 'local:', resources: {partition: p}}\n", r"yaml:2: .*'partition'"),
        ("sites:\n  a: {runner: 'local:', cost: {hour: 1}}\n", r"yaml:2: .*'hour'"),
        ("sites:\n  a: {runner: 'local:', cost: {cpu_hour: -1}}\n", r"yaml:2: .*-1"),
        ("sites:\n  - local\n", r"sites\.yaml:2"),
        ("sites: {}\n", "names no site"),
        ("", "names no site"),
        ("sites: [\n", "not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(text: str, match: str) -> None:
    with pytest.raises(DeepwhiskError, match=match):
        parse(text)


def test_no_password_is_told_again() -> None:
    with pytest.raises(DeepwhiskError) as caught:
        parse("sites:\n  a: {runner: 'slurm+ssh://u:secret@h'}\n")

    assert "secret" not in str(caught.value)
