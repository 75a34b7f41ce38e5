"""What only uDocker does: ports lent to images that insist on one, shared trees, pulls and a keeper."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deepwhisk.engine.containers.udocker_images import Name
from deepwhisk.engine.containers.udocker_program import Udocker, find
from deepwhisk.engine.invocation import DEVELOPER_ERROR, SUCCESS, Executable
from deepwhisk.engine.logs import MISSING
from deepwhisk.engine.pool import WarmPool
from deepwhisk.errors import ContainerFailed
from deepwhisk.keeper import rebind
from deepwhisk.keeper.family import family
from fixtures.docker import PYTHON_IMAGE, DockerHost
from fixtures.machine import command_line, parents
from fixtures.pool import becomes, call, executable
from fixtures.udocker import UdockerHost

# On all addresses of both families; it knows nothing of us or of the ends of logs.
FOREIGN = """
import http.server, json, socket

class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"path": self.path, "asked": json.loads(asked)["value"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(self.server_address)

Server(("::", 8080), Answer).serve_forever()
"""
WRITE = """
import os
def main(args):
    if 'text' in args:
        with open(args['file'], 'a') as file:
            file.write(args['text'])
    return {'text': open(args['file']).read()[-20:] if os.path.exists(args['file']) else None}
"""
STATX = """
import subprocess
def main(args):
    subprocess.run(['touch', '/opt/only-here'])
    return {'ls': subprocess.run(['ls', '-l', '/opt/only-here'], capture_output=True, text=True).stdout}
"""


def image(name: str, action: str = "image", **others: Any) -> Executable:
    known: dict[str, Any] = {"kind": "blackbox", "image": name, "key": ("guest", f"guest/{action}", "1")}
    return executable("", action, **(known | others))


@pytest_asyncio.fixture
async def pool(udocker: UdockerHost) -> AsyncIterator[WarmPool]:
    async with udocker.pool() as pool:
        yield pool


@pytest.fixture(scope="session")
def foreign(docker: DockerHost, udocker: UdockerHost) -> str:
    dockerfile = f'FROM {PYTHON_IMAGE}\nUSER root\nCOPY it.py /\nENTRYPOINT ["python", "/it.py"]\n'
    return udocker.take(docker.build("tests/foreign:1", dockerfile, **{"it.py": FOREIGN}))


async def test_images_that_all_want_port_8080_run_at_the_same_time(pool: WarmPool, foreign: str) -> None:
    outcomes = await asyncio.gather(*(pool.run(image(foreign, f"a{n}"), call(n=n)) for n in range(3)))

    assert [outcome.status for outcome in outcomes] == [SUCCESS] * 3
    assert [outcome.result for outcome in outcomes] == [{"path": "/run", "asked": {"n": n}} for n in range(3)]


async def test_an_image_that_ends_no_logs_costs_the_next_call_no_wait(pool: WarmPool, foreign: str) -> None:
    first, second = [await pool.run(image(foreign), call()) for _ in range(2)]

    assert (first.init_time is None, second.init_time is None) == (False, True)
    assert second.logs[-1].endswith(MISSING)


async def test_an_image_that_never_listens_is_ended_at_the_time_limit(
    docker: DockerHost, udocker: UdockerHost, pool: WarmPool
) -> None:
    name = udocker.take(docker.build("tests/deaf:1", f'FROM {docker.base()}\nCMD ["sleep", "60"]\n'))
    outcome = await pool.run(image(name, timeout=500), call())

    assert (outcome.status, outcome.timed_out) == (DEVELOPER_ERROR, True)
    await becomes(udocker.processes, set())


async def test_a_command_that_is_missing_is_told_in_the_logs(
    docker: DockerHost, udocker: UdockerHost, pool: WarmPool
) -> None:
    name = udocker.take(docker.build("tests/udocker-broken:1", f'FROM {docker.base()}\nCMD ["/no/such"]\n'))
    outcome = await pool.run(image(name), call())

    assert outcome.status == DEVELOPER_ERROR
    assert "/no/such" in " ".join(outcome.logs)


@pytest.mark.parametrize("file", ["/tmp/own", "/home/whisk/own", "/etc/passwd", "/srv/own"])
async def test_what_a_container_writes_no_other_finds(pool: WarmPool, file: str) -> None:
    write, read = (executable(WRITE, name) for name in ("write", "read"))
    written = await pool.run(write, call(file=file, text="left behind"))
    found = await pool.run(read, call(file=file))

    assert str(written.result["text"]).endswith("left behind")
    assert "left behind" not in str(found.result["text"])


async def test_what_is_changed_in_the_system_is_gone_with_the_container(udocker: UdockerHost) -> None:
    file = "/opt/deepwhisk/requirements.txt"
    for text in ("# changed", None):
        async with udocker.pool() as pool:
            asked = {"file": file, **({"text": text} if text else {})}
            outcome = await pool.run(executable(WRITE, "write"), call(**asked))
            assert outcome.status == SUCCESS

    assert "changed" not in outcome.result["text"]


async def test_calls_that_came_after_proot_see_the_container_too(pool: WarmPool) -> None:
    outcome = await pool.run(executable(STATX, "statx"), call())

    assert "/opt/only-here" in outcome.result["ls"]


async def test_root_has_no_privilege_in_a_container(pool: WarmPool) -> None:
    code = "def main(args):\n    return {'status': open('/proc/self/status').read()}"
    outcome = await pool.run(executable(code, "status"), call())

    lines = dict(line.split(":\t", 1) for line in outcome.result["status"].splitlines() if ":\t" in line)
    assert {int(lines[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}
    assert lines["NoNewPrivs"] == "1"


async def test_an_image_that_nobody_has_is_told(pool: WarmPool) -> None:
    outcome = await pool.run(image("127.0.0.1:1/no/such:1"), call())

    assert outcome.status == DEVELOPER_ERROR
    assert outcome.result == {"error": "Failed to pull container image '127.0.0.1:1/no/such:1'."}
    assert "udocker load" in " ".join(outcome.logs)


async def test_an_image_of_a_registry_is_pulled(
    docker: DockerHost, foreign: str, registry: str, pool: WarmPool
) -> None:
    name = f"{registry}/team/foreign:1"
    docker("tag", foreign, name)
    docker("push", name)
    docker("rmi", name)
    outcomes = await asyncio.gather(*(pool.run(image(name, f"a{n}"), call(n=n)) for n in range(2)))

    assert [outcome.result["asked"] for outcome in outcomes] == [{"n": 0}, {"n": 1}]


async def test_a_container_whose_keeper_is_killed_leaves_nothing(
    udocker: UdockerHost, pool: WarmPool
) -> None:
    code = "import os, time\ndef main(args):\n    os.system('sleep 60 &')\n    time.sleep(60)"
    running = asyncio.create_task(pool.run(executable(code, "long"), call()))
    await becomes(lambda: running.done() or "sleep 60 " in map(command_line, udocker.processes()), True)
    assert not running.done(), running.result()
    found, above = udocker.processes(), parents()
    [keeper] = [pid for pid in found if pid in above and above[pid] not in found]
    os.kill(keeper, signal.SIGKILL)
    outcome = await running

    assert outcome.status == DEVELOPER_ERROR
    await becomes(udocker.processes, set())


ENGINE = """
import asyncio, os, sys
from pathlib import Path
from deepwhisk.engine.containers.udocker import UdockerDriver
from deepwhisk.engine.invocation import Call, Executable
from deepwhisk.engine.pool import WarmPool

async def main():
    driver = UdockerDriver(os.environ, Path(sys.argv[1]), {"__OW_API_HOST": "http://127.0.0.1:1"})
    code = "import os\\ndef main(args):\\n    os.system('sleep 60 &')\\n    return {}"
    asked = Executable(("g", "g/a", "1"), "python:3", None, code, False, None, 60000, 256, 1, 1)
    print((await WarmPool(driver, memory=512).run(asked, Call("a" * 32, "t", {}, None))).status, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_what_an_engine_that_is_killed_had_ends_with_it_and_the_next_removes_the_rest(
    udocker: UdockerHost,
) -> None:
    engine = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(ENGINE), udocker.folder],
        env=udocker.environ,
        stdout=subprocess.PIPE,
    )
    with engine:
        assert engine.stdout is not None
        assert await asyncio.to_thread(engine.stdout.readline) == b"0\n"
        assert udocker.containers()
        engine.kill()
    await becomes(udocker.processes, set())
    async with udocker.pool() as pool:
        assert (await pool.run(executable(), call())).status == SUCCESS


