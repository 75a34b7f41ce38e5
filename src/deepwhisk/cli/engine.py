"""`deepwhisk engine`: the engine alone, in the foreground; `up` starts it as one of its parts."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from deepwhisk.cli.containers import Containers, container_options
from deepwhisk.cli.logs import log_options
from deepwhisk.cli.options import host_option, limits_option, retention_options, state_option
from deepwhisk.engine import (
    PROCESS,
    PROFILES,
    Kinds,
    MachinePool,
    Node,
    Policy,
    Retention,
    Service,
    read_policy,
    serve,
)
from deepwhisk.settings import State, cache_folder

NETWORK = {
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "TZ",
}
LOOPBACK = "localhost,127.0.0.1,::1"


@click.command()
@click.option("--port", default=3233, show_default=True, help="Port of the REST API; 0 for any free one.")
@host_option
@click.option(
    "--durable",
    type=click.Choice(["process", "power-loss"]),
    default="process",
    show_default=True,
    help="What acknowledged things survive: the engine's death, or the machine's (slower).",
)
@limits_option
@retention_options
@container_options
@log_options
@state_option
def engine(
    port: int,
    host: str,
    durable: str,
    limits: str,
    keep_days: float,
    keep_size: int,
    containers: Containers,
    state: State,
) -> None:
    """Run the engine alone, in the foreground."""
    node = Node.found(shutil.which("node"))
    service = Service(
        state.folder,
        port,
        host,
        policy_of(limits),
        Retention(keep_days, keep_size),
        durable="power-loss" if durable == "power-loss" else "process",
        kinds=Kinds.here(node=node is not None or containers.driver != PROCESS),
    )
    serve(
        service,
        lambda address: MachinePool(
            cache_folder(),
            address,
            variables=passed_on(os.environ),
            node=node,
            default=containers.driver,
            images=containers.images(state, os.environ),
            answers=state.folder / "answers",
        ),
        lambda address: click.echo(f"ready at {address}"),
    )


def policy_of(limits: str) -> Policy:
    """What `--limits` means: a profile, or a file."""
    if limits in PROFILES:
        return Policy(PROFILES[limits]())
    return read_policy(Path(limits).read_text(encoding="utf-8"), limits)


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """What containers get of the engine's environment: how to reach the network, and nothing else."""
    known = {name: value for name, value in environ.items() if name.upper() in NETWORK}
    if not any(name.upper().endswith("_PROXY") for name in known):
        return known
    # What goes to this machine's own services carries keys, and no proxy could reach them.
    spared = {name: known.get(name) for name in ("NO_PROXY", "no_proxy")}
    return known | {name: ",".join(filter(None, (said, LOOPBACK))) for name, said in spared.items()}
