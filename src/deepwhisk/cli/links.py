"""Files over signed links.

Law: what signs a link is in no message; a proxy of the environment is not asked for this machine's loopback.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import requests

from deepwhisk.errors import SettingsError, StoreUnreachable
from deepwhisk.sockets import is_loopback

TIMEOUT = (10, 600)  # seconds to connect, and between two pieces
PIECE = 1 << 20


class Watched:
    """A file that is read in pieces, and tells the size of each."""

    def __init__(self, file: BinaryIO, told: Callable[[int], object]) -> None:
        self._file, self._told = file, told

    def __len__(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def read(self, _size: int = -1) -> bytes:
        piece = self._file.read(PIECE)
        self._told(len(piece))
        return piece


def put(
    url: str, headers: Mapping[str, str], path: Path, told: Callable[[int], object] = lambda _size: None
) -> None:
    """Send a file. Raises SettingsError when it cannot be read, StoreUnreachable when it is not taken."""
    try:
        with path.open("rb") as body, _session(url) as session:
            _check(session.put(url, data=Watched(body, told), headers=headers, timeout=TIMEOUT), url)
    except requests.RequestException as error:
        raise _unreachable(url, error) from None
    except OSError as error:
        raise unreadable(path, error) from error


def get(url: str, path: Path) -> None:
    """Fetch a file. Raises StoreUnreachable, or OSError when it cannot be written."""
    try:
        with _session(url) as session, session.get(url, timeout=TIMEOUT, stream=True) as response:
            _check(response, url)
            with path.open("wb") as file:
                for piece in response.iter_content(PIECE):
                    file.write(piece)
    except requests.RequestException as error:
        raise _unreachable(url, error) from None


def unreadable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(f"The file {path} cannot be read: {error.strerror}.")


def _session(url: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = not is_loopback(url)
    return session


def _check(response: requests.Response, url: str) -> None:
    if not response.ok:
        raise StoreUnreachable(f"The store at {_place(url)} answered {response.status_code}.")


def _unreachable(url: str, error: requests.RequestException) -> StoreUnreachable:
    return StoreUnreachable(f"The store at {_place(url)} does not answer ({type(error).__name__}).")


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
