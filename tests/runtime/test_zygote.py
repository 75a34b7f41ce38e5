"""The zygote, spoken to as the engine does."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.machine import until

RUNTIME = Path(__file__).parents[2] / "runtimes" / "python"


class Engine:
    """One end of the control socket and the processes behind the other."""

    def __init__(self, folder: Path, *path: Path) -> None:
        self.folder = folder
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(60)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "deepwhisk_runtime.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=folder,
                env={"PYTHONPATH": os.pathsep.join(map(str, (RUNTIME, *path))), "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        self.forked = 0

    def send(self, message: dict[str, Any], *descriptors: int) -> None:
        socket.send_fds(self.control, [json.dumps(message).encode()], list(descriptors))

    def hear(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.control.recv(1 << 17))
        return told

    def load(self, *modules: str, distributions: tuple[str, ...] = ()) -> dict[str, Any]:
        self.send({"do": "import", "modules": modules, "distributions": distributions})
        return self.hear()

    def fork(self, **others: Any) -> "Child":
        self.forked += 1
        folder = self.folder / str(self.forked)
        folder.mkdir()
        child = Child(folder)
        order = {
            "do": "fork",
            "number": self.forked,
            "folder": str(folder),
            "variables": {"FORKED": str(self.forked), "TMPDIR": str(folder)},
            "ceiling": 1 << 34,
            "nice": 1,
        }
        self.send(order | others, child.listener.fileno(), child.writers[0], child.writers[1])
        told = self.hear()
        assert told["forked"] == self.forked
        child.pid = told["pid"]
        child.let_go()
        return child

    def end(self) -> None:
        self.control.close()
        self.process.wait(60)


class Child:
    """A forked container as its engine sees it."""

    pid = 0

    def __init__(self, folder: Path) -> None:
        self.door = str(folder / "door")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.door)
        self.listener.listen()
        (self.out, out), (self.err, err) = os.pipe(), os.pipe()
        self.writers = (out, err)

    def let_go(self) -> None:
        self.listener.close()
        for writer in self.writers:
            os.close(writer)

    def post(self, path: str, value: Any) -> bytes:
        body = json.dumps({"value": value}).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(self.door)
            client.sendall(head.encode() + body)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while part := client.recv(65536):
                    answer += part
        return answer.partition(b"\r\n\r\n")[2]

    def init(self, code: str) -> bytes:
        return self.post("/init", {"name": "a", "main": "main", "code": code, "binary": False, "env": {}})

    def close(self) -> None:
        os.close(self.out)
        os.close(self.err)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    folder = tmp_path / "zygote"
    folder.mkdir()
    engine = Engine(folder)
    engine.load("json")
    yield engine
    engine.end()


def gone(pid: int) -> bool:
    """Ended, whether or not its new parent has taken notice."""
    try:
        return status(pid, "State").startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return True


def status(pid: int, field: str) -> str:
    return Path(f"/proc/{pid}/status").read_text().partition(f"\n{field}:")[2].split("\n")[0].strip()


def test_a_fork_is_a_container_that_listens(engine: Engine) -> None:
    child = engine.fork()

    assert json.loads(child.init("def main(args): return args")) == {"ok": True}
    assert json.loads(child.post("/run", {"x": 1})) == {"x": 1}
    child.close()


def test_a_fork_has_its_own_group_streams_folder_variables_and_limits(engine: Engine) -> None:
    code = """
import os, resource
def main(args):
    print("out")
    return {"group": os.getpgid(0), "session": os.getsid(0), "variable": os.environ["FORKED"],
            "nice": os.nice(0), "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
            "data": resource.getrlimit(resource.RLIMIT_DATA)[0], "input": os.readlink("/proc/self/fd/0")}
