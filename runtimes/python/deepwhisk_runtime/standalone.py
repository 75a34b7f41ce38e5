"""A model without OpenWhisk: one prediction on the command line."""

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from deepwhisk_runtime import forms
from deepwhisk_runtime.answers import Outgoing, encode
from deepwhisk_runtime.errors import Fault, Invalid
from deepwhisk_runtime.served import Taking
from deepwhisk_runtime.source import loaded


class BadInput(ValueError):
    """Raised when an input on the command line is none; says what it should look like."""


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
