"""What a running `up` says of itself, for `status`, `down` and a second `up`."""

import fcntl
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlsplit

import requests

from deepwhisk.settings import State
from deepwhisk.sockets import is_loopback


def ask(url: str, seconds: float = 3.0, headers: Mapping[str, str] | None = None) -> requests.Response | None:
    """Any answer of a part, a refusal too; None when there is none. No proxy stands before this machine."""
    try:
        return requests.get(url, timeout=seconds, headers=headers, proxies={"http": "", "https": ""})
    except requests.RequestException:
        return None


@dataclass(frozen=True, slots=True)
class Running:
    """The addresses of the parts; no secrets. `inside`: the host that containers find them at, if another."""

    pid: int
    apihost: str
    store: str
    feed: str
    batch: str
    inside: str | None
    ready: bool

    @classmethod
    def read(cls, state: State) -> "Running | None":
        """The `up` that holds the folder's lock, if one does."""
        if not state.lock.exists() or not state.running.exists():
            return None
        with state.lock.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                with suppress(ValueError, TypeError, FileNotFoundError):
                    return cls(**json.loads(state.running.read_text(encoding="utf-8")))
        return None

    def within(self, url: str) -> str:
        """What containers call a URL of this machine's loopback; any other as it is."""
        if self.inside is None or not is_loopback(url):
            return url
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return parts._replace(netloc=f"{self.inside}{port}").geturl()

    def now_ready(self) -> "Running":
        return replace(self, ready=True)

    def write(self, state: State) -> None:
        """Replace the file in one step, so that no reader sees half of it."""
        new = state.running.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)), encoding="utf-8")
        new.replace(state.running)
