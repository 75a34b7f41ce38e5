"""The REST API of one model on a port, in one process or several.

Several share the socket and nothing else: each loads the model. One that is killed is started again; one that
cannot load the model ends all.
"""

import contextlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepwhisk_runtime import door
from deepwhisk_runtime.batching import share_heap
from deepwhisk_runtime.captured import Captured
from deepwhisk_runtime.direct import Application, Direct, Later
from deepwhisk_runtime.errors import Fault
from deepwhisk_runtime.served import Served
from deepwhisk_runtime.standalone import said

if TYPE_CHECKING:
    from socket import socket

    from flask import Flask

THREADS = 8  # for the small answers; predictions take turns, or make batches
LARGEST = 1 << 30  # bytes of a request
UNBOUNDED = 1 << 62
# Waited for, and blocked in between: whatever comes while a worker begins or is mourned is heard after that.
HEARD = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
Find = Callable[[], Served]


@dataclass(frozen=True, slots=True)
class Setting:
    """How a model is served."""

    host: str = "127.0.0.1"
    port: int = 5000
    state: Path | None = None  # where trainings are kept
    base: str = ""  # the path that all paths begin with
    workers: int = 1
    warm: bool = True  # load before the first request
    predict: bool = True
    train: bool = True
    docs: bool = True
    debug: bool = False
    largest: int = LARGEST  # 0: no limit


def state() -> Path:
    """Where trainings are kept unless told otherwise."""
    home = os.environ.get("XDG_STATE_HOME") or Path(os.path.expanduser("~")) / ".local" / "state"
    return Path(home) / "deepwhisk" / "trainings"


def serve(find: Find, setting: Setting) -> int:
    """Serve a model until the process is told to end; gives its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # not even a model at work keeps that to itself
    try:
        if setting.workers > 1:
            with door.listen(setting.host, setting.port) as listener:
                return crew(lambda: work(find, setting, listener), setting.workers)
        return work(find, setting, None)
    except KeyboardInterrupt:
        return 0


def work(find: Find, setting: Setting, listener: "socket | None") -> int:
    """Load the model and answer requests, in one process."""
    captured = Captured() if setting.debug else None
    if captured:
        captured.listen()
    try:
        service = find() if setting.warm else None
    except Fault as fault:
        return said(fault)
    app = application(find, service, setting, captured)
    share_heap()
    threads = THREADS if service is None else max(THREADS, 2 * service.together)
    with listener or door.listen(setting.host, setting.port) as opened:
        at = f"http://{setting.host}:{opened.getsockname()[1]}{path_of(setting.base)}/v2/models/"
        said_of = f"{service.name} answers at {at}{service.name}/" if service else f"What is asked is at {at}"
        print(f"{said_of}\n", end="", flush=True)  # in one write: other workers say theirs
        return answer(app, opened, setting, threads)


def application(
    find: Find, service: Served | None, setting: Setting, captured: Captured | None
) -> Application:
    """What answers requests to a model, which is loaded, or will be at the first."""
    if service is None:
        return Later(lambda: app_of(find(), setting, captured))
    return app_of(service, setting, captured)


def app_of(service: Served, setting: Setting, captured: Captured | None) -> Application:
    """The REST API of a loaded model."""
    whole = Later(lambda: whole_of(service, setting, captured))
    return Direct(service, whole, setting.largest) if setting.predict else whole


def path_of(base: str) -> str:
    """The path that all paths begin with, in its one form."""
    return "".join(f"/{part}" for part in base.split("/") if part)


def below(base: str, app: Application) -> Application:
    """An application below a path."""
    if not path_of(base):
        return app
    from werkzeug.exceptions import NotFound  # noqa: PLC0415 — few are served below a path
    from werkzeug.middleware.dispatcher import DispatcherMiddleware  # noqa: PLC0415

    return DispatcherMiddleware(NotFound(), {path_of(base): app})


def whole_of(service: Served, setting: Setting, captured: Captured | None) -> "Flask":
    """The REST application of a loaded model."""
    # Flask takes as long as all else together, and a plain prediction needs none.
    from deepwhisk_runtime.rest import Offers, create_app  # noqa: PLC0415
    from deepwhisk_runtime.trainings import Trainings  # noqa: PLC0415

    trainings = Trainings(setting.state, service) if setting.state else None
    largest = setting.largest or None
    offers = Offers(setting.predict, setting.train, setting.docs, trainings, captured, largest)
    return create_app(service, offers)


def answer(app: Application, listener: "socket", setting: Setting, threads: int) -> int:
    """Answer requests on a socket until the process is told to end."""
    # Containers never serve this way.
    from waitress.server import create_server  # noqa: PLC0415

    from deepwhisk_runtime.quick import Quick, channel_of  # noqa: PLC0415

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that one waits for another is meant
    largest = setting.largest or UNBOUNDED
    server = create_server(
        below(setting.base, app),
        sockets=[listener],
        threads=threads,
        max_request_body_size=largest,
        channel_request_lookahead=1,  # so that a client who leaves is seen
    )
    if isinstance(app, Direct):
        quick = Quick(app, path_of(setting.base))  # a server of one socket has its own channels
        server.channel_class = channel_of(quick)  # type: ignore[union-attr]
    server.run()
    return 0


def crew(work: Callable[[], int], number: int) -> int:
    """Let several processes work, until this one is told to end or one of them fails by itself."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    workers: set[int] = set()
    try:
        for _ in range(number):
            workers.add(begun(work, before))
        while signal.sigwait(HEARD) == signal.SIGCHLD:
            for pid, status in ended():
                workers.discard(pid)
                if os.WIFEXITED(status):
                    return os.WEXITSTATUS(status)
                sentence = f"A worker ended by signal {os.WTERMSIG(status)}; another is started."
                print(sentence, file=sys.stderr)
                workers.add(begun(work, before))
        return 0
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for pid in workers:
            os.waitpid(pid, 0)


def ended() -> Iterator[tuple[int, int]]:
    """Processes of this one that have ended, each with its wait status."""
    with contextlib.suppress(ChildProcessError):  # there is none any more
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            yield found


def begun(work: Callable[[], int], blocked: set[int]) -> int:
    """A process that works, with no other signals blocked than these."""
    if pid := os.fork():
        return pid
    status = 1
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        status = work()
    except KeyboardInterrupt:
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except Exception:  # noqa: BLE001 — whatever it is, this process says it and ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)
