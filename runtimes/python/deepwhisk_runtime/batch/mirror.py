"""Files of an attempt, kept the same in the store while it runs: one thread each, at the pace of its size.

An object is written whole each time, since stores know no appending; so a large one is written less often,
which bounds what a long run sends.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from deepwhisk_runtime.batch import transfer
from deepwhisk_runtime.batch.errors import Away, Failed, Shut
from deepwhisk_runtime.batch.order import Order
from deepwhisk_runtime.batch.patience import Stop, persist

LOOK_SECONDS = 0.1
RATE = 2 * 1024**2  # bytes in a second that one of them sends in the long run
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
Version = object
Body = bytes | Path


class Mirror:
    """One object; `version` tells when it is to be written, `body` gives what."""

    def __init__(
        self,
        order: Order,
        name: str,
        version: Callable[[], Version | None],
        body: Callable[[], Body],
        pause: float = 0.2,
    ) -> None:
        self._order, self.name, self._version, self._body = order, name, version, body
        self._pause = pause
        self._sent: Version | None = version()
        self._finishing = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.trouble = ""  # why it is behind, if it is

    def start(self) -> None:
        """Follow from now on."""
        self._thread.start()

    def anew(self) -> None:
        """Write it also if it does not change."""
        self._sent = None

    def _follow(self) -> None:
        failures = 0
        while not self._finishing.is_set():
            begun = time.monotonic()
            try:
                size = self._send()
                failures, self.trouble = 0, ""
            except (Away, Shut, OSError) as error:
                if isinstance(error, Shut):
                    self._order.renew()
                failures, self.trouble = failures + 1, str(error)
                self._finishing.wait(PAUSES[min(failures, len(PAUSES)) - 1])
                continue
            wanted = LOOK_SECONDS if size is None else max(self._pause, size / RATE)
            self._finishing.wait(max(wanted - (time.monotonic() - begun), 0.01))

    def _send(self) -> int | None:
        """Write it if it is to be; gives its size then."""
        version, link = self._version(), self._order.link("put", self.name)
        if version is None or version == self._sent or link is None:
            return None
        body = self._body()
        size = len(body) if isinstance(body, bytes) else body.stat().st_size
        transfer.write(link, body)
        self._sent = version
        return size

    def finish(self, stop: Stop, seconds: float) -> str:
        """Write what is missing, within that time; says what went wrong, if anything did."""
        self._finishing.set()
        if self._thread.ident is not None:
            self._thread.join()
        try:
            persist("upload", self._send, stop, self._order.renew, seconds=seconds, until_end=True)
        except Failed as fault:
            return f"{self.name}: {fault}"
        return ""
