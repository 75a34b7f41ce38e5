"""The program that runs on nodes, in the store by its digest."""

import hashlib
from threading import Lock

from deepwhisk.batch import layout
from deepwhisk.batch.records import Records


class Bundle:
    """The zip of the runtime that this installation has; written to a store once, found there ever after."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._lock = Lock()
        self._there = False

    def ensure(self, records: Records) -> None:
        """See to it that it is in the store."""
        with self._lock:
            key = layout.runtime(self.sha256)
            if not self._there and not records.has(key):
                records.store.put(records.bucket, key, self.content, content_type="application/zip")
            self._there = True
