"""From a folder of the catalog to an image that a Docker has."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepwhisk.errors import ImageFailed
from deepwhisk.images import context
from deepwhisk.images.docker import DockerCommand, Progress
from deepwhisk.images.foundation import Foundation, make_foundation
from deepwhisk.images.labels import created, labels
from deepwhisk.images.layers import Image, configured, digest_of, write_image
from deepwhisk.project import Model

BASE = "debian:bookworm-slim"
FORMAT = "The model {} could not be put into an image"


@dataclass(frozen=True, slots=True)
class Options:
    """What is said of every build."""

    cache: Path
    scratch: Path  # where files are for a moment; whoever made it removes it
    base: str = BASE
    network: str = "default"  # of the steps that install
    fresh: bool = False  # whether all that was built before counts for nothing
    epoch: int | None = None  # seconds; none: when the metadata says that the model was changed


@dataclass(frozen=True, slots=True)
class Built:
    """An image, and what is inside."""

    name: str
    id: str
    created: str
    labels: dict[str, str]
    contents: dict[str, Any]


def build(docker: DockerCommand, model: Model, name: str, options: Options, progress: Progress) -> Built:
    """Make the image NAME of a model. Raises ImageFailed."""
    with tempfile.TemporaryDirectory(dir=options.scratch) as temporary:
        folder = Path(temporary)
        made = _environment(docker, model, options, folder, progress)
        (folder / "foundation").mkdir()
        foundation = make_foundation(
            docker, made, options.base, options.cache, folder / "foundation", progress
        )
        (folder / "code").write_bytes(context.layer(context.model_files(model)))
        image = _with_code(foundation, model, folder / "code", options.epoch)
        write_image(image, [name], folder / "loaded")
        docker.ask("load", "--quiet", "--input", folder / "loaded")
    if not docker.has(image.id):
        raise ImageFailed(f"{FORMAT.format(model.name)}: Docker has loaded it, and does not have {image.id}.")
    said = image.config["config"]["Labels"]
    return Built(name, image.id, image.config["created"], said, foundation.contents)


def _environment(
    docker: DockerCommand, model: Model, options: Options, folder: Path, progress: Progress
) -> str:
    """The id of what the Dockerfile makes of all files but the code."""
    files = {name: path for name, path in context.model_files(model).items() if _environs(name)}
    context.lay_out({**context.tool_files(), **files}, folder / "context")
    noted = folder / "id"
    told = ["--target=environment", f"--build-arg=MODEL={model.name}", f"--build-arg=BASE={options.base}"]
    told += [f"--network={options.network}", f"--file={folder / 'context' / context.DOCKERFILE}"]
    told += ["--force-rm", *(["--no-cache"] if options.fresh else [])]
    docker.run(FORMAT.format(model.name), progress, "build", f"--iidfile={noted}", *told, folder / "context")
    return noted.read_text().strip()


def _environs(name: str) -> bool:
    return os.path.basename(name) in context.ENVIRONMENT and name.count("/") == 2


def _with_code(foundation: Foundation, model: Model, code: Path, epoch: int | None) -> Image:
    digest, when = digest_of(code), created(model, epoch)
    config = foundation.config
    settings = {**config["config"], "Labels": labels(model, when)}
    digests = [*config["rootfs"]["diff_ids"], digest]
    steps = [each["created_by"] for each in config["history"]]
    made = [*steps, f"COPY catalog/{model.name}/ /catalog/{model.name}/"]
    return Image(configured({**config, "config": settings}, digests, made, when), {digest: code})
