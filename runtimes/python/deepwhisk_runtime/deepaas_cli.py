"""`deepaas-cli`: one call of a model, with the commands and flags of DEEPaaS's own.

    deepaas-cli [--deepaas_method_output FILE] get_metadata|warm|predict|train --ARGUMENT VALUE …

The arguments are those of the model; a file is a path, a list is given by its argument several times.
"""

import argparse
import json
import mimetypes
import os
import sys
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from deepwhisk_runtime import forms
from deepwhisk_runtime.answers import Outgoing, encode
from deepwhisk_runtime.deepaas_run import MODEL
from deepwhisk_runtime.errors import Fault
from deepwhisk_runtime.served import JSON, Served, Taking
from deepwhisk_runtime.source import named
from deepwhisk_runtime.standalone import BadInput, answers_only, file, said, shortened

OUTPUT = "--deepaas_method_output"
HELD = "argument "  # before the name of an argument among the flags, where none of ours can be


def main(given: Sequence[str] | None = None) -> int:
    """Read the command line and do what it says."""
    words = list(sys.argv[1:] if given is None else given)
    before, _ = first().parse_known_args([each for each in words if each not in ("-h", "--help")])
    try:
        with answers_only() as out:
            service = named(before.model_name)
            flags = parser(service).parse_args(words)
            text = {"warm": warm, "predict": predict, "train": train}.get(flags.method, metadata)(
                service, flags
            )
            print(text, file=out)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    except Fault as fault:
        return said(fault)
    return 0


def first(add_help: bool = False) -> argparse.ArgumentParser:
    """The flags before the method."""
    made = argparse.ArgumentParser(
        "deepaas-cli",
        description=__doc__,
        allow_abbrev=False,
        add_help=add_help,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--model-name", "--deepaas_model_name", default=os.environ.get(MODEL), metavar="NAME")
    made.add_argument(OUTPUT, dest="output", type=Path, metavar="FILE", help="where the answer goes")
    for name in ("--deepaas_with_multiprocessing", "--nodeepaas_with_multiprocessing"):
        made.add_argument(name, action="store_true", help="taken, and without meaning here")
    return made


def parser(service: Served) -> argparse.ArgumentParser:
    """The command line of one model."""
    made = first(add_help=True)
    methods = made.add_subparsers(dest="method", metavar="get_metadata|warm|predict|train")
    methods.add_parser("get_metadata", help="what the model is; also without a method")
    methods.add_parser("warm", help="load the model, and say whether that works")
    add_arguments(methods.add_parser("predict", help="one prediction", allow_abbrev=False), service.signature)
    if service.training is not None:
        training = methods.add_parser("train", help="one training", allow_abbrev=False)
        add_arguments(training, service.training)
        if "out" not in service.training.names:
            training.add_argument("--out", type=Path, default=Path("trained"), help="(%(default)s)")
    return made


def add_arguments(made: argparse.ArgumentParser, signature: Taking) -> None:
    """The arguments of one function of the model."""
    required = signature.schema.get("required", ())
    for name, schema in signature.schema["properties"].items():
        kind = "FILE" if name in signature.files else str(schema.get("type", "value")).upper()
        about = str(schema.get("description", "")).replace("%", "%%")
        default = f"(default {schema['default']!r})".replace("%", "%%") if "default" in schema else ""
        must = "(required)" if name in required else default
        made.add_argument(
            f"--{name}", dest=HELD + name, action="append", metavar=kind, help=f"{about} {must}".strip()
        )


def given_to(signature: Taking, flags: argparse.Namespace) -> dict[str, Any]:
    """The arguments that the flags hold."""
    held = {name: texts for name in signature.names if (texts := getattr(flags, HELD + name, None))}
    files: dict[str, Any] = {}
    for name in signature.files:
        for path in held.pop(name, ()):
            files[name] = file(name, path, files.get(name))
    return forms.textual(held.items(), signature) | files


def metadata(service: Served, flags: argparse.Namespace) -> str:
    """What the model is."""
    told = {"id": service.name, "name": service.name, **service.told()}
    return written(json.dumps(told, indent=2, ensure_ascii=False), flags.output)


def warm(service: Served, flags: argparse.Namespace) -> str:
    """That the model is loaded, which it is by now."""
    return f"{service.name} was loaded in {service.counts.loaded_in:.2f} s"


def predict(service: Served, flags: argparse.Namespace) -> str:
    """The answer; one that is a file goes where the flags say, with the ending of its type."""
    output: Path | None = flags.output

    def hand_over(result: Any) -> str:
        if isinstance(result, Outgoing) and output is not None:
            return kept(result, output)
        place: Callable[[Outgoing], dict[str, Any]] = shortened if output is None else Outgoing.inline
        text = json.dumps(json.loads(encode(result, place)), indent=2, ensure_ascii=False)
        return written(text, output and ending(output, JSON))

    return service.predict(given_to(service.signature, flags), hand_over)


def train(service: Served, flags: argparse.Namespace) -> str:
    """The training, as the object that the REST API would tell at its end; each metrics is a line before."""
    assert service.training is not None, "else there is no such method"
    given, begun = given_to(service.training, flags), datetime.now()
    out = getattr(flags, "out", Path("trained"))
    out.mkdir(parents=True, exist_ok=True)
    result = service.train(given, out, lambda value: print(encode(value).decode(), file=sys.stderr))
    ended = datetime.now()
    told = {
        "date": str(begun),
        "args": {name: str(each) if isinstance(each, Path) else each for name, each in given.items()},
        "uuid": uuid.uuid4().hex,
        "status": "done",
        "result": {"output": result, "finish_date": str(ended), "duration": str(ended - begun)},
    }
    return written(json.dumps(json.loads(encode(told)), indent=2, ensure_ascii=False), flags.output)


def kept(result: Outgoing, output: Path) -> str:
    """Write a file that the model made; gives where."""
    path = ending(output, result.content_type)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(result.content)
    return str(path)


def written(text: str, output: Path | None) -> str:
    """Write a text, when it is to be in a file; gives what to print."""
    return text if output is None else kept(Outgoing((text + "\n").encode(), ""), output)


def ending(path: Path, content_type: str) -> Path:
    """A path with the ending of a type, which it gets when it has another."""
    kind = mimetypes.guess_extension(content_type) if content_type else None
    same = kind is None or mimetypes.guess_type(path.name)[0] == content_type
    return path if same else path.with_name(path.name + str(kind))


if __name__ == "__main__":
    sys.exit(main())
