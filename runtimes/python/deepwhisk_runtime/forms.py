"""Arguments from a web request: query string, form, upload and JSON body, together.

A query string and a form hold texts only; a text becomes what its parameter wants.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from deepwhisk_runtime.arguments import IN_MEMORY, Incoming
from deepwhisk_runtime.errors import Invalid
from deepwhisk_runtime.jsontext import loads
from deepwhisk_runtime.served import Taking

if TYPE_CHECKING:
    from werkzeug.datastructures import FileStorage
    from werkzeug.wrappers import Request

MULTIPART = "multipart/form-data"
FORMS = ("application/x-www-form-urlencoded", MULTIPART)


class BadBody(Invalid):
    """Raised when a body says it is JSON and is not."""

    status = 400


def arguments(request: "Request", signature: Taking) -> dict[str, Any]:
    """All arguments of a request; what is nearer to the body wins, and what is no argument is passed over."""
    given = textual(request.args.lists(), signature) if request.query_string else {}
    given |= form(request, signature) if request.mimetype in FORMS else body(request, signature)
    return chosen(given, signature)


def chosen(given: dict[str, Any], signature: Taking) -> dict[str, Any]:
    """Those of the members that are arguments."""
    return given if signature.open else {name: given[name] for name in signature.names if name in given}


def form(request: "Request", signature: Taking) -> dict[str, Any]:
    """The arguments in a form."""
    given = textual(request.form.lists(), signature)
    for name, uploads in request.files.lists():
        files = [
            Incoming(each.stream, each.filename or "", each.mimetype) for each in uploads if is_file(each)
        ]
        if files:
            given[name] = files if len(files) > 1 else files[0]
    return given


def is_file(upload: "FileStorage") -> bool:
    """Whether an upload is one: a browser sends a field that was left empty as a file without name."""
    empty = not upload.stream.read(1)
    upload.stream.seek(0)
    return bool(upload.filename) or not empty


def body(request: "Request", signature: Taking) -> dict[str, Any]:
    """The arguments in a body that is no form: JSON members, or the one file that the model takes."""
    if request.mimetype in ("", "application/json") or request.mimetype.endswith("+json"):
        return members(content) if (content := request.get_data()) else {}
    stream = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 — whoever takes the file closes it
    shutil.copyfileobj(request.stream, stream)
    size = stream.tell()
    stream.seek(0)
    if size and len(signature.files) == 1:
        return {next(iter(signature.files)): Incoming(stream, "", request.mimetype)}
    stream.close()
    if not size:
        return {}
    raise Invalid({"body": [f"A JSON object or a form is expected (got {request.mimetype})."]})


def members(content: bytes) -> dict[str, Any]:
    """The members of a JSON body."""
    try:
        value = loads(content)
    except ValueError as error:
        raise BadBody({"json": ["Invalid JSON body."]}) from error
    if not isinstance(value, dict):
        raise Invalid({"json": [f"The body has to be an object of arguments (got {type(value).__name__})."]})
    return value


def textual(fields: Iterable[tuple[str, list[str]]], signature: Taking) -> dict[str, Any]:
    """Arguments that were given as texts, each perhaps several times."""
    return {name: read(texts, signature.kinds.get(name, frozenset())) for name, texts in fields}


def read(texts: list[str], kinds: frozenset[str]) -> Any:
    """What texts stand for, given the JSON types that the parameter takes."""
    if "array" in kinds and (len(texts) > 1 or texts[0][:1] != "["):
        return [one(each, frozenset()) for each in texts]
    return one(texts[-1], kinds)


def one(text: str, kinds: frozenset[str]) -> Any:
    """One text: JSON where the parameter takes lists or objects, else as it is, for pydantic to read."""
    if kinds & {"array", "object"} and text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return None if text == "" and "null" in kinds and "string" not in kinds else text
