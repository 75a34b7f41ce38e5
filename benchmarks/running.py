"""An engine as users run it, that can be killed and started again on its state and its port."""

import subprocess
import sys
import time
from pathlib import Path

from deepwhisk.cli.ports import any_free

TOOL = Path(sys.executable).with_name("deepwhisk")


class Running:
    """`deepwhisk engine` on STATE; environments are in the cache of who runs it."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state = state
        self._options = options
        self._port = any_free("127.0.0.1")
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> float:
        """Returns when it listens: the seconds that took."""
        command = [str(TOOL), "engine", "--state", str(self.state), "--port", str(self._port), *self._options]
        began = time.perf_counter()
        with self.state.with_suffix(".log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        took = time.perf_counter() - began
        if not said.startswith("ready at "):
            raise RuntimeError(
                f"{' '.join(command)} did not start:\n{self.state.with_suffix('.log').read_text()}"
            )
        return took

    def kill(self) -> None:
        self._end(hard=True)

    def stop(self) -> None:
        self._end(hard=False)

    def _end(self, *, hard: bool) -> None:
        if self.process is not None:
            self.process.kill() if hard else self.process.terminate()
            self.process.communicate()
            self.process = None

    @property
    def apihost(self) -> str:
        return self._properties["APIHOST"]

    @property
    def auth(self) -> str:
        return self._properties["AUTH"]

    @property
    def _properties(self) -> dict[str, str]:
        lines = (self.state / "wskprops").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)
