"""Images of a Docker: those that are there, and those that are pulled.

`docker pull` does the pulling, so that registries see the credentials that `docker login` has kept.
"""

import asyncio

from deepwhisk.engine.containers.docker_api import Docker
from deepwhisk.engine.kinds import is_own
from deepwhisk.errors import ImageMissing

_TAIL = 1000


class Images:
    """Pulls an image once at a time, for all that wait for it."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        self._pulls: dict[str, asyncio.Task[None]] = {}

    async def want(self, image: str) -> None:
        """Return when IMAGE is there; raises ImageMissing."""
        if await self._docker.find(f"/images/{image}/json") is not None:
            return
        pull = self._pulls.get(image)
        if pull is None:
            pull = self._pulls[image] = asyncio.create_task(self._pull(image))
            pull.add_done_callback(lambda _: self._pulls.pop(image, None))
        await asyncio.shield(pull)

    async def _pull(self, image: str) -> None:
        command = ("docker", "--host", self._docker.host, "pull", "--quiet", image)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as fault:
            raise ImageMissing(
                image, f"The image {image} is not here, and no docker to pull it: {fault}"
            ) from fault
        try:
            _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise ImageMissing(image, _failure(image, said.decode(errors="replace").strip()[-_TAIL:]))

    async def close(self) -> None:
        pulls = list(self._pulls.values())
        for pull in pulls:
            pull.cancel()
        await asyncio.gather(*pulls, return_exceptions=True)


def _failure(image: str, said: str) -> str:
    advice = (
        "build it here, as the first lines of runtimes/python/Dockerfile and runtimes/nodejs/Dockerfile say"
        if is_own(image)
        else "check its name; `docker login` as the engine's user opens a private registry"
    )
    return f"The image {image} is not here and cannot be pulled: {advice}. Docker says: {said}"
