"""Files of a request that is answered later: put into the store, where whoever answers finds them."""

import mimetypes
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from deepwhisk_runtime.errors import describe
from deepwhisk_runtime.served import Taking
from deepwhisk_runtime.whisk import Caller, Unanswered

SECONDS = 60
OCTETS = "application/octet-stream"


def references(
    given: Mapping[str, Any], signature: Taking, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What lies in the store already; and the arguments with a stand-in for it, so that they can be checked.

    Data sets are large: they need not come here to be passed on. Only an image is opened to know it is one.
    """
    known = {
        name: value
        for name, file in signature.files.items()
        if file.kind != "image" and is_reference(value := given.get(name))
    }
    return known, {**given, **{name: stand_in(value, folder) for name, value in known.items()}}


def is_reference(value: Any) -> bool:
    """Whether a value is a reference, or several."""
    if isinstance(value, list):
        return bool(value) and all(map(is_reference, value))
    return isinstance(value, dict) and isinstance(value.get("$object"), dict)


def stand_in(value: Any, folder: Path) -> Any:
    """A file, or several, of the same name."""
    if isinstance(value, list):
        return [stand_in(each, folder) for each in value]
    name = Path(str(value["$object"].get("key") or "file")).name[-120:]
    path = folder / (name or "file")
    path.write_bytes(b"\0")
    return path


def put(caller: Caller, value: str | list[str]) -> Any:
    """A file, or several, in the store; gives the references."""
    return (
        [put_one(caller, Path(each)) for each in value]
        if isinstance(value, list)
        else put_one(caller, Path(value))
    )


def put_one(caller: Caller, path: Path) -> dict[str, Any]:
    """One file, under the name that it came with."""
    kind, size = mimetypes.guess_type(path.name)[0] or OCTETS, path.stat().st_size
    given = caller.ask("objects/link", {"contentType": kind, "size": size, "seconds": 900})
    try:
        with path.open("rb") as content:
            headers = {**(given["put"].get("headers") or {}), "Content-Length": str(size)}
            request = urllib.request.Request(given["put"]["url"], content, headers, method="PUT")
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                answer.read()
        return {"$object": {**given["reference"]["$object"], "filename": path.name}}
    except (OSError, HTTPException, ValueError, LookupError) as error:
        said = f"The file {path.name} of {size} bytes could not be put into the store: {describe(error)}"
        raise Unanswered(said, 503, transient=True) from error
