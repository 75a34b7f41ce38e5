"""`deepwhisk up` and `down`: the parts of one machine, the project deployed on them, until told to end."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from deepwhisk.cli.common import err
from deepwhisk.cli.containers import Containers, container_options
from deepwhisk.cli.deploy import warn_if_behind
from deepwhisk.cli.interrupts import settling
from deepwhisk.cli.machine import Machine
from deepwhisk.cli.options import host_option, limits_option, retention_options, state_option
from deepwhisk.cli.running import Running
from deepwhisk.errors import ServiceError
from deepwhisk.project import Project
from deepwhisk.settings import State

DEFAULT_PORT = 3233
DOWN_SECONDS = 60.0


@click.command()
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, help="Port of the OpenWhisk API; 0 for any free one."
)
@host_option
@click.option(
    "--store",
    "store_url",
    envvar="DEEPWHISK_STORE_ENDPOINT",
    metavar="URL",
    help="An S3 store to use instead of the embedded one: http(s)://HOST, or minio+http(s)://HOST. "
    "Its keys come from DEEPWHISK_STORE_ACCESS_KEY and DEEPWHISK_STORE_SECRET_KEY.",
)
@click.option("--detach", is_flag=True, help="Return when all is ready; `deepwhisk down` ends it.")
@limits_option
@retention_options
@container_options
@state_option
def up(
    port: int,
    host: str,
    store_url: str | None,
    detach: bool,
    limits: str,
    keep_days: float,
    keep_size: int,
    containers: Containers,
    state: State,
) -> None:
    """Start all parts of a machine; deploy this project on them.

    Prints what to try next; ends with Ctrl-C. Keys, data and logs stay in --state, so a second start goes on
    where the first one stopped.
    """
    if detach:
        _detach(state)
        return
    project = Project.find(Path.cwd())
    warn_if_behind(project)
    told = ["--limits", limits, "--keep-days", str(keep_days), "--keep-size", str(keep_size)]
    with Machine(state, host, port, store_url, containers, told) as machine, settling():
        try:
            machine.start(project)
            err.print(machine.hints(project))
            machine.watch()
        except KeyboardInterrupt:
            if not ((running := Running.read(state)) and running.ready):
                raise
    err.print("Ended.")


@click.command()
@state_option
def down(state: State) -> None:
    """End the `up` that uses this state folder."""
    running = Running.read(state)
    if running is None:
        err.print(f"Nothing runs in {state.folder}.")
        return
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while Running.read(state) is not None:
        if time.monotonic() > deadline:
            raise ServiceError(f"`up` (process {running.pid}) did not end within {DOWN_SECONDS:.0f} s.")
        time.sleep(0.05)
    err.print("Ended.")


def _detach(state: State) -> None:
    """Start `up` as a process of its own and wait until it is ready or has ended."""
    state.make()
    arguments = [argument for argument in sys.argv[1:] if argument != "--detach"]
    log = state.log("up")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.argv[0], *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    with err.status("Starting …"), _ended_if_interrupted(process):
        _wait(process, state)
    err.print(log.read_text(encoding="utf-8"), end="")
    if process.poll() is not None:
        sys.exit(process.returncode)


@contextlib.contextmanager
def _ended_if_interrupted(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """What is not ready yet is not left behind by a Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise


def _wait(process: "subprocess.Popen[bytes]", state: State) -> None:
    while process.poll() is None:
        running = Running.read(state)
        if running is not None and running.pid == process.pid and running.ready:
            return
        time.sleep(0.05)
