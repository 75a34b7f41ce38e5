"""The parts of a machine as commands of their own, `engine` and `feed`, and as processes of `up`."""

import logging
import os
import secrets
import sys
from collections.abc import Mapping

import click
import requests

from deepwhisk.cli.common import state_option
from deepwhisk.cli.stores import store_from
from deepwhisk.engine import ProcessPool, Service
from deepwhisk.engine import serve as serve_engine
from deepwhisk.feeds.service import serve as serve_feed
from deepwhisk.feeds.settings import FeedSettings
from deepwhisk.objects.seaweed import Seaweed
from deepwhisk.objects.store import StoreSettings
from deepwhisk.services import Part
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

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")


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
@state_option
def engine(port: int, host: str, durable: str, state: State) -> None:
    """Run the engine alone: an OpenWhisk for one machine, in the foreground."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    service = Service(
        state.folder, port, host, durable="power-loss" if durable == "power-loss" else "process"
    )
    serve_engine(
        service,
        lambda address: ProcessPool(cache_folder(), address, variables=passed_on(os.environ)),
        lambda address: print(f"ready at {address}", file=sys.stderr, flush=True),
    )


@click.command()
@click.option("--port", required=True, type=int, help="Port for webhooks and the feed action.")
@host_option
@click.option(
    "--apihost", required=True, envvar="DEEPWHISK_APIHOST", help="Address of the OpenWhisk to fire at."
)
@click.option(
    "--store",
    "store_url",
    required=True,
    envvar="DEEPWHISK_STORE_ENDPOINT",
    metavar="URL",
    help="The S3 store to watch. Its keys: DEEPWHISK_STORE_ACCESS_KEY, DEEPWHISK_STORE_SECRET_KEY.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Choice(["minio-listen"]),
    help="What tells of objects beside webhooks and listings.",
)
@state_option
def feed(port: int, host: str, apihost: str, store_url: str, sources: tuple[str, ...], state: State) -> None:
    """Run the storage feed alone: it fires triggers for objects that arrive, in the foreground."""
    state.make()
    settings = FeedSettings(
        ledger=state.folder / "feed" / "ledger.db",
        apihost=apihost,
        store=store_from(store_url, os.environ),
        port=port,
        host=host,
        token=feed_token(state),
        sources=sources,
    )
    serve_feed(settings)


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """What containers get of the engine's environment: how to reach the network, and nothing else."""
    return {name: value for name, value in environ.items() if name.upper() in NETWORK}


def feed_token(state: State) -> str:
    """What a store shows at the feed's webhooks; made at first use, for the owner's eyes."""
    file = state.folder / "feed" / "token"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as text:
            text.write(secrets.token_urlsafe(32))
    return file.read_text(encoding="utf-8")


def store_part(seaweed: Seaweed, state: State) -> Part:
    """The embedded store as a process of `up`."""
    return Part(
        "store",
        seaweed.command(),
        seaweed.environment(),
        state.log("store"),
        lambda: _answers(seaweed.settings.endpoint),
        folder=state.folder / "store",
    )


def engine_part(state: State, host: str, port: int, apihost: str) -> Part:
    """The engine as a process of `up`."""
    command = _tool("engine", "--state", str(state.folder), "--host", host, "--port", str(port))
    return Part("engine", command, os.environ, state.log("engine"), lambda: _answers(f"{apihost}/ping"))


def feed_part(state: State, port: int, apihost: str, store: StoreSettings) -> Part:
    """The feed as a process of `up`; the store's keys reach it by its environment."""
    address = store.endpoint if store.driver == "s3" else f"{store.driver}+{store.endpoint}"
    environment = {
        **os.environ,
        "DEEPWHISK_STORE_ENDPOINT": address,
        "DEEPWHISK_STORE_ACCESS_KEY": store.access_key,
        "DEEPWHISK_STORE_SECRET_KEY": store.secret_key,
        "DEEPWHISK_STORE_REGION": store.region,
    }
    command = _tool("feed", "--state", str(state.folder), "--port", str(port), "--apihost", apihost)
    if store.driver == "minio":
        command += ["--source", "minio-listen"]
    return Part(
        "feed", command, environment, state.log("feed"), lambda: _answers(f"http://127.0.0.1:{port}/health")
    )


def _tool(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from deepwhisk.cli import main; main()", *arguments]


def _answers(url: str) -> bool:
    """Whether anything answers there; a refusal is an answer."""
    try:
        requests.get(url, timeout=1, proxies={"http": "", "https": ""})
    except requests.RequestException:
        return False
    return True
