"""A model without OpenWhisk: its REST API on a port, or one prediction on the command line."""

import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from deepwhisk_runtime import door, forms, modules
from deepwhisk_runtime.answers import Outgoing, encode
from deepwhisk_runtime.errors import Fault, Invalid
from deepwhisk_runtime.served import Served, Taking
from deepwhisk_runtime.service import Provision, load

THREADS = 8  # for the small answers; predictions take turns


class BadInput(ValueError):
    """Raised when an input on the command line is none; says what it should look like."""


def serve(folder: Path | None, module: str | None, host: str, port: int) -> int:
    """Serve a model until the process is told to end."""
    from waitress.server import create_server  # noqa: PLC0415 — containers never serve this way

    from deepwhisk_runtime.rest import create_app  # noqa: PLC0415

    try:
        service = loaded(folder, module)
    except Fault as fault:
        return said(fault)
    listener = door.listen(host, port)
    at = f"http://{host}:{listener.getsockname()[1]}"
    print(f"{service.name} answers at {at}/v2/models/{service.name}/", flush=True)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that one waits for another is meant
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    create_server(create_app(service), sockets=[listener], threads=THREADS).run()
    return 0


def predict(folder: Path | None, module: str | None, inputs: Iterable[str], as_json: bool) -> int:
    """Print one prediction, and nothing else on standard output."""
    place = Outgoing.inline if as_json else shortened
    try:
        with answers_only() as out:
            service = loaded(folder, module)
            text = service.predict(arguments(inputs, service.signature), lambda result: encode(result, place))
            told = text.decode() if as_json else json.dumps(json.loads(text), indent=2, ensure_ascii=False)
            print(told, file=out)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    except Fault as fault:
        return said(fault)
    return 0


@contextlib.contextmanager
def answers_only() -> Iterator[TextIO]:
    """Standard output for the answer; what a model prints, also from C, goes to standard error."""
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        try:
            yield out
        finally:
            sys.stdout.flush()
            os.dup2(out.fileno(), 1)


def loaded(folder: Path | None, module: str | None = None) -> Served:
    """The model of a folder, named after it, or an installed module from outside."""
    if folder is None:
        return modules.load(None, None, str(module))
    folder = folder.resolve()
    return load(folder, folder.name, Provision.of_environment())


def arguments(inputs: Iterable[str], signature: Taking) -> dict[str, Any]:
    """Arguments from `name=value` and `name=@file`."""
    files: dict[str, Any] = {}
    texts: dict[str, list[str]] = {}
    for each in inputs:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise BadInput(f"An input is name=value or name=@file (got {each!r}).")
        if value.startswith("@"):
            files[name] = file(name, value[1:], files.get(name))
        else:
            texts.setdefault(name, []).append(value)
    return forms.textual(texts.items(), signature) | files


def file(name: str, path: str, before: Any) -> Any:
    """A file that is named on the command line; several make a list."""
    if not Path(path).is_file():
        raise BadInput(f"The file for {name!r} does not exist: {path}")
    return Path(path) if before is None else [*(before if isinstance(before, list) else [before]), Path(path)]


def shortened(outgoing: Outgoing) -> dict[str, Any]:
    """A file as people can read it."""
    size = f"{len(outgoing.content)} bytes; --json prints them"
    return {
        "file": outgoing.name or outgoing.content_type,
        "contentType": outgoing.content_type,
        "size": size,
    }


def said(fault: Fault) -> int:
    """Say on stderr what went wrong; gives the exit code."""
    if isinstance(fault, Invalid):
        for name, messages in fault.fields.items():
            print(f"{name}: {' '.join(messages)}", file=sys.stderr)
        return 2
    print(f"{fault.phase}: {fault.message}", file=sys.stderr)
    return 1
