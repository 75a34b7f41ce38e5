"""Addresses of this machine: which are its own, and ports held until whoever is to listen there does.

Linux lets a second socket listen where a first one is only bound as long as both say SO_REUSEADDR, which
servers do, and whoever looks for a new port does not.
"""

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit


def hold(host: str, port: int, new: bool = False) -> socket.socket | None:
    """Bind a port without listening; None when somebody listens there, or, for a new one, just holds it."""
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, not new)
    try:
        held.bind((host, port))
    except OSError:
        held.close()
        return None
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    return held


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def number(port: socket.socket) -> int:
    """The number of a port that is held."""
    return int(port.getsockname()[1])
