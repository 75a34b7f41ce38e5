"""The Docker Engine API over its Unix socket: as much of it as containers need.

What Docker refuses is ContainerFailed, with Docker's own sentence.
"""

from dataclasses import dataclass
from typing import Any

import aiohttp

from deepwhisk.engine.codec import loads
from deepwhisk.errors import ContainerFailed

_PREFIX = "unix://"
_PATIENCE = aiohttp.ClientTimeout(total=60)
_FOREVER = aiohttp.ClientTimeout(total=None)
_CHUNK = 1 << 16
_ABSENT, _BUSY = 404, 409


@dataclass(frozen=True, slots=True)
class DockerOptions:
    """What the engine is told of Docker."""

    host: str = "unix:///var/run/docker.sock"
    network: str = "bridge"
    cpus: float | None = None  # of each container; none: all there are, in fair shares
    grace: float = 10.0  # seconds after a call until a container is paused
    lent: tuple[str, ...] = ()  # URLs of this machine's loopback that containers reach at their gateway


class Docker:
    """A Docker daemon of this machine; make it inside a running event loop."""

    def __init__(self, host: str) -> None:
        self.host = host
        connector = aiohttp.UnixConnector(host.removeprefix(_PREFIX), limit=0)
        self._session = aiohttp.ClientSession("http://docker", connector=connector, timeout=_PATIENCE)

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """The answer's JSON."""
        return await self._ask(method, path, body, query, _PATIENCE)

    async def find(self, path: str) -> Any:
        """What is at PATH; None if nothing is."""
        return await self._ask("GET", path, None, {}, _PATIENCE, spared=(_ABSENT,))

    async def remove(self, container: str) -> None:
        """End and remove a container; fine if that is done, or is being done."""
        query = {"force": "1", "v": "1"}
        await self._ask("DELETE", f"/containers/{container}", None, query, _PATIENCE, (_ABSENT, _BUSY))

    async def gateway(self, network: str) -> str:
        """The address of this machine in a network. Raises ContainerFailed where it has none."""
        found = await self.find(f"/networks/{network}")
        if found is None:
            raise ContainerFailed(f"Docker has no network {network}: `docker network create` makes one")
        gateways = [each["Gateway"] for each in found["IPAM"]["Config"] or [] if "Gateway" in each]
        if not gateways:
            raise ContainerFailed(
                f"the network {network} of Docker has no gateway to this machine: name a bridge"
            )
        return str(gateways[0])

    async def wait(self, container: str) -> None:
        """Return when a container has ended."""
        await self._ask("POST", f"/containers/{container}/wait", None, {}, _FOREVER)

    async def state(self, container: str) -> dict[str, Any]:
        """Whether a container runs, and how it ended."""
        return dict((await self.ask("GET", f"/containers/{container}/json"))["State"])

    async def attach(self, container: str) -> aiohttp.ClientResponse:
        """The stream of all that a container prints."""
        query = {"stream": "1", "stdout": "1", "stderr": "1"}
        self._check_host()
        try:
            answer = await self._session.post(
                f"/containers/{container}/attach", params=query, timeout=_FOREVER, read_bufsize=_CHUNK
            )
        except (aiohttp.ClientError, OSError) as fault:
            raise self._gone(fault) from fault
        if answer.status >= 400:
            raise _refusal(answer.status, await answer.read())
        return answer

    async def _ask(
        self,
        method: str,
        path: str,
        body: Any,
        query: dict[str, str],
        timeout: aiohttp.ClientTimeout,
        spared: tuple[int, ...] = (),
    ) -> Any:
        self._check_host()
        try:
            async with self._session.request(
                method, path, json=body, params=query, timeout=timeout
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError) as fault:  # TimeoutError too
            raise self._gone(fault) from fault
        if answer.status in spared:
            return None
        if answer.status >= 400:
            raise _refusal(answer.status, content)
        return loads(content) if content.startswith((b"{", b"[")) else None

    def _check_host(self) -> None:
        if not self.host.startswith(_PREFIX):
            raise ContainerFailed(
                f"DOCKER_HOST is {self.host}: the engine uses the Docker of its own machine, by a socket "
                "(unix:///var/run/docker.sock)"
            )

    def _gone(self, fault: Exception) -> ContainerFailed:
        reason = str(fault) or type(fault).__name__
        return ContainerFailed(
            f"Docker does not answer at {self.host} ({reason}): install and start it, or let this user "
            "use its socket"
        )

    async def close(self) -> None:
        await self._session.close()


def _refusal(status: int, content: bytes) -> ContainerFailed:
    said = loads(content) if content.startswith(b"{") else {}
    return ContainerFailed(
        f"Docker refuses with status {status}: {said.get('message', content.decode(errors='replace'))}"
    )
