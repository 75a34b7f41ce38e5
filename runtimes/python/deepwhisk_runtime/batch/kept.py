"""A program started under the keeper: followed, told to end, ended with all that it started."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deepwhisk_runtime.batch.patience import LOOK_SECONDS, Stop

KEEPER = Path(__file__).with_name("keeper.py")


class Kept:
    """One program; what it prints is handed over as it comes."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        variables: Mapping[str, str],
        say: Callable[[bytes], None],
        after: Sequence[str] = (),
        forsaken: Sequence[str] = (),
    ) -> None:
        """AFTER is a command for its end, FORSAKEN one for when this process was killed before."""
        theirs, self._lifeline = os.pipe()
        ends = [json.dumps(list(each)) for each in (after, forsaken)]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-SP", str(KEEPER), str(theirs), *ends, *command],
                cwd=folder,
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs],
                process_group=0,  # a signal for our group is for us to pass on
            )
        finally:
            os.close(theirs)
        self._reader = threading.Thread(target=self._follow, args=[say], daemon=True)
        self._reader.start()

    def _follow(self, say: Callable[[bytes], None]) -> None:
        assert self._process.stdout is not None
        while chunk := os.read(self._process.stdout.fileno(), 1 << 16):
            say(chunk)

    def tell(self) -> None:
        """Ask it to end."""
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGTERM)

    def wait(self, stop: Stop, *, patience: float, limit: float | None = None) -> int:
        """Its exit code, negative for a signal. Told to end, it may take `patience` of the grace."""
        asked = False
        until = time.monotonic() + limit if limit is not None else float("inf")
        while (code := self._process.poll()) is None:
            if stop and not asked:
                self.tell()
                asked = True
            if time.monotonic() > min(until, stop.until - stop.grace * (1 - patience)):
                break
            stop.wait(LOOK_SECONDS) if not asked else time.sleep(LOOK_SECONDS)
        self.end()
        return self._process.wait() if code is None else code

    def end(self) -> None:
        """End it and all that it has started, at once; more than once is fine."""
        if self._lifeline >= 0:
            with contextlib.suppress(BrokenPipeError):  # it has ended by itself
                os.write(self._lifeline, b"!")
            os.close(self._lifeline)
            self._lifeline = -1
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
