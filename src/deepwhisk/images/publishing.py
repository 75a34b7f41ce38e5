"""Images in a registry."""

import json

from deepwhisk.errors import ImageFailed
from deepwhisk.images.docker import DockerCommand, Progress


def push(docker: DockerCommand, image: str, name: str, progress: Progress) -> str:
    """Push an image under NAME, which begins with the registry; its name by digest."""
    docker.ask("tag", image, name)
    docker.run(
        f"The image {name} could not be pushed; `docker login` opens a registry", progress, "push", name
    )
    known = json.loads(docker.ask("image", "inspect", "--format", "{{json .RepoDigests}}", name))
    repository = name.rpartition(":")[0]
    for digest in known:
        if digest.partition("@")[0] in (repository, repository.removeprefix("docker.io/")):
            return str(digest)
    raise ImageFailed(f"Docker has pushed {name}, and does not tell its digest.")
