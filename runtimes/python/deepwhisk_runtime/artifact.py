"""The training that a model was promoted to: fetched when the container begins, and handed to `load`.

DEEPWHISK_ARTIFACT is a path, or what a promotion has set: `{"version", "training", "sha256", "key"}`. Then
the action training/artifact gives a link, for the container's own key. Law: what is loaded is what was
promoted, by its digest, and nothing else; a container that cannot have it does not begin.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from deepwhisk_runtime.errors import Fault
from deepwhisk_runtime.links import Unreachable, download
from deepwhisk_runtime.unpack import BadArchive, unzip
from deepwhisk_runtime.whisk import Caller, Unanswered

VARIABLE = "DEEPWHISK_ARTIFACT"
PROMOTED = "DEEPWHISK_PROMOTED"  # the promotion, where the artifact has become a path
CHUNK = 1 << 20


def settle(told: Mapping[str, Any], variables: MutableMapping[str, str] = os.environ) -> None:
    """Make the variable a path, for the model and for all that it starts; TOLD is what /init has said."""
    text = variables.get(VARIABLE, "")
    if not text.startswith("{"):
        return
    try:
        wanted = json.loads(text)
        version, sha256 = wanted["version"], str(wanted["sha256"])
    except (ValueError, LookupError, TypeError) as error:
        raise Fault("load", f"{VARIABLE} is neither a path nor a promotion: {text[:200]}", error) from error
    folder = Path(tempfile.mkdtemp(prefix="artifact-"))
    _fetch(wanted, {**variables, **told}, sha256, folder)
    known = {"version": version, "training": wanted.get("training"), "sha256": sha256}
    variables[VARIABLE], variables[PROMOTED] = str(folder), json.dumps(known)


def promoted(variables: Mapping[str, str] = os.environ) -> dict[str, Any] | None:
    """The promotion that this process serves; None where it serves the model as it was deployed."""
    text = variables.get(PROMOTED)
    return None if text is None else dict(json.loads(text))


def _fetch(wanted: Mapping[str, Any], told: Mapping[str, Any], sha256: str, folder: Path) -> None:
    """Ask, download, compare, unpack."""
    what = f"The artifact of version {wanted['version']} (training {wanted.get('training')})"
    try:
        url = str(_link(wanted, told))
        with tempfile.TemporaryFile() as file:
            download(url, file)
            file.seek(0)
            if (found := _digest(file)) != sha256:
                raise Fault("load", f"{what} is refused: its sha256 is {found[:12]}…, not {sha256[:12]}….")
            unzip(file, folder)
    except (Unanswered, Unreachable) as error:
        raise Fault("load", f"{what} cannot be had: {error}.", error) from error
    except BadArchive as error:
        raise Fault("load", f"{what} is refused: {error}.", error) from error
    except OSError as error:
        raise Fault("load", f"{what} cannot be kept in {folder}: {error.strerror}.", error) from error


def _link(wanted: Mapping[str, Any], told: Mapping[str, Any]) -> Any:
    """Where it can be read, for a while."""
    host, key = told.get("__OW_API_HOST"), told.get("__OW_API_KEY")
    _, namespace, *_, model = str(told.get("__OW_ACTION_NAME") or "/_/").split("/")
    if not host or not key:
        raise Unanswered("the action has no key to ask with: it needs the annotation provide-api-key", 401)
    answer = Caller.of_key(str(host), namespace, str(key)).ask(
        "training/artifact", {**wanted, "model": model}
    )
    if "url" not in answer:
        raise Unanswered("training/artifact gave no link", 502)
    return answer["url"]


def _digest(file: Any) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
