"""Lets programs that all insist on port 8080 share one network, and makes them do without the newest calls.

A container of uDocker has the network of its machine. The kernel asks us (seccomp, "user notification")
before a program in it binds a socket: whoever wants the port gets one of its own instead, of the loopback
address, and we learn which. Calls that proot came too early to translate are said not to exist: all who
make them know older ones. It wants Linux 5.6.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

PORT = 8080
Address = tuple[str, int]


class Machine(NamedTuple):
    """What audit calls it, and the numbers of calls that are not the same on all."""

    audit: int
    bind: int
    seccomp: int
    statx: int
    renameat2: int
    execveat: int


_MACHINES = {
    "x86_64": Machine(0xC000003E, 49, 317, 332, 316, 322),
    "aarch64": Machine(0xC00000B7, 200, 277, 291, 276, 281),
}
_GETFD = 438
_OPENAT2, _FACCESSAT2, _FCHMODAT2 = 437, 439, 452
_NO_NEW_PRIVILEGES = 38
_SET_FILTER, _GET_AVAILABLE, _NEW_LISTENER = 1, 2, 8
_NOTIFY, _ALLOW, _REFUSE = 0x7FC00000, 0x7FFF0000, 0x00050000
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_CONTINUE = 1
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # of a filter's instructions
_AUDIT_AT, _NUMBER_AT, _LENGTH_AT = 4, 0, 32  # in what a filter looks at
# Of addresses of IPv4, IPv6 and any family: sockets of files pass, whose names proot has yet to translate.
_LENGTHS = (16, 28, 128)
_libc = ctypes.CDLL(None, use_errno=True)


def why_not() -> str | None:
    """What this machine lacks."""
    if os.uname().machine not in _MACHINES:
        return f"it is not known for {os.uname().machine}, only for {' and '.join(_MACHINES)}"
    wanted = ctypes.c_uint32(_NOTIFY)
    number = _MACHINES[os.uname().machine].seccomp
    if _libc.syscall(number, _GET_AVAILABLE, 0, ctypes.byref(wanted)) or not hasattr(os, "pidfd_open"):
        return f"Linux {os.uname().release} is too old, 5.6 can do it"
    return None


def install() -> int:
    """From now on this process and all it starts are asked for; the descriptor where that arrives."""
    machine = _MACHINES[os.uname().machine]
    code = _filter(machine)
    instructions = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(instructions))
    _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    return _check(_libc.syscall(machine.seccomp, _SET_FILTER, _NEW_LISTENER, program))


def _filter(machine: Machine) -> bytes:
    newest = (machine.statx, machine.renameat2, machine.execveat, _OPENAT2, _FACCESSAT2, _FCHMODAT2)
    unknown = _any(newest, _REFUSE | errno.ENOSYS)
    asked = _any(_LENGTHS, _NOTIFY)
    steps = [
        _step(_LOAD, _AUDIT_AT),
        _step(_EQUAL, machine.audit, no=len(unknown) + len(asked) + 3),
        _step(_LOAD, _NUMBER_AT),
        *unknown,
        _step(_EQUAL, machine.bind, no=len(asked) + 1),
        _step(_LOAD, _LENGTH_AT),
        *asked,
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _any(values: Sequence[int], verdict: int) -> list[bytes]:
    """VERDICT if what was loaded is one of VALUES; else go on."""
    last = len(values) - 1
    tests = [_step(_EQUAL, value, yes=last - at, no=int(at == last)) for at, value in enumerate(values)]
    return [*tests, _step(_RETURN, verdict)]


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)


def answer(listener: int, tell: Callable[[Address], None]) -> None:
    """Decide on one socket that is to be bound; TELL whoever wants to know where the port went."""
    asked = bytearray(80)
    try:
        fcntl.ioctl(listener, _RECEIVE, asked)
    except FileNotFoundError:
        return  # who asked was killed meanwhile
    identity, pid = struct.unpack_from("QI", asked)
    descriptor, at, length = struct.unpack_from("QQQ", asked, 32)
    failure, flags = 0, _CONTINUE
    try:
        if _wants_port(pid, at, length):
            flags = 0
            _bind(pid, descriptor, tell)
    except OSError as fault:
        failure = -(fault.errno or errno.EINVAL)
    try:
        fcntl.ioctl(listener, _SEND, struct.pack("QqiI", identity, 0, failure, flags))
    except FileNotFoundError:
        return  # as above


def _wants_port(pid: int, at: int, length: int) -> bool:
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        start = os.pread(memory.fileno(), min(length, 4), at)
    family, port = struct.unpack("=H", start[:2])[0], int.from_bytes(start[2:4])
    return port == PORT and family in (socket.AF_INET, socket.AF_INET6)


def _bind(pid: int, descriptor: int, tell: Callable[[Address], None]) -> None:
    process = os.pidfd_open(_leader(pid))
    try:
        copy = _check(_libc.syscall(_GETFD, process, descriptor, 0))
    finally:
        os.close(process)
    with socket.socket(fileno=copy) as theirs:
        theirs.bind((_loopback(theirs), 0))
        if theirs.type == socket.SOCK_STREAM:
            tell(theirs.getsockname()[:2])


def _loopback(theirs: socket.socket) -> str:
    if theirs.family == socket.AF_INET:
        return "127.0.0.1"
    return "::1" if theirs.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) else "::ffff:127.0.0.1"


def _leader(thread: int) -> int:
    """A descriptor of a process is had of its first thread only."""
    for line in Path(f"/proc/{thread}/status").read_text().splitlines():
        if line.startswith("Tgid:"):
            return int(line.split()[1])
    return thread


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
