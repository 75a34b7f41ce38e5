"""The ports of `up`: the API's as asked for; those of feed and trainings, which stay from start to start."""

import random
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from deepwhisk.errors import ServiceError
from deepwhisk.settings import State
from deepwhisk.sockets import hold, number

# Below the range from which Linux gives ports to outgoing connections, so that a restart finds them free.
FIRST, LAST = 23000, 28000


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the engine, the feed and the service of trainings listen; theirs until they are released."""

    engine: int
    feed: int
    batch: int
    held: tuple[socket.socket, ...]

    def release(self) -> None:
        """Let others have them."""
        for port in self.held:
            port.close()


def choose_ports(state: State, host: str, engine: int) -> Ports:
    """The ports of this start. Raises ServiceError when the engine's is taken."""
    held = hold(host, engine) if engine else hold_any(host)
    if held is None:
        raise ServiceError(
            f"Port {engine} of {host} is taken by another program. "
            f"End that, or choose another: deepwhisk up --port {engine + 1} (0 takes any free one)."
        )
    feed = _hold_kept(state, "feed", (held,))
    batch = _hold_kept(state, "batch", (held, feed))
    return Ports(number(held), number(feed), number(batch), (held, feed, batch))


def hold_any(host: str) -> socket.socket:
    """Hold a port that nobody has. Raises ServiceError when none is found."""
    for port in random.sample(range(FIRST, LAST), 200):
        if held := hold(host, port, new=True):
            return held
    raise ServiceError(f"No free port of {host} was found between {FIRST} and {LAST}.")


def any_free(host: str) -> int:
    """A port that nobody has now. Raises ServiceError when none is found."""
    with hold_any(host) as held:
        return number(held)


def _hold_kept(state: State, part: str, others: Sequence[socket.socket]) -> socket.socket:
    """A part's port of the last start, if neither one of the others nor another program has it."""
    file = state.folder / part / "port"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = file.read_text() if file.exists() else ""
    kept = int(said) if re.fullmatch("[0-9]{1,5}", said) else 0  # half a number, if `up` was killed
    usable = 0 < kept < 65536 and kept not in map(number, others)
    held = (hold("127.0.0.1", kept) if usable else None) or hold_any("127.0.0.1")
    file.write_text(str(number(held)))
    return held
