"""What only Docker does: images of any origin, pauses, a way to the engine, limits and labels."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deepwhisk import sockets
from deepwhisk.cli.ports import hold_any
from deepwhisk.engine.containers.docker import DockerDriver
from deepwhisk.engine.containers.docker_api import DockerOptions
from deepwhisk.engine.containers.docker_images import _failure
from deepwhisk.engine.invocation import DEVELOPER_ERROR, SUCCESS, WHISK_ERROR, Executable
from deepwhisk.engine.logs import MISSING
from deepwhisk.engine.pool import WarmPool
from deepwhisk.errors import ContainerFailed
from fixtures.docker import PYTHON_IMAGE, DockerHost
from fixtures.engine import wait_until
from fixtures.pool import becomes, call, executable
from fixtures.subject import API_HOST

HASH = "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"  # of the word secret
REGISTRY = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: 127.0.0.1:{port}}}
auth: {{htpasswd: {{realm: tests, path: {folder}/users}}}}
log: {{level: error, accesslog: {{disabled: true}}}}
"""


def image(name: str, action: str = "image", **others: Any) -> Executable:
    known: dict[str, Any] = {"kind": "blackbox", "image": name, "key": ("guest", f"guest/{action}", "1")}
    return executable("", action, **(known | others))


@asynccontextmanager
async def driving(docker: DockerHost, owner: str, **options: Any) -> AsyncIterator[WarmPool]:
    known = {"__OW_API_HOST": API_HOST, "SSL_CERT_FILE": "/of/the/host", "NO_PROXY": "localhost"}
    pool = WarmPool(DockerDriver(DockerOptions(docker.host, **options), owner, known), memory=1024)
    yield pool
    await pool.close()


@pytest.fixture
def owner() -> str:
    return f"test-{os.urandom(4).hex()}"


@pytest_asyncio.fixture
async def pool(docker: DockerHost, owner: str) -> AsyncIterator[WarmPool]:
    async with driving(docker, owner, grace=0.2) as pool:
        yield pool
    await becomes(lambda: docker.containers(owner), set())


async def test_an_image_that_knows_nothing_of_us_runs(pool: WarmPool, perl: str) -> None:
    action = image(perl)
    first = await pool.run(action, call(n=1))
    second = await pool.run(action, call(n=2, slow=True))  # its line comes before its answer

    assert (first.status, second.status) == (SUCCESS, SUCCESS)
    assert first.result["perl"]["value"] == {"n": 1}
    assert second.result["perl"]["action_name"] == "/guest/image"
    assert second.init_time is None
    assert [line.partition(" ")[2] for line in second.logs] == [
        "stdout: asked POST /run HTTP/1.1\r",
        f"stderr: {MISSING}",
    ]


@pytest.mark.parametrize(
    ("command", "limits", "error"),
    [
        ('["true"]', {}, "The action did not initialize and exited unexpectedly."),
        (
            '["sleep", "60"]',
            {"timeout": 500},
            "The action exceeded its time limits of 500 milliseconds during initialization.",
        ),
    ],
)
async def test_an_image_that_does_not_listen_is_told(
    docker: DockerHost, pool: WarmPool, command: str, limits: dict[str, Any], error: str
) -> None:
    name = docker.build(f"tests/deaf:{len(command)}", f"FROM {docker.base()}\nCMD {command}\n")
    outcome = await pool.run(image(name, **limits), call())

    assert (outcome.status, outcome.result) == (DEVELOPER_ERROR, {"error": error})


async def test_an_image_whose_command_is_missing_is_told_in_the_logs(
    docker: DockerHost, pool: WarmPool, owner: str
) -> None:
    name = docker.build("tests/docker-broken:1", f'FROM {docker.base()}\nCMD ["/no/such/program"]\n')
    outcome = await pool.run(image(name), call())

    assert outcome.status == WHISK_ERROR
    assert outcome.result == {"error": "Failed to provision resources to run the action."}
    assert "/no/such/program" in " ".join(outcome.logs)
    await becomes(lambda: docker.containers(owner), set())


async def test_an_image_that_cannot_be_pulled_is_an_outcome_that_says_so(pool: WarmPool) -> None:
    missing = "127.0.0.1:1/no/such@sha256:" + "0" * 64
    outcome = await pool.run(image(missing), call())

    assert outcome.status == DEVELOPER_ERROR
    assert outcome.result == {"error": f"Failed to pull container image '{missing}'."}
    assert "docker login" in outcome.logs[0]


def test_an_image_of_our_own_that_is_missing_says_how_to_build_it() -> None:
    assert "build it here" in _failure("deepwhisk/runtime-python:9", "not found")


