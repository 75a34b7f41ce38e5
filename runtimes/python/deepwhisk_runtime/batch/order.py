"""The job as its service wrote it, kept current: links are renewed in it, and it may say that it ends."""

import json
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deepwhisk_runtime.batch import transfer
from deepwhisk_runtime.batch.errors import Away, Failed, Shut
from deepwhisk_runtime.batch.patience import Stop, persist

LOOK_SECONDS = 60.0  # between two looks whether the job is still wanted


class Order:
    """What is to be done, and where everything goes."""

    def __init__(self, link: str) -> None:
        self._link = link
        self._lock = threading.Lock()
        self.told: dict[str, Any] = {}

    def read(self, stop: Stop) -> None:
        """Read it for the first time."""
        self.told = persist("begin", self._read, stop, lambda: None)

    def _read(self) -> dict[str, Any]:
        content = transfer.read(self._link)
        if content is None:
            raise Failed("begin", "The job's own object is not there.")
        try:
            told: dict[str, Any] = json.loads(content)
            told["uuid"], told["code"]["sha256"], told["put"]["result"]
        except (ValueError, LookupError, TypeError) as error:
            raise Failed("begin", f"The job's own object cannot be read: {error!r}.") from error
        return told

    def renew(self) -> None:
        """Read it anew; what cannot be read now leaves it as it is."""
        with self._lock:
            try:
                told = self._read()
            except (Away, Shut, Failed):
                return
            self.told = told
            self._link = told.get("self") or self._link

    def link(self, kind: str, name: str) -> str | None:
        """The link to `put` or `get` something of this attempt."""
        links: Mapping[str, str] = self.told.get(kind) or {}
        return links.get(name)

    @property
    def unwanted(self) -> str:
        """Why nobody wants it any more; empty when somebody does."""
        return str(self.told.get("stop") or ("it was cancelled" if self.cancelled else ""))

    @property
    def cancelled(self) -> bool:
        """Whether somebody cancelled the training."""
        return bool(self.told.get("cancelled"))

    @property
    def seconds(self) -> float:
        """Until it is to be read again."""
        renew = self.told.get("renew")
        if not renew:
            return LOOK_SECONDS
        left = datetime.fromisoformat(renew).timestamp() - time.time()
        return min(max(left, 1.0), LOOK_SECONDS)

    def watch(self, stop: Stop, ended: threading.Event) -> None:
        """Look again from time to time; the thread of it ends with the job."""
        while not ended.wait(self.seconds):
            self.renew()
            if self.unwanted:
                stop.tell(self.unwanted)
