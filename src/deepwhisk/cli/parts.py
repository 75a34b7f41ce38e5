"""The store, the engine, the feed and the service of trainings as processes of `up`."""

import os
import secrets
import sys
from collections.abc import Sequence

from deepwhisk.cli.running import ask
from deepwhisk.objects.seaweed import Seaweed
from deepwhisk.objects.seaweed_folder import write_private
from deepwhisk.objects.store import StoreSettings
from deepwhisk.services import Part
from deepwhisk.settings import Endpoint, State


def feed_token(state: State) -> str:
    """What a store shows at the feed's webhooks; made at first use, for the owner's eyes."""
    return _token(state, "feed")


def batch_token(state: State) -> str:
    """What actions show to the service of trainings; made at first use, for the owner's eyes."""
    return _token(state, "batch")


def _token(state: State, part: str) -> str:
    file = state.folder / part / "token"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32))
    return file.read_text(encoding="utf-8")


def store_part(seaweed: Seaweed, state: State) -> Part:
    """The embedded store as a process of `up`."""
    return Part(
        "store",
        seaweed.command(),
        seaweed.environment(),
        state.log("store"),
        lambda: ask(seaweed.settings.endpoint, 1) is not None,
        folder=state.folder / "store",
    )


def engine_part(state: State, host: str, port: int, apihost: str, options: Sequence[str] = ()) -> Part:
    """The engine as a process of `up`."""
    command = _tool("engine", "--state", str(state.folder), "--host", host, "--port", str(port), *options)
    return Part(
        "engine", command, os.environ, state.log("engine"), lambda: ask(f"{apihost}/ping", 1) is not None
    )


def feed_part(state: State, port: int, apihost: str, store: StoreSettings) -> Part:
    """The feed as a process of `up`; the store's keys reach it by its environment."""
    command = _tool("feed", "--state", str(state.folder), "--port", str(port), "--apihost", apihost)
    if store.driver == "minio":
        command += ["--source", "minio-listen"]
    return Part(
        "feed",
        command,
        _with_store(store),
        state.log("feed"),
        lambda: ask(f"http://127.0.0.1:{port}/health", 1) is not None,
    )


def batch_part(state: State, port: int, endpoint: Endpoint, store: StoreSettings) -> Part:
    """The service of trainings as a process of `up`; keys reach it by its environment."""
    command = _tool("batch", "--state", str(state.folder), "--port", str(port), "--apihost", endpoint.apihost)
    return Part(
        "batch",
        command,
        {**_with_store(store), "DEEPWHISK_AUTH": endpoint.auth},
        state.log("batch"),
        lambda: ask(f"http://127.0.0.1:{port}/health", 1) is not None,
    )


def _with_store(store: StoreSettings) -> dict[str, str]:
    """The environment of a part that speaks to the store."""
    address = store.endpoint if store.driver == "s3" else f"{store.driver}+{store.endpoint}"
    return {
        **os.environ,
        "DEEPWHISK_STORE_ENDPOINT": address,
        "DEEPWHISK_STORE_ACCESS_KEY": store.access_key,
        "DEEPWHISK_STORE_SECRET_KEY": store.secret_key,
        "DEEPWHISK_STORE_REGION": store.region,
    }


def _tool(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from deepwhisk.cli import main; main()", *arguments]
