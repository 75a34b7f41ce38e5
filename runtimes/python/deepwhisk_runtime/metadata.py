"""What a model folder tells people about its model: `ai4-metadata.yml`, and the docstring of `model.py`.

A module of DEEP brings `metadata.json`, which is told as it stands there.
"""

from pathlib import Path
from typing import Any

import yaml

from deepwhisk_runtime.answers import encode
from deepwhisk_runtime.errors import Fault
from deepwhisk_runtime.jsontext import loads
from deepwhisk_runtime.model import Description

FILES = ("ai4-metadata.yml", "ai4-metadata.yaml", "ai4-metadata.json", "metadata.json")
LARGEST = 100_000  # values of a file, with what its aliases stand for
OWN = ("id", "name", "links")  # members of the API's own, which no file may change


def metadata(folder: Path, description: Description) -> dict[str, Any]:
    """The members of a model's page, as JSON values; a file that cannot be read is said, not fatal."""
    return described(folder, {"title": description.title, "description": description.text})


def described(folder: Path, told: dict[str, Any]) -> dict[str, Any]:
    """What is told already, and over it what the folder's file says."""
    path = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if path is None:
        return told
    try:
        return told | members(read(path))
    except (yaml.YAMLError, OSError, Fault, ValueError, RecursionError) as error:
        return told | {"metadata_error": f"{path.name} cannot be read: {error}"}


def read(path: Path) -> Any:
    """What a file says; ValueError for one whose aliases of aliases would fill the memory."""
    content = path.read_bytes()
    if path.suffix == ".json":
        return loads(content)
    node = yaml.compose(content, Loader=yaml.SafeLoader)
    if node is not None and size(node, {}) > LARGEST:
        raise ValueError(f"it stands for more than {LARGEST} values")
    return yaml.safe_load(content)


def size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in known:
        known[id(node)] = LARGEST  # of one that holds itself
        inner = [one for pair in node.value for one in (pair if isinstance(pair, tuple) else (pair,))]
        known[id(node)] = 1 + sum(size(one, known) for one in inner)
    return known[id(node)]


def members(given: Any) -> dict[str, Any]:
    """What was given as members of a page, as JSON values; Fault when it is no mapping of such."""
    plain = loads(encode(given))
    if not isinstance(plain, dict):
        raise Fault("metadata", "it holds no mapping")
    return {str(name): each for name, each in plain.items() if name not in OWN}
