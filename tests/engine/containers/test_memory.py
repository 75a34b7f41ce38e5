"""What processes use, read from /proc."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from deepwhisk.keeper import memory

MEBIBYTE = 1 << 20
HOLD = "x = b'x' * 50_000_000; print(flush=True); input()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"


@pytest.fixture
def parent() -> Iterator["subprocess.Popen[bytes]"]:
    """A small process with a child that holds 50 MB."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        assert process.stdin is not None
        process.stdin.close()


def test_a_family_is_a_process_with_its_descendants(parent: "subprocess.Popen[bytes]") -> None:
    assert len(memory.family(parent.pid)) == 2
    assert parent.pid in memory.family(os.getpid())


def test_the_memory_of_the_whole_family_counts(parent: "subprocess.Popen[bytes]") -> None:
    family = memory.family(parent.pid)

    assert memory.proportional([parent.pid]) < 45 * MEBIBYTE < memory.proportional(family)
    assert memory.proportional(family) <= memory.resident(family)
    assert memory.exceeds(parent.pid, 45 * MEBIBYTE)
    assert not memory.exceeds(parent.pid, 500 * MEBIBYTE)


def test_a_process_that_has_ended_uses_nothing() -> None:
    process = subprocess.Popen(["true"])
    process.wait()

    assert memory.family(process.pid) == [process.pid]
    assert memory.resident([process.pid]) == memory.proportional([process.pid]) == 0
    assert not memory.exceeds(process.pid, 0)


def test_the_machine_has_memory() -> None:
    assert memory.machine() > 100 * MEBIBYTE
