"""`deepwhisk predict`: ask a model, deployed or in a folder, and show its answer."""

import base64
import json
import mimetypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from deepwhisk.cli import links
from deepwhisk.cli.common import connect, err, out, print_json
from deepwhisk.cli.options import endpoint_options, json_option
from deepwhisk.environments import Environment, Environments, install_runtime
from deepwhisk.errors import PredictionFailed, SettingsError, WhiskError, WhiskUnreachable
from deepwhisk.project import Project
from deepwhisk.settings import State, cache_folder
from deepwhisk.whisk import Whisk

INLINE_BYTES = 256 * 1024  # a larger file travels as a reference: messages carry at most 1 MB
NOT_FOUND = 404
SAID = (1, 2)  # how the program that runs a folder ends when it has said on standard error what was wrong


@click.command()
@click.argument("name")
@click.option(
    "-i",
    "--input",
    "inputs",
    multiple=True,
    metavar="KEY=VALUE",
    help="An argument; KEY=@FILE sends a file; a KEY given again makes a list.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where a file answered goes."
)
@click.option("--local", is_flag=True, help="Run the folder catalog/NAME here, without any endpoint.")
@json_option
@endpoint_options
def predict(
    name: str,
    inputs: tuple[str, ...],
    output: Path | None,
    local: bool,
    as_json: bool,
    state: State,
    apihost: str | None,
    auth: str | None,
) -> None:
    """Ask the model NAME and print its answer.

    \b
    Examples:
      deepwhisk predict language-identification -i text="Wie spät ist es?"
      deepwhisk predict image-classification -i image=@photo.jpg -i top=3
      deepwhisk predict image-classification -i image=@photo.jpg --local
    """
    if local:
        answer = _ask_folder(name, inputs)
    else:
        whisk = connect(apihost, auth, state)
        answer = ask(whisk, name, _gathered(_arguments(inputs, whisk)))
    _show(answer, output, as_json)


def ask(whisk: Whisk, name: str, arguments: dict[str, Any]) -> Any:
    """The answer of a deployed model. Raises PredictionFailed with the model's own sentence."""
    try:
        activation = whisk.invoke(f"models/{name}", arguments)
    except WhiskUnreachable:
        raise
    except WhiskError as error:
        raise PredictionFailed(_said(error, name, whisk.apihost)) from error
    if isinstance(activation, list):  # OpenWhisk answers with a list as it is, without its activation
        return activation
    if "response" not in activation:
        raise PredictionFailed(
            f"{name} has not answered yet; ask for its activation: {activation.get('activationId')}"
        )
    return activation["response"]["result"]


def _said(error: WhiskError, name: str, apihost: str) -> str:
    """What the model said of its failure, where, and in which activation; else the endpoint's words."""
    if error.status == NOT_FOUND:
        return f"No model {name} is deployed at {apihost}; see `deepwhisk models`, or `deepwhisk deploy` it."
    response = error.body.get("response", {}) if isinstance(error.body, dict) else {}
    said = response.get("result", {}).get("error") if isinstance(response, dict) else None
    if not isinstance(said, dict):
        return str(error)
    where = f"phase {said.get('phase')}, activation {said.get('activation')}"
    cause = said.get("cause") if said.get("phase") == "environment" else None
    return f"{cause or said.get('message')} ({where})"


def _arguments(inputs: tuple[str, ...], whisk: Whisk) -> Iterator[tuple[str, Any]]:
    for item in inputs:
        key, separator, value = item.partition("=")
        if not separator or not key:
            raise SettingsError(f"-i {item!r} is not KEY=VALUE (or KEY=@FILE for a file).")
        yield key, argument(whisk, Path(value[1:])) if value.startswith("@") else _plain(value)


def _gathered(arguments: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    """What is given more than once is a list."""
    given: dict[str, list[Any]] = {}
    for key, value in arguments:
        given.setdefault(key, []).append(value)
    return {key: values if len(values) > 1 else values[0] for key, values in given.items()}


def _plain(text: str) -> Any:
    """Lists and objects may be written as JSON; anything else is left to the model's own types."""
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def argument(whisk: Whisk, path: Path) -> dict[str, Any]:
    """A file as a model's argument: its bytes when small, else a reference to an upload."""
    if not path.is_file():
        raise SettingsError(f"There is no file {path}; give -i KEY=@FILE an existing one.")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if path.stat().st_size <= INLINE_BYTES:
        content = base64.b64encode(_content(path)).decode()
        return {"$bytes": content, "contentType": kind, "filename": path.name}
    link = whisk.invoke(
        "objects/link", {"name": path.name, "contentType": kind, "size": path.stat().st_size}, result=True
    )
    links.put(link["put"]["url"], link["put"].get("headers") or {}, path)
    return dict(link["reference"])


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise links.unreadable(path, error) from error


def _ask_folder(name: str, inputs: tuple[str, ...]) -> Any:
    model = Project.find(Path.cwd()).model(name)
    with err.status("Making the environment …") as shown:
        environment = Environments(cache_folder()).prepare(
            model.requirements, model.build, lambda phase: shown.update(f"{phase} …")
        )
    arguments = [part for item in inputs for part in ("-i", item)]
    done = subprocess.run(
        [
            str(environment.python),
            "-m",
            "deepwhisk_runtime",
            "predict",
            str(model.folder),
            "--json",
            *arguments,
        ],
        env=_variables(environment),
        stdout=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is for the tool, which ends the model
        check=False,
    )
    if done.returncode in SAID:
        sys.exit(done.returncode)
    if done.returncode:
        raise PredictionFailed(f"The model's process ended with {done.returncode} and said nothing of it.")
    return json.loads(done.stdout)


def _variables(environment: Environment) -> dict[str, str]:
    """The environment of a container, as far as one folder alone needs it."""
    added = {"PYTHONPATH": str(install_runtime(cache_folder())), "OMP_NUM_THREADS": "1"}
    weights = {"DEEPWHISK_WEIGHTS": str(environment.weights)} if environment.weights else {}
    return {**os.environ, **added, **weights}


def _show(answer: Any, output: Path | None, as_json: bool) -> None:
    if output is not None:
        _save(answer, output)
    if as_json:
        print_json(answer)
    elif _are_bars(answer):
        _show_bars(answer["labels"], answer["probabilities"])
    else:
        print_json(answer)


def _are_bars(answer: Any) -> bool:
    """Whether an answer is labels with their probabilities."""
    if not isinstance(answer, dict):
        return False
    labels, numbers = answer.get("labels"), answer.get("probabilities")
    return isinstance(labels, list) and isinstance(numbers, list) and all(map(_is_share, numbers))


def _is_share(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def _show_bars(labels: list[Any], probabilities: list[float]) -> None:
    for label, probability in zip(labels, probabilities, strict=False):
        bar = "█" * round(30 * probability)
        out.print(f"{probability:7.2%}  {escape(str(label))}  [blue]{bar}[/]")


def _save(answer: Any, output: Path) -> None:
    if not isinstance(answer, dict) or not {"$bytes", "$object"} & answer.keys():
        raise SettingsError("The answer is not a file, so there is nothing for --output.")
    try:
        if "$bytes" in answer:
            output.write_bytes(base64.b64decode(answer["$bytes"]))
        else:
            links.get(answer["$object"]["url"], output)
    except OSError as error:
        raise SettingsError(f"{output} cannot be written: {error.strerror}.") from error
    err.print(f"Wrote {output} ({output.stat().st_size:,} bytes).", markup=False)
