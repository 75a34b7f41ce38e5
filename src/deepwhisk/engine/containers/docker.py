"""Makes containers of a Docker that runs on this machine.

Each carries the label of its engine, so that one that starts again removes what it had left when it was
killed. Nothing is asked of Docker before something needs it.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any

import aiohttp

from deepwhisk.engine.codec import dumps
from deepwhisk.engine.container import Container
from deepwhisk.engine.containers.docker_api import Docker, DockerOptions
from deepwhisk.engine.containers.docker_container import DockerContainer
from deepwhisk.engine.containers.docker_door import Door
from deepwhisk.engine.containers.docker_images import Images
from deepwhisk.engine.containers.docker_output import frames
from deepwhisk.engine.containers.relay import Relay, open_relay
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.kinds import image_of
from deepwhisk.engine.logs import Output
from deepwhisk.errors import ContainerFailed

OWNER, ACTION = "deepwhisk.engine", "deepwhisk.action"  # labels
GATEWAY = "host.docker.internal"
_MEBIBYTE = 1 << 20
_API_HOST = "__OW_API_HOST"
# What OpenWhisk's invoker gives its own.
_PROCESSES = 1024
_FILES = [{"Name": "nofile", "Soft": 1024, "Hard": 1024}]
_DROPPED = ["NET_RAW", "NET_ADMIN"]


class DockerDriver:
    """Create it inside a running event loop. `owner` names the engine: its state folder."""

    def __init__(self, options: DockerOptions, owner: str, variables: Mapping[str, str]) -> None:
        self._options = options
        self._owner = owner
        self._variables = dict(variables)
        self._docker = Docker(options.host)
        self._images = Images(self._docker)
        self._background: set[asyncio.Task[None]] = set()
        self._opening: asyncio.Task[Relay] | None = None
        self._relays: list[Relay] = []  # the first leads to the engine
        self._keep(self._try(self._open()))

    async def lack(self) -> str | None:
        """Why it can run nothing here, if so."""
        try:
            await self._open()
        except ContainerFailed as fault:
            return str(fault)
        return None

    def prepare(self, executable: Executable) -> None:
        self._keep(self._try(self.ready(executable)))

    async def ready(self, executable: Executable) -> None:
        await self._open()
        await self._images.want(image_of(executable))

    async def start(self, executable: Executable) -> Container:
        relay = await self._open()
        made = await self._docker.ask("POST", "/containers/create", self._order(executable, relay))
        try:
            return await self._start(made["Id"], executable)
        except BaseException:
            self._keep(self._try(self._remove(made["Id"])))
            raise

    async def _start(self, name: str, executable: Executable) -> DockerContainer:
        attached = await self._docker.attach(name)
        try:
            await self._docker.ask("POST", f"/containers/{name}/start")
            told = await self._docker.ask("GET", f"/containers/{name}/json")
        except BaseException:
            attached.close()
            raise
        output = Output(executable.logs * _MEBIBYTE, alone=executable.concurrency == 1)
        address = told["NetworkSettings"]["Networks"][self._options.network]["IPAddress"]
        container = DockerContainer(
            self._docker,
            name,
            Door(self._docker, name, address),
            executable.memory,
            output,
            self._options.grace,
        )
        container.watch(frames(_chunks(attached)))
        return container

    def _order(self, executable: Executable, relay: Relay) -> dict[str, Any]:
        return {
            "Image": image_of(executable),
            "Env": [f"{key}={value}" for key, value in self._environment(executable, relay).items()],
            "Labels": {OWNER: self._owner, ACTION: executable.key[1]},
            "HostConfig": {
                "NetworkMode": self._options.network,
                "ExtraHosts": [f"{GATEWAY}:{relay.gateway}"],
                "Memory": executable.memory * _MEBIBYTE,
                "MemorySwap": executable.memory * _MEBIBYTE,
                "CpuShares": max(2, executable.memory),
                "NanoCpus": int((self._options.cpus or 0) * 1e9),
                "PidsLimit": _PROCESSES,
                "Ulimits": _FILES,
                "CapDrop": _DROPPED,
                "LogConfig": {"Type": "none"},
            },
        }

    def _environment(self, executable: Executable, relay: Relay) -> dict[str, str]:
        several = {"__OW_ALLOW_CONCURRENT": "true"} if executable.concurrency > 1 else {}
        return {**_known_inside(self._variables, relay), **several, _API_HOST: relay.address}

    async def close(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._images.close()
        if self._opening is not None:
            await asyncio.gather(self._opening, return_exceptions=True)
            await self._try(self._remove_left())
            await self._close_relays()
        await self._docker.close()

    async def _close_relays(self) -> None:
        while self._relays:
            await self._relays.pop().close()

    async def _open(self) -> Relay:
        """What comes before the first container, done once; after a failure again."""
        if self._opening is None or (self._opening.done() and self._opening.exception()):
            self._opening = asyncio.create_task(self._prepare_host())
        return await asyncio.shield(self._opening)

    async def _prepare_host(self) -> Relay:
        await self._remove_left()
        gateway = await self._docker.gateway(self._options.network)
        try:
            self._relays = [await open_relay(gateway, self._variables[_API_HOST])]
            for url in self._options.lent:
                self._relays.append(await open_relay(gateway, url, any_port=False))
        except ContainerFailed:
            await self._close_relays()
            raise
        return self._relays[0]

    async def _remove_left(self) -> None:
        query = dumps({"label": [f"{OWNER}={self._owner}"]}).decode()
        left = await self._docker.ask("GET", "/containers/json", all="1", filters=query)
        await asyncio.gather(*(self._remove(each["Id"]) for each in left))

    async def _remove(self, name: str) -> None:
        await self._docker.remove(name)

    async def _try(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except ContainerFailed:
            return  # a call gets it as its outcome

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _known_inside(variables: Mapping[str, str], relay: Relay) -> dict[str, str]:
    """What means something in a container: it has no files of this machine, and calls it by its gateway."""
    spared = ("NO_PROXY", "no_proxy")
    return {
        name: f"{value},{relay.gateway}" if name in spared else value
        for name, value in variables.items()
        if not value.startswith("/")
    }


async def _chunks(attached: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in attached.content.iter_any():
            yield chunk
    except aiohttp.ClientError:
        return  # Docker has ended, and so has the container
    finally:
        attached.close()
