"""The parts of `up` as processes: real ones, small."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deepwhisk.errors import ServiceError
from deepwhisk.services import Part, Services
from fixtures.machine import until

SLEEPS = "import pathlib,sys,time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"


def part(folder: Path, program: str = SLEEPS, name: str = "sleeper", patience: float = 60.0) -> Part:
    flag = folder / f"{name}.ready"
    return Part(
        name, (sys.executable, "-c", program, str(flag)), {}, folder / f"{name}.log", flag.exists, patience
    )


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_part_that_is_ready_is_waited_for_and_ended(tmp_path: Path) -> None:
    services = Services()
    services.start(part(tmp_path))
    services.wait("sleeper")
    pid = next(iter(services)).process.pid
    services.stop()

    assert not alive(pid)


def test_a_part_that_ends_at_its_start_is_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    services = Services()
    services.start(part(tmp_path, "raise SystemExit('the port is taken')"))

    with pytest.raises(ServiceError, match="the port is taken"):
        services.wait("sleeper")
    services.stop()


def test_a_part_that_is_never_ready_is_an_error(tmp_path: Path) -> None:
    services = Services()
    services.start(part(tmp_path, "import time; time.sleep(60)", patience=0.1))

    with pytest.raises(ServiceError, match="not ready"):
        services.wait("sleeper")
    services.stop()


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="no-such-program"):
        Services().start(Part("ghost", ("no-such-program",), {}, tmp_path / "log", lambda: True))


def test_a_killed_part_is_started_again(tmp_path: Path) -> None:
    services = Services()
    services.start(part(tmp_path))
    services.wait("sleeper")
    first = next(iter(services)).process.pid
    os.kill(first, signal.SIGKILL)

    said: list[str] = []
    assert until(lambda: bool(said.extend(services.mend()) or said))
    assert "started again" in said[0]
    assert next(iter(services)).process.pid != first
    services.stop()


def test_what_a_part_started_ends_with_it(tmp_path: Path) -> None:
    child = tmp_path / "child"
    program = (
        "import pathlib,subprocess,sys,time\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(child)!r}).write_text(str(p.pid)); pathlib.Path(sys.argv[1]).touch()\n"
        "time.sleep(60)"
    )
    services = Services()
    services.start(part(tmp_path, program))
    services.wait("sleeper")
    services.stop()

    assert until(lambda: not alive(int(child.read_text())))


def test_a_part_that_ignores_TERM_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepwhisk.services.STOP_SECONDS", 0.2)
    services = Services()
    services.start(part(tmp_path, f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SLEEPS}"))
    services.wait("sleeper")
    pid = next(iter(services)).process.pid
    services.stop()

    assert not alive(pid)


def test_parts_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = (
        "import sys,time; from pathlib import Path; from deepwhisk.services import Part, Services\n"
        f"s = Services(); s.start(Part('x', (sys.executable, '-c', 'import time; time.sleep(60)'), {{}}, "
        f"Path({str(tmp_path / 'log')!r}), lambda: True)); "
        f"Path({str(pid_file)!r}).write_text(str(next(iter(s)).process.pid)); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program])
    assert until(lambda: pid_file.exists() and pid_file.read_text() != "")
    parent.kill()
    parent.wait()

    assert until(lambda: not alive(int(pid_file.read_text())))


def test_a_part_that_keeps_dying_is_started_again_however_often_it_has_died(tmp_path: Path) -> None:
    services = Services()
    services.start(part(tmp_path))
    services.wait("sleeper")
    running = next(iter(services))
    running.restarts = 2000
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()

    assert services.mend() == []
    running.not_before = time.monotonic()
    assert "started again" in services.mend()[0]
    services.stop()


def test_a_part_that_cannot_be_started_again_now_is_tried_later(tmp_path: Path) -> None:
    services, program = Services(), tmp_path / "program"
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o700)
    services.start(Part("x", (str(program),), {"PATH": os.defpath}, tmp_path / "log", lambda: True))
    running = next(iter(services))
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    program.rename(tmp_path / "away")
    services.mend()
    running.not_before = time.monotonic()

    assert "could not be started" in services.mend()[0]
    (tmp_path / "away").rename(program)
    running.not_before = time.monotonic()
    assert "started again" in services.mend()[0]
    services.stop()
