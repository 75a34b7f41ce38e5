"""What a model folder tells people about its model: `ai4-metadata.yml`, and the docstring of `model.py`."""

from pathlib import Path
from typing import Any

import yaml

from deepwhisk_runtime.answers import encode
from deepwhisk_runtime.errors import Fault
from deepwhisk_runtime.jsontext import loads
from deepwhisk_runtime.model import Description

FILES = ("ai4-metadata.yml", "ai4-metadata.yaml")
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
        return told | members(yaml.safe_load(path.read_bytes()))
    except (yaml.YAMLError, OSError, Fault) as error:
        return told | {"metadata_error": f"{path.name} cannot be read: {error}"}


def members(given: Any) -> dict[str, Any]:
    """What was given as members of a page, as JSON values; Fault when it is no mapping of such."""
    plain = loads(encode(given))
    if not isinstance(plain, dict):
        raise Fault("metadata", "it holds no mapping")
    return {str(name): each for name, each in plain.items() if name not in OWN}
