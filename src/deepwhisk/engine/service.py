"""An engine as a process: a state directory, a port, a start and an end.

The first start makes the namespaces and writes their keys to `wskprops` and `wskprops.system`, readable by
the owner only. SIGTERM lets calls that wait finish for a while; what was accepted is safe in any case.
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import uvloop

from deepwhisk.engine.app import create_app
from deepwhisk.engine.authentication import GUEST, SYSTEM, Identity
from deepwhisk.engine.connections import BACKLOG, Patience, listening, open_more_files
from deepwhisk.engine.database import Database, Durable
from deepwhisk.engine.entities import Action
from deepwhisk.engine.invocation import Pool
from deepwhisk.engine.kinds import BLACKBOX, Kinds
from deepwhisk.engine.limit_tables import Policy
from deepwhisk.engine.platform import Platform, log
from deepwhisk.engine.retention import Retention, keep_tidy
from deepwhisk.engine.targets import target
from deepwhisk.engine.users import resume_leaving
from deepwhisk.engine.warmth import Warmth
from deepwhisk.engine.work import resume
from deepwhisk.errors import ServiceError
from deepwhisk.locks import taken
from deepwhisk.settings import write_wskprops

GRACE = 3.0  # seconds for calls that wait, when the engine is told to end
ENDING = GRACE + 12  # seconds for one that was here before, and has been told to end
AHEAD = 8  # actions whose environments are looked after at the start
MakePool = Callable[[str], Pool]  # from the engine's address, as actions see it


@dataclass(frozen=True, slots=True)
class Service:
    """What one engine process is told. Port 0 is any free one."""

    state: Path
    port: int = 3233
    host: str = "127.0.0.1"
    policy: Policy = field(default_factory=Policy)
    retention: Retention = field(default_factory=Retention)
    durable: Durable = "process"
    kinds: Kinds = field(default_factory=Kinds)
    patience: Patience = field(default_factory=Patience)


def serve(service: Service, make_pool: MakePool, ready: Callable[[str], None]) -> None:
    """Runs an engine until SIGTERM or SIGINT; calls READY with its address when it listens."""
    open_more_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_stopped(service, make_pool, ready))


async def _until_stopped(service: Service, make_pool: MakePool, ready: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(service, make_pool) as (address, _):
        gc.collect()
        gc.freeze()  # what was loaded so far stays; no collection need look at it again
        ready(address)
        await stop.wait()
        log.info("ending")


@contextlib.asynccontextmanager
async def running(service: Service, make_pool: MakePool) -> AsyncIterator[tuple[str, Platform]]:
    """An engine that listens, inside of the block: its address and its parts."""
    with _claimed(service.state / "engine"), contextlib.closing(_listener(service)) as listener:
        address = _address(service.host, listener)
        database = Database(service.state / "engine" / "whisk.db", service.durable)
        pool = make_pool(address)
        platform = Platform.open(database, pool, service.policy, service.kinds)
        _introduce(service.state, address, platform)
        beside = [keep_tidy(database, service.retention), Warmth(platform).keep()]
        tasks = [asyncio.create_task(each) for each in beside]
        answer, most = create_app(platform), platform.limits.max_body
        try:
            async with listening(answer, listener, most, service.patience, GRACE):
                log.info("listening on %s", address)
                resume(platform)
                resume_leaving(platform)
                prepare_newest(platform)
                yield address, platform
        finally:
            for task in tasks:
                task.cancel()
            await _end_running(platform)
            await pool.close()
            await database.close()


def prepare_newest(platform: Platform) -> None:
    """Has what the latest actions need made, before anybody calls them."""
    actions = (action for action in platform.registry.every(Action) if not action.is_sequence)
    for action in islice(actions, AHEAD):
        owner = platform.identities.of(action.name.namespace)
        if owner is not None and action.exec.kind in (*platform.registry.kinds.known, BLACKBOX):
            executable = target(platform.registry, action.name, owner).executable
            assert executable is not None
            platform.pool.prepare(executable)


async def _end_running(platform: Platform) -> None:
    """Those who waited have gone; what was accepted is stored and begins again at the next start."""
    tasks = list(platform.running)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Makes FOLDER and keeps other engines out of it."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        deadline = time.monotonic() + ENDING
        while not taken(descriptor):
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"another engine works in {folder}: stop it, or name another state directory"
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _listener(service: Service) -> socket.socket:
    family = socket.AF_INET6 if ":" in service.host else socket.AF_INET
    try:
        return socket.create_server((service.host, service.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ServiceError(
            f"cannot listen on port {service.port} of {service.host} ({os.strerror(error.errno or 0)}): "
            "stop what listens there, or name another port"
        ) from error


def _address(host: str, listener: socket.socket) -> str:
    """Where processes of this machine find the engine."""
    near = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{near}:{listener.getsockname()[1]}"


def _introduce(state: Path, address: str, platform: Platform) -> None:
    """Writes the keys of the first users to their files, now and whenever they get new ones."""
    files = {GUEST: state / "wskprops", SYSTEM: state / "wskprops.system"}

    def introduce(identity: Identity) -> None:
        if identity.subject == identity.namespace and identity.subject in files:
            write_wskprops(files[identity.subject], address, identity.credentials, identity.namespace)

    platform.introduce = introduce
    for identity in platform.identities:
        introduce(identity)
