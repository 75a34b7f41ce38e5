"""Everything of a model's image but its code: made by the Dockerfile, made timeless, and kept by the daemon.

What is known of one that was made is kept in the cache, under the name of what the Dockerfile gave. Should
somebody have removed it from the daemon, it is made again.
"""

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepwhisk.images.docker import DockerCommand, Progress
from deepwhisk.images.layers import Image, read_image, write_image

INSIDE = Path(__file__).with_name("inside.py")


@dataclass(frozen=True, slots=True)
class Foundation:
    """An image without code, as its configuration has it, and what is installed in it."""

    config: dict[str, Any]
    contents: dict[str, Any]


def make_foundation(
    docker: DockerCommand, built: str, base: str, cache: Path, folder: Path, progress: Progress
) -> Foundation:
    """The foundation that the image BUILT becomes, as it was if there is one; made in FOLDER."""
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"{built.partition(':')[2]}.json"
    if kept.exists():
        known = json.loads(kept.read_text())
        if docker.has(Image(known["config"], {}).id):
            return Foundation(**known)
    image = _timeless(docker, built, base, folder, progress)
    progress("listing what is inside")
    listed = docker.ask(
        "run", "--rm", "--network", "none", "--entrypoint", "python", image.id, "-c", _inside()
    )
    foundation = {"config": image.config, "contents": json.loads(listed)}
    new = kept.with_suffix(".new")
    new.write_text(json.dumps(foundation))
    new.replace(kept)
    return Foundation(**foundation)


def _timeless(docker: DockerCommand, built: str, base: str, folder: Path, progress: Progress) -> Image:
    kept = json.loads(docker.ask("image", "inspect", "--format", "{{json .RootFS.Layers}}", base))
    progress("forgetting times")
    docker.ask("save", "--output", folder / "saved", built)
    with tarfile.open(folder / "saved") as archive:
        image = read_image(archive, kept, folder)
    (folder / "saved").unlink()
    write_image(image, [], folder / "loaded")
    docker.ask("load", "--quiet", "--input", folder / "loaded")
    return image


def _inside() -> str:
    return INSIDE.read_text(encoding="utf-8")
