"""The feed as the process it is, to be killed and started again."""

import json
import os
import signal
import subprocess
import sys
import time
import weakref
from dataclasses import asdict
from pathlib import Path
from typing import Any

import requests

from deepwhisk.cli.ports import hold_any
from deepwhisk.feeds.settings import FeedSettings
from deepwhisk.objects.store import StoreSettings
from deepwhisk.sockets import number

PROGRAM = """
import json, sys
from pathlib import Path
from deepwhisk.feeds.service import serve
from deepwhisk.feeds.settings import FeedSettings, Pace, Queue
from deepwhisk.objects.store import StoreSettings
told = json.loads(sys.stdin.read())
told["ledger"] = Path(told["ledger"])
told["store"] = StoreSettings(**told["store"])
told["pace"] = Pace(**told["pace"])
told["queue"] = Queue(**told["queue"]) if told["queue"] else None
told["sources"] = tuple(told["sources"])
serve(FeedSettings(**told))
"""
TOKEN = "feed-webhook-token"


class FeedProcess:
    """One feed over one ledger, on one port."""

    def __init__(
        self, folder: Path, apihost: str, store: StoreSettings, port: int = 0, **settings: Any
    ) -> None:
        self.port = port or self._hold()
        self.settings = FeedSettings(
            folder / "feed" / "ledger.db", apihost, store, self.port, TOKEN, **settings
        )
        self.log = folder / "feed.log"
        self._process: subprocess.Popen[bytes] | None = None

    def _hold(self) -> int:
        """A port that nobody else has while this is here, whether the process runs or not."""
        held = hold_any("127.0.0.1")
        weakref.finalize(self, held.close)
        return number(held)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        assert self._process.stdin
        told = {**asdict(self.settings), "ledger": str(self.settings.ledger)}
        self._process.stdin.write(json.dumps(told).encode())
        self._process.stdin.close()
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + 90
        while time.monotonic() < end:
            try:
                if requests.get(f"{self.url}/health", timeout=60).ok:
                    return
            except requests.ConnectionError:
                assert self._process
                assert self._process.poll() is None, self.log.read_text()
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def freeze(self) -> None:
        """Stop it where it is; it has stopped when this returns."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """As a power cut for the process: kill -9."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def wait(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process
        return self._process.wait(60)

    def stop(self) -> int:
        """End it politely; its exit code."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def ask(self, event: str, auth: str, trigger: str = "/_/t", **parameters: Any) -> dict[str, Any]:
        """What a feed action would forward; the answer with its HTTP status."""
        body = {"lifecycleEvent": event, "triggerName": trigger, "authKey": auth, **parameters}
        response = requests.post(f"{self.url}/subscriptions", json=body, timeout=60)
        return {"http": response.status_code, **response.json()}

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = requests.get(f"{self.url}/status", timeout=60).json()
        return answer
