"""`slurm+ssh://USER@HOST`, a cluster reached by its login node, over one connection that is kept.

Law: the host key is checked always, a password never asked for. It is OpenSSH's own client, so that what a
user has set up for it (jump hosts, agents, keys in hardware) holds here too; the connection outlives a
restart of the service by minutes.
"""

import hashlib
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from deepwhisk.batch.options import file, known
from deepwhisk.batch.slurm.commands import Said, SlurmCommands
from deepwhisk.errors import RunnerError, RunnerRefused, RunnerUnreachable, SettingsError

OPTIONS = ("key", "known_hosts", "output", "conf")
SECONDS = 60.0
KEPT_SECONDS = 300
_FAILED = 255  # ssh itself, not what it ran
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")
_ALWAYS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "ConnectTimeout": 15,
    "ServerAliveInterval": 15,
    "ServerAliveCountMax": 2,
    "ControlMaster": "auto",
    "ControlPersist": KEPT_SECONDS,
}


def open_one(url: SplitResult, options: Mapping[str, Any], folder: Path) -> SlurmCommands:
    """`slurm+ssh://USER@HOST:PORT`, with files of key and known hosts where they are not the usual ones."""
    known("slurm+ssh:", options, OPTIONS)
    if not url.hostname or not _WORD.fullmatch(url.hostname) or not _WORD.fullmatch(url.username or "me"):
        raise SettingsError(f"{url.geturl()!r} names no login node; write slurm+ssh://USER@HOST.")
    key = file("slurm+ssh:", options, "key")
    hosts = file("slurm+ssh:", options, "known_hosts")
    shell = Connection(url.hostname, url.port, url.username, key, hosts)
    conf = options.get("conf")
    return SlurmCommands(
        _With(shell, f"SLURM_CONF={conf}") if conf else shell, str(options.get("output", ""))
    )


class Connection:
    """Runs commands on another machine."""

    def __init__(
        self, host: str, port: int | None, user: str | None, key: Path | None, hosts: Path | None
    ) -> None:
        self._host = host
        self._told = f"{host}:{port}" if port else host
        self._hosts = hosts
        options = dict(_ALWAYS)
        if key:
            options |= {"IdentityFile": _quoted(key), "IdentitiesOnly": "yes"}
        if hosts:
            options |= {"UserKnownHostsFile": _quoted(hosts), "GlobalKnownHostsFile": "/dev/null"}
        if user:
            options["User"] = user
        if port:
            options["Port"] = port
        options["ControlPath"] = _quoted(_socket(host, options))
        self._command = ["ssh", *(f"-o{name}={value}" for name, value in options.items())]

    def __call__(self, words: Sequence[str], given: str = "") -> Said:
        try:
            done = subprocess.run(
                [*self._command, "--", self._host, shlex.join(words)],
                input=given.encode(),
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RunnerUnreachable(f"{self._told} has not answered for {SECONDS:g} s by ssh.") from None
        errors = done.stderr.decode(errors="replace")
        if done.returncode == _FAILED:
            raise self._failure(errors)
        return Said(done.returncode, done.stdout.decode(errors="replace"), errors)

    def close(self) -> None:
        """End the connection that is kept."""
        subprocess.run([*self._command, "-O", "exit", "--", self._host], capture_output=True, check=False)

    def _failure(self, said: str) -> RunnerError:
        where = self._hosts or "~/.ssh/known_hosts"
        if "IDENTIFICATION HAS CHANGED" in said:
            return RunnerRefused(
                f"The host key of {self._told} is another one than {where} says: it was set up anew, or "
                "somebody is in between. Nothing was sent. Ask who runs it for the new key; it goes there."
            )
        if "Host key verification failed" in said:
            return RunnerRefused(
                f"The host key of {self._told} is not known. Ask who runs it for the key, and put it into "
                f"{where} (`ssh-keyscan {self._host}` shows what it says now)."
            )
        if "Permission denied" in said:
            return RunnerRefused(
                f"{self._told} lets nobody in with this user and key: {_last(said)}. Try `ssh` by hand."
            )
        return RunnerUnreachable(f"{self._told} cannot be reached by ssh: {_last(said)}")


class _With:
    """A shell whose commands have a variable."""

    def __init__(self, shell: Connection, variable: str) -> None:
        self._shell = shell
        self._variable = variable

    def __call__(self, words: Sequence[str], given: str = "") -> Said:
        return self._shell(["env", self._variable, *words], given)


def _socket(host: str, options: Mapping[str, object]) -> Path:
    """Where the kept connection listens: a name that is short enough for one, in a folder of ours only."""
    folder = Path(tempfile.gettempdir()) / f"deepwhisk-ssh-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise SettingsError(f"{folder} is somebody else's, or open to others; remove it.")
    return folder / hashlib.sha256(repr((host, sorted(options.items(), key=repr))).encode()).hexdigest()[:16]


def _quoted(path: Path) -> str:
    """As OpenSSH reads a file's name: it has its own signs for %, and words."""
    return '"' + str(path).replace("%", "%%") + '"'


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
