"""The login node of a real Slurm, by OpenSSH: whom it believes, and what it says when it does not."""

import socket
import subprocess
from pathlib import Path

import pytest

from deepwhisk.batch.runner import State
from deepwhisk.batch.runners.ssh import Connection
from deepwhisk.errors import RunnerRefused, RunnerUnreachable, SettingsError
from fixtures.clusters import SMALL, Cluster
from fixtures.slurm import Slurm, started

TRICKS = ("$(touch gone)", "`id`", "a b", "'", '"', "\n", ";id", "*", "~", "ünï", "--x", "\\", "!", "%C", "")


def test_words_reach_a_command_as_they_are(slurm: Slurm) -> None:
    ssh = slurm.root / "ssh"
    shell = Connection("127.0.0.1", slurm.ports["ssh"], "root", ssh / "id", ssh / "known_hosts")
    said = shell(["printf", "%s|", *TRICKS], "")
    assert said.output == "".join(f"{word}|" for word in TRICKS)
    assert shell(["cat"], "given $(id)\n").output == "given $(id)\n"


def test_one_connection_is_kept_for_all_commands(slurm: Slurm) -> None:
    ssh = slurm.root / "ssh"
    shell = Connection("127.0.0.1", slurm.ports["ssh"], "root", ssh / "id", ssh / "known_hosts")
    ports = {shell(["sh", "-c", "echo $SSH_CLIENT"]).output for _ in range(3)}
    assert len(ports) == 1
    shell.close()
    assert shell(["sh", "-c", "echo $SSH_CLIENT"]).output not in ports


def test_a_host_whose_key_has_changed_is_sent_nothing(tmp_path: Path) -> None:
    with started(login_only=True) as slurm:
        ssh = slurm.root / "ssh"
        shell = Connection("127.0.0.1", slurm.ports["ssh"], "root", ssh / "id", ssh / "known_hosts")
        assert shell(["true"]).status == 0
        slurm.kill("sshd")
        with pytest.raises(RunnerUnreachable):
            shell(["true"])  # nothing is left of the connection that was kept
        for name in ("host", "host.pub"):
            (ssh / name).unlink()
        known = (ssh / "known_hosts").read_text()
        slurm.start_login()
        (ssh / "known_hosts").write_text(known)
        with pytest.raises(
            RunnerRefused, match=r"host key of 127.0.0.1:\d+ is another one than .*known_hosts"
        ):
            shell(["touch", str(tmp_path / "touched")])
        assert not (tmp_path / "touched").exists()


def test_a_host_that_nobody_knows_is_refused(slurm: Slurm, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").touch()
    cluster = Cluster(slurm.login_url(known_hosts=tmp_path / "known_hosts"), tmp_path / "state", tmp_path)
    with pytest.raises(RunnerRefused, match=r"is not known\. Ask who runs it for the key"):
        cluster.runner.statuses()


def test_a_key_that_is_not_let_in_is_refused(slurm: Slurm, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    cluster = Cluster(slurm.login_url(key=tmp_path / "id"), tmp_path / "state", tmp_path)
    with pytest.raises(RunnerRefused, match="lets nobody in with this user and key"):
        cluster.submit(cluster.job("true"))


def test_a_login_node_that_does_not_answer_is_unreachable_for_now(slurm: Slurm, tmp_path: Path) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        url = slurm.login_url().replace(str(slurm.ports["ssh"]), str(door.getsockname()[1]), 1)
        with pytest.raises(RunnerUnreachable, match=r"cannot be reached by ssh: .*refused"):
            Cluster(url, tmp_path / "state", tmp_path).runner.offer()


def test_a_job_outlives_the_connection(slurm: Slurm, slurm_ssh: Cluster) -> None:
    job = slurm_ssh.job('sleep 1; touch "$PLACE/done"')
    slurm_ssh.submit(job)
    slurm.kill("sshd")
    with pytest.raises(RunnerUnreachable):
        slurm_ssh.runner.statuses()
    slurm.start_login()
    assert slurm_ssh.over(job).state is State.DONE
    assert slurm_ssh.file(job, "done").exists()


@pytest.mark.parametrize("url", ["slurm+ssh:", "slurm+ssh://-oProxyCommand=id", "slurm+ssh://a;b@host"])
def test_an_address_that_is_none_is_said(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"names no login node; write slurm\+ssh://USER@HOST"):
        Cluster(url, tmp_path / "state", tmp_path)


def test_a_password_has_no_place_in_a_url(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no password"):
        Cluster("slurm+ssh://me:secret@host", tmp_path / "state", tmp_path)


def test_the_end_of_a_jobs_output_is_read_from_afar(slurm_ssh: Cluster) -> None:
    job = slurm_ssh.job("echo said", SMALL)
    [handle] = slurm_ssh.submit(job)
    slurm_ssh.over(job)
    assert slurm_ssh.runner.log(handle) == "said\n"
