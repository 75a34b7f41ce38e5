"""`python -m deepwhisk.keeper DESCRIPTOR PROGRAM ARGUMENT…`: a command, its sockets and its end.

Law: when the command ends, when the engine wants it or when the engine dies, all that was started ends,
also what went into the background. To the descriptor, a socket, go lines of JSON: the address where the
container listens, and at last its wait status. That the other side closes means: end.
"""

import ctypes
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from deepwhisk.keeper import rebind
from deepwhisk.keeper.family import end_all, reap

_SUBREAPER, _DROP = 36, 24
_CAPABILITIES = 64  # that there can be
_libc = ctypes.CDLL(None, use_errno=True)


def main(engine: socket.socket, command: list[str]) -> None:
    engine.set_inheritable(False)
    _libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    bell = _bell()
    child, listener = _begin(command)
    status = _attend(child, listener, engine, bell)
    end_all()
    _tell(engine, status=status)


def _bell() -> socket.socket:
    """Readable when a child has ended."""
    bell, ring = socket.socketpair()
    ring.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(ring.detach(), warn_on_full_buffer=False)
    return bell


def _begin(command: list[str]) -> tuple[int, int]:
    """Its pid, and where the kernel asks about its sockets."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if not child:
        _become(command, theirs)
    theirs.close()
    with ours:
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    return child, descriptors[0] if descriptors else -1


def _become(command: list[str], keeper: socket.socket) -> None:
    """In the child; what is wrong with it stands in the container's own log."""
    try:
        _drop_capabilities()
        socket.send_fds(keeper, [b"!"], [rebind.install()])
        os.execv(command[0], command)
    except OSError as fault:
        os.write(2, f"{command[0]} cannot be started: {fault}\n".encode())
    finally:
        os._exit(126)


def _drop_capabilities() -> None:
    """Even root's container is one of a user who is nobody special."""
    for capability in range(_CAPABILITIES):
        _libc.prctl(_DROP, capability, 0, 0, 0)  # refused past the last one, and to users, who have none


def _attend(child: int, listener: int, engine: socket.socket, bell: socket.socket) -> int | None:
    """Until the command has ended, which gives its wait status, or is to end."""
    poll = select.poll()
    poll.register(bell, select.POLLIN)
    poll.register(engine, select.POLLIN)
    if listener >= 0:
        poll.register(listener, select.POLLIN)
    while True:
        ready = dict(poll.poll())
        if engine.fileno() in ready:
            return None
        if ready.get(listener, 0) & select.POLLIN:
            rebind.answer(listener, lambda address: _tell(engine, address=address))
        elif listener in ready:
            poll.unregister(listener)
        if bell.fileno() in ready and bell.recv(64):
            status = reap(child)
            if status is not None:
                return status


def _tell(engine: socket.socket, **told: Any) -> None:
    try:
        engine.sendall(json.dumps(told).encode() + b"\n")
    except OSError:
        return  # it has gone


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
