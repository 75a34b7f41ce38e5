"""Images of the models of a catalog, made with the Docker that `docker` speaks to.

What a model needs is made by the one Dockerfile, and kept: it is made again only when requirements.txt or
build.py change. The code is a layer of its own on top.

Law: the same input gives the same image, byte for byte. So nothing of ours carries the time at which it was
made, and the base image's layers stay as they are.
"""

from deepwhisk.images.building import Built, Options, build
from deepwhisk.images.docker import DockerCommand
from deepwhisk.images.publishing import push
from deepwhisk.images.sbom import write_sbom

__all__ = ["Built", "DockerCommand", "Options", "build", "push", "write_sbom"]