@pytest.fixture
def registry(tmp_path: Path, docker: DockerHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a private registry; the docker command of this test knows no keys yet."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("needs a registry: apt-get install docker-registry")
    (tmp_path / "users").write_text(f"user:{HASH}\n")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with hold_any("127.0.0.1") as held, (tmp_path / "log").open("wb") as log:
        (tmp_path / "config.yml").write_text(REGISTRY.format(folder=tmp_path, port=sockets.number(held)))
        running = subprocess.Popen([program, "serve", tmp_path / "config.yml"], stdout=log, stderr=log)
        yield f"127.0.0.1:{sockets.number(held)}"
        running.terminate()
        running.wait(60)


async def test_an_image_of_a_private_registry_is_pulled_with_the_keys_of_docker_login(
    docker: DockerHost, pool: WarmPool, perl: str, registry: str
) -> None:
    name = f"{registry}/team/perl:1"
    docker("tag", perl, name)
    login = ("login", registry, "--username", "user", "--password", "secret")
    wait_until(
        lambda: (
            subprocess.run(["docker", *login], env=docker.environment, capture_output=True).returncode == 0
        )
    )
    docker("push", name)
    digest = docker("inspect", "--format", "{{index .RepoDigests 0}}", name)
    docker("rmi", name)
    docker("logout", registry)
    refused = await pool.run(image(name), call())
    docker(*login)
    taken = await asyncio.gather(*(pool.run(image(name, f"a{n}"), call()) for n in range(2)))
    by_digest = await pool.run(image(digest, "digest"), call())
    docker("rmi", name)

    assert refused.result == {"error": f"Failed to pull container image '{name}'."}
    assert [outcome.status for outcome in (*taken, by_digest)] == [SUCCESS] * 3


async def test_an_idle_container_is_paused_and_the_next_call_wakes_it(
    docker: DockerHost, pool: WarmPool, owner: str
) -> None:
    action = executable("calls = []\ndef main(args):\n    calls.append(1)\n    return {'n': len(calls)}")
    await pool.run(action, call())
    [name] = docker.containers(owner)
    for number in (2, 3):
        await becomes(lambda: docker("inspect", "--format", "{{.State.Status}}", name), "paused")
        outcome = await pool.run(action, call())

        assert (outcome.result, outcome.init_time) == ({"n": number}, None)
    await becomes(lambda: docker("inspect", "--format", "{{.State.Status}}", name), "paused")


async def test_a_container_gets_the_limits_of_its_action_and_few_rights(
    docker: DockerHost, owner: str
) -> None:
    async with driving(docker, owner, cpus=0.5) as pool:
        await pool.run(executable(memory=128, concurrency=3), call())
        [name] = docker.containers(owner)
        [told] = json.loads(docker("inspect", name))
    host, variables = told["HostConfig"], told["Config"]["Env"]

    assert (host["Memory"], host["MemorySwap"], host["CpuShares"]) == (128 << 20, 128 << 20, 128)
    assert (host["NanoCpus"], host["PidsLimit"]) == (500_000_000, 1024)
    assert set(host["CapDrop"]) == {"NET_RAW", "NET_ADMIN"}
    assert not host["Privileged"]
    assert told["Config"]["Image"] == PYTHON_IMAGE
    assert told["Config"]["Labels"]["deepwhisk.action"] == "guest/echo"
    assert "__OW_ALLOW_CONCURRENT=true" in variables
    assert not any(variable.startswith("SSL_CERT_FILE=") for variable in variables)
    gateway = next(entry for entry in host["ExtraHosts"] if entry.startswith("host.docker.internal:"))
    assert f"NO_PROXY=localhost,{gateway.partition(':')[2]}" in variables


async def test_actions_reach_an_engine_that_listens_on_loopback_only(docker: DockerHost, owner: str) -> None:
    async def pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npong")

    code = """
import os, urllib.request
def main(args):
    host = urllib.request.urlopen(os.environ['__OW_API_HOST'] + '/ping').read().decode()
    port = os.environ['__OW_API_HOST'].rpartition(':')[2]
    by_name = urllib.request.urlopen(f'http://host.docker.internal:{port}/ping').read().decode()
    return {'host': host, 'by_name': by_name}
"""
    server = await asyncio.start_server(pong, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    pool = WarmPool(DockerDriver(DockerOptions(docker.host), owner, {"__OW_API_HOST": address}), memory=512)
    try:
        outcome = await pool.run(executable(code), call())
    finally:
        await pool.close()
        server.close()

    assert outcome.result == {"host": "pong", "by_name": "pong"}


async def test_a_driver_removes_what_its_engine_had_left_and_nothing_else(
    docker: DockerHost, owner: str
) -> None:
    options, variables = DockerOptions(docker.host, grace=0.1), {"__OW_API_HOST": API_HOST}
    async with driving(docker, owner + "-other") as other:
        await other.run(executable(), call())
        killed = DockerDriver(options, owner, variables)
        await killed.ready(executable())
        left = await killed.start(executable())
        assert len(docker.containers(owner)) == 1

        second = DockerDriver(options, owner, variables)
        assert await second.lack() is None

        assert docker.containers(owner) == set()
        assert len(docker.containers(owner + "-other")) == 1
        await left.stop()
        for driver in (second, killed):
            await driver.close()


@pytest.mark.parametrize(
    ("options", "lack"),
    [
        ({"host": "unix:///no/such/docker.sock"}, "Docker does not answer at unix:///no/such/docker.sock"),
        ({"host": "tcp://127.0.0.1:2375"}, "DOCKER_HOST is tcp://127.0.0.1:2375"),
        ({"network": "no-such-network"}, "Docker has no network no-such-network"),
        ({"network": "host"}, "has no gateway"),
    ],
)
async def test_what_a_driver_lacks_is_told(docker: DockerHost, options: dict[str, Any], lack: str) -> None:
    driver = DockerDriver(
        DockerOptions(**({"host": docker.host} | options)), "test", {"__OW_API_HOST": API_HOST}
    )
    try:
        assert lack in str(await driver.lack())
        with pytest.raises(ContainerFailed):
            await driver.ready(executable())
    finally:
        await driver.close()


async def test_a_container_that_is_removed_from_outside_is_replaced(
    docker: DockerHost, pool: WarmPool, owner: str
) -> None:
    await pool.run(executable(), call())
    docker("rm", "--force", *docker.containers(owner))
    outcome = await pool.run(executable(), call(x=1))

    assert (outcome.status, outcome.result) == (SUCCESS, {"x": 1})
