"""The ports of `up`: the API's as asked for; those of feed and trainings, which stay from start to start."""

import random
import re
import socket
from dataclasses import dataclass

from deepwhisk.errors import ServiceError
from deepwhisk.settings import State

# Below the range from which Linux gives ports to outgoing connections, so that a restart finds them free.
FIRST, LAST = 23000, 28000


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the engine, the feed and the service of trainings listen."""

    engine: int
    feed: int
    batch: int


def choose_ports(state: State, host: str, engine: int) -> Ports:
    """The ports of this start. Raises ServiceError when the engine's is taken."""
    if engine and not is_free(host, engine):
        raise ServiceError(
            f"Port {engine} of {host} is taken by another program. "
            f"End that, or choose another: deepwhisk up --port {engine + 1} (0 takes any free one)."
        )
    return Ports(engine or any_free(host), _kept(state, "feed"), _kept(state, "batch"))


def _kept(state: State, part: str) -> int:
    """A part's port of the last start, if it is still free."""
    file = state.folder / part / "port"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = file.read_text() if file.exists() else ""
    kept = int(said) if re.fullmatch("[0-9]{1,5}", said) else 0  # half a number, if `up` was killed
    port = kept if kept and is_free("127.0.0.1", kept) else any_free("127.0.0.1")
    file.write_text(str(port))
    return port


def any_free(host: str) -> int:
    """A port that nobody listens on. Raises ServiceError when none is found."""
    for port in random.sample(range(FIRST, LAST), 200):
        if is_free(host, port):
            return port
    raise ServiceError(f"No free port of {host} was found between {FIRST} and {LAST}.")


def is_free(host: str, port: int) -> bool:
    """Whether one could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