@pytest.mark.parametrize(
    ("image", "name", "asked"),
    [
        ("alpine", "alpine:latest", []),
        ("docker.io/team/x:1", "team/x:1", []),
        ("quay.io/team/x", "quay.io/team/x:latest", []),
        ("localhost:5000/x:2", "x:2", ["--registry=http://localhost:5000"]),
        ("r.example.org:443/a/b:2", "a/b:2", ["--registry=https://r.example.org:443"]),
        ("team/x@sha256:0f", "team/x@sha256:0f", []),
    ],
)
def test_how_udocker_is_told_of_an_image(image: str, name: str, asked: list[str]) -> None:
    read = Name.read(image)

    assert (str(read), read.asked_at()) == (name, asked)


def test_images_of_several_registries_are_kept_apart() -> None:
    names = ("x:1", "a:1/x:1", "b:1/x:1", "a:2/x:1", "x:2")

    assert len({Name.read(name).slug for name in names}) == len(names)


def test_without_udocker_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    with pytest.raises(ContainerFailed, match="pip install"):
        find({"PATH": str(tmp_path), "HOME": str(tmp_path)})


def a_program(file: Path, text: str = "#!/bin/sh\nexec true\n") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


def test_without_a_proot_it_is_said_how_to_get_one(tmp_path: Path) -> None:
    a_program(tmp_path / "udocker")

    with pytest.raises(ContainerFailed, match="udocker install"):
        find({"PATH": str(tmp_path), "HOME": str(tmp_path)})