"""
    child = engine.fork()
    child.init(code)
    told = json.loads(child.post("/run", {}))

    assert told["group"] == told["session"] == child.pid
    assert told["variable"] == "1"
    assert told["nice"] == os.nice(0) + 1
    assert told["core"] == 0
    assert told["data"] > 1 << 34
    assert os.read(child.out, 100).startswith(b"out\n")
    child.close()


def test_a_fork_holds_no_descriptor_of_its_zygote(engine: Engine) -> None:
    first, second = engine.fork(), engine.fork()
    second.init("def main(args): return args")
    descriptors = Path(f"/proc/{second.pid}/fd")
    held = {path.name: os.readlink(path) for path in descriptors.iterdir()}

    assert not [target for target in held.values() if "pidfd" in target]
    # Its door and the pair that wakes it.
    assert len([target for target in held.values() if target.startswith("socket:")]) == 3
    first.close()
    second.close()


def test_an_exit_is_told_with_its_status(engine: Engine) -> None:
    child = engine.fork()
    child.init("import os\ndef main(args): os._exit(5)")
    child.post("/run", {})

    told = engine.hear()
    assert told["exited"] == child.pid
    assert os.waitstatus_to_exitcode(told["status"]) == 5
    child.close()


def test_an_end_ends_the_whole_group_and_what_left_it(engine: Engine) -> None:
    child = engine.fork()
    child.init(
        "import subprocess\ndef main(args):\n"
        "    sleepers = [subprocess.Popen(['sleep', '60'], start_new_session=s) for s in (True, False)]\n"
        "    return {'pids': [each.pid for each in sleepers]}"
    )
    pids = json.loads(child.post("/run", {}))["pids"]

    engine.send({"do": "end", "pid": child.pid})

    assert os.waitstatus_to_exitcode(engine.hear()["status"]) == -signal.SIGKILL
    assert all(until(lambda pid=pid: gone(pid)) for pid in pids)
    child.close()


def test_only_its_own_children_are_ended(engine: Engine) -> None:
    engine.send({"do": "end", "pid": os.getpid()})
    child = engine.fork()

    assert not gone(child.pid)
    child.close()


def test_without_its_engine_a_zygote_ends_all_and_leaves_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "zygote"
    folder.mkdir()
    engine = Engine(folder)
    engine.load()
    children = [engine.fork() for _ in range(2)]

    engine.end()

    assert all(until(lambda pid=child.pid: gone(pid)) for child in children)
    assert not folder.exists()
    for child in children:
        child.close()


def test_children_of_a_killed_zygote_end(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.load()
    child = engine.fork()
    engine.process.kill()

    assert until(lambda: gone(child.pid))
    engine.end()
    child.close()


def test_a_module_that_cannot_be_imported_is_told_and_no_harm(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('half installed')")
    (tmp_path / "zygote").mkdir()
    engine = Engine(tmp_path / "zygote", tmp_path)
    told = engine.load("json", "broken", "no_such_module")

    assert told["failed"] == {
        "broken": "RuntimeError: half installed",
        "no_such_module": "ModuleNotFoundError: No module named 'no_such_module'",
    }
    assert told["threads"] == 1
    engine.end()


def test_the_modules_of_distributions_are_there_in_every_fork(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    (packages / "other_name").mkdir(parents=True)
    (packages / "other_name" / "__init__.py").write_text("import time\nimported = time.monotonic_ns()")
    information = packages / "Some_Thing-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: Some.Thing\nVersion: 1.0\n")
    (information / "RECORD").write_text("other_name/__init__.py,,\n")
    (tmp_path / "zygote").mkdir()
    engine = Engine(tmp_path / "zygote", packages)
    assert engine.load(distributions=("some-thing",))["failed"] == {}
    children = [engine.fork() for _ in range(2)]
    times = []
    for child in children:
        child.init("import other_name\ndef main(args): return {'imported': other_name.imported}")
        times.append(json.loads(child.post("/run", {}))["imported"])
        child.close()

    assert times[0] == times[1]
    engine.end()


def test_an_interrupt_at_the_terminal_is_for_the_engine_only(engine: Engine) -> None:
    os.kill(engine.process.pid, signal.SIGINT)
    child = engine.fork()

    assert json.loads(child.init("def main(args): return args")) == {"ok": True}
    assert status(child.pid, "Threads") == "1"
    child.close()
