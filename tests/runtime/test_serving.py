"""Several processes that serve one model: begun, replaced and ended together."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime.program import RUNTIME

CREW = """
import os, signal, sys, time
from deepwhisk_runtime import serving

def work():
    os.write(1, b"works\\n")
    {}

signal.signal(signal.SIGTERM, signal.default_int_handler)
sys.exit(serving.crew(work, 2))
"""


@contextmanager
def crew(work: str) -> Iterator["subprocess.Popen[str]"]:
    """A crew of two, which work."""
    with subprocess.Popen(
        [sys.executable, "-c", CREW.format(work)],
        cwd=RUNTIME,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert [process.stdout.readline() for _ in range(2)] == ["works\n", "works\n"]
            yield process
        finally:
            process.kill()


def workers(process: "subprocess.Popen[str]") -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_told_to_end_while_it_mourns_a_worker_ends_with_all_of_them(number: signal.Signals) -> None:
    for _ in range(5):
        with crew("time.sleep(300)") as process:
            had = workers(process)
            os.kill(process.pid, signal.SIGSTOP)
            os.kill(had[0], signal.SIGKILL)
            os.kill(process.pid, number)
            os.kill(process.pid, signal.SIGCONT)

            assert process.wait(60) == 0
            assert not Path(f"/proc/{had[1]}").exists()


def test_a_worker_that_fails_says_why_and_ends_all(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    fails = f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n    raise ValueError('no weights')"
    with crew(fails) as process:
        gate.touch()
        _, said = process.communicate(timeout=60)

        assert process.returncode == 1
        assert "ValueError: no weights" in said


def test_a_worker_that_is_killed_is_replaced() -> None:
    with crew("time.sleep(300)") as process:
        had = workers(process)
        os.kill(had[0], signal.SIGKILL)
        assert process.stdout is not None
        assert process.stdout.readline() == "works\n"

        assert len(workers(process)) == 2
        assert had[1] in workers(process)
        process.terminate()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0
        assert said == "A worker ended by signal 9; another is started.\n"