def test_a_proot_that_udocker_has_installed_comes_before_the_machines(tmp_path: Path) -> None:
    a_program(tmp_path / "udocker")
    a_program(tmp_path / "proot")
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    lent = find(environ)
    a_program(tmp_path / ".udocker" / "bin" / "proot-x86_64")
    (tmp_path / ".udocker" / "lib").mkdir()
    (tmp_path / ".udocker" / "lib" / "VERSION").write_text("1.2.11\n")
    own = find(environ)

    assert (lent.proot, own.proot) == (str(tmp_path / "proot"), None)
    assert "UDOCKER_USE_PROOT_EXECUTABLE" not in own.environment(tmp_path)


def test_a_proot_is_not_told_which_kernel_to_imitate(tmp_path: Path) -> None:
    shown = a_program(tmp_path / "proot", '#!/bin/sh\nprintf "%s\\n" "$@"\n')
    Udocker("udocker", tmp_path, str(shown), {}).lend(tmp_path / "tools")
    asked = ["-b", "/a b:/c", "-k", "6.1", "-r", "/tree", "sort", "-k", "2"]
    said = subprocess.run([tmp_path / "tools" / "proot", *asked], capture_output=True, text=True, check=True)

    assert said.stdout.splitlines() == ["-b", "/a b:/c", "-r", "/tree", "sort", "-k", "2"]


def test_a_machine_that_cannot_lend_ports_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebind, "_MACHINES", {})

    assert "it is not known for" in str(rebind.why_not())


def test_a_family_is_all_that_descend_from_a_process() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo; wait"], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        members = family(shell.pid)
        for pid in members:
            os.kill(pid, signal.SIGKILL)

    assert (members[0], len(members)) == (shell.pid, 2)
