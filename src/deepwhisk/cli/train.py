"""`deepwhisk train`: hand a training to the cluster, with its data, arguments and hardware."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from deepwhisk.cli import sweeps
from deepwhisk.cli.common import connect, err, print_json
from deepwhisk.cli.options import endpoint_options, json_option
from deepwhisk.cli.predict import _plain as plain
from deepwhisk.cli.takes import Takes, ask
from deepwhisk.cli.training_calls import Training, Trainings, short
from deepwhisk.cli.uploads import existing, upload
from deepwhisk.errors import SettingsError
from deepwhisk.settings import State

Command = TypeVar("Command", bound=Callable[..., Any])
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SLURM_TIME = re.compile(r"\d+(-\d{1,2}(:\d{2}){0,2})?|\d+:\d{2}(:\d{2})?")
DATA = re.compile(r"s3://[^/]+/.+")


def _megabytes(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """`4G`, `500M`, or megabytes."""
    if text is None:
        return None
    if not (said := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([MGT]?)i?B?", text, re.IGNORECASE)):
        raise click.BadParameter(f"{text!r} is no amount of memory: say 4G, 500M, or megabytes.")
    return round(float(said[1]) * {"": 1, "M": 1, "G": 1024, "T": 1024**2}[said[2].upper()])


def _time(_context: click.Context, _option: click.Parameter, text: str | None) -> int | str | None:
    """`2h` in seconds; Slurm's own words stay as they are."""
    if text is None:
        return None
    if said := re.fullmatch(r"(\d+)([smhd])", text):
        return int(said[1]) * UNITS[said[2]]
    if text.isdecimal():
        return int(text)
    if not SLURM_TIME.fullmatch(text):
        raise click.BadParameter(f"{text!r} is no time: say 90m (s, m, h, d), seconds, or 1-12:00:00.")
    return text


def resource_options(command: Command) -> Command:
    """What a training may have of a node; what is not said is as the model's metadata say."""
    for option in reversed(
        (
            click.option("--cpus", type=click.IntRange(min=1), help="Processors."),
            click.option("--memory", "memory_MB", metavar="SIZE", callback=_megabytes, help="4G, 500M, …"),
            click.option("--gpus", type=click.IntRange(min=0), help="GPUs; the CPU is used without."),
            click.option("--gpu-required", is_flag=True, default=None, help="Refuse to run without a GPU."),
            click.option("--time", callback=_time, metavar="TIME", help="At most so long: 90m, 1-12:00:00."),
            click.option("--partition", help="Slurm's partition, Kubernetes' queue."),
            click.option("--account", help="Whom the cluster is to charge."),
        )
    ):
        command = option(command)
    return command


@click.command()
@click.argument("name")
@click.option(
    "-i",
    "--input",
    "inputs",
    multiple=True,
    metavar="KEY=VALUE",
    help="An argument of the model's `train`; KEY=@FILE uploads a file; a KEY given again makes a list.",
)
@click.option("--data", metavar="S3URL", help="Data in the store: s3://BUCKET/KEY, or s3://BUCKET/PREFIX/.")
@click.option("--site", help="Only there: a site of `deepwhisk sites`. [default: the best that fits]")
@resource_options
@click.option(
    "--promote", metavar="RULE", help="When it serves: `on arrival`, `by hand`, `when accuracy >= current`."
)
@click.option(
    "--sweep",
    "swept",
    multiple=True,
    metavar="KEY=VALUES",
    help="One training for each: lr=0.1,0.01 or seed=1..4; given again, for each combination.",
)
@click.option("--follow", "-f", is_flag=True, help="Watch it until it is over.")
@json_option
@endpoint_options
def train(
    name: str,
    inputs: tuple[str, ...],
    swept: tuple[str, ...],
    follow: bool,
    as_json: bool,
    state: State,
    apihost: str | None,
    auth: str | None,
    **wanted: Any,
) -> None:
    """Train the model NAME; print the UUID of the training.

    The training goes to the best site that has what it needs, or waits for one. It goes on whatever becomes
    of this command; what it leaves becomes a new version of the model, as --promote or its metadata say.

    \b
    Examples:
      deepwhisk train handwritten-digits -i epochs=20 --follow
      deepwhisk train plankton -i images=@photos.zip --gpus 1 --time 2h
      deepwhisk train plankton --data s3://datasets/plankton/ --site cluster
      deepwhisk train handwritten-digits --sweep rate=0.1,0.01 --sweep seed=1..4
      deepwhisk train plankton -i images=@photos.zip --promote "when accuracy >= current"

    \b
    Then:
      deepwhisk trainings follow UUID    watch it (its first characters are enough)
      deepwhisk trainings compare …      the best of several
      deepwhisk promote UUID             let it serve
    """
    trainings = Trainings(connect(apihost, auth, state))
    begun = begin(trainings, name, inputs, swept, wanted)
    _tell(begun, as_json)
    if follow:
        from deepwhisk.cli.watching import watch  # noqa: PLC0415 — only who watches pays for it

        watch(trainings, [each["uuid"] for each in begun], as_json)


def begin(
    trainings: Trainings, model: str, inputs: tuple[str, ...], swept: tuple[str, ...], wanted: dict[str, Any]
) -> list[Training]:
    """The trainings that were accepted: one, or one for each combination of a sweep."""
    given, files = _read(inputs)
    combinations = sweeps.read(swept)
    if twice := sorted(given.keys() & (combinations or [{}])[0].keys()):
        raise SettingsError(f"{', '.join(twice)} is given by -i and by --sweep; give it once.")
    request = _request(model, wanted)
    takes = ask(trainings.whisk, model)
    for each in combinations or [{}]:
        _check(takes, {**given, **each}, files, request)
    request["files"] = upload(trainings.whisk, files) or None
    if not combinations:
        return [trainings.ask("submit", **request, arguments=given, via="cli")]
    return _sweep(trainings, request, given, combinations)


def _sweep(
    trainings: Trainings, request: dict[str, Any], given: dict[str, Any], combinations: list[dict[str, Any]]
) -> list[Training]:
    common = {"id": uuid.uuid4().hex, "of": len(combinations), "arguments": list(combinations[0])}
    begun = []
    for index, each in enumerate(combinations):
        place = {**common, "index": index}
        begun.append(
            trainings.ask("submit", **request, arguments={**given, **each}, via="sweep", sweep=place)
        )
    return begun


def _check(
    takes: Takes | None, given: dict[str, Any], files: dict[str, list[Path]], request: dict[str, Any]
) -> None:
    if takes is not None:
        takes.check(given, files, data=request["data"] is not None)


def _request(model: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """What does not differ between the trainings of a sweep."""
    data, site, promote = (wanted.pop(name) for name in ("data", "site", "promote"))
    if data is not None and not DATA.fullmatch(data):
        raise SettingsError(f"--data {data!r} is not s3://BUCKET/KEY or s3://BUCKET/PREFIX/.")
    resources = {name: value for name, value in wanted.items() if value is not None}
    return {"model": model, "data": data, "site": site, "promote": promote, "resources": resources or None}


def _read(inputs: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, list[Path]]]:
    """Plain arguments and files; what is given more than once is a list."""
    values: dict[str, list[Any]] = {}
    files: dict[str, list[Path]] = {}
    for item in inputs:
        key, separator, value = item.partition("=")
        if not separator or not key:
            raise SettingsError(f"-i {item!r} is not KEY=VALUE (or KEY=@FILE for a file).")
        if value.startswith("@"):
            files.setdefault(key, []).append(existing(key, value[1:]))
        else:
            values.setdefault(key, []).append(plain(value))
    return {key: each if len(each) > 1 else each[0] for key, each in values.items()}, files


def _tell(begun: list[Training], as_json: bool) -> None:
    """UUIDs for programs on standard output, what to do next for people beside it."""
    if as_json:
        print_json(begun if len(begun) > 1 else begun[0])
        return
    for each in begun:
        click.echo(each["uuid"])
    waiting = next((each["waiting"] for each in begun if each.get("waiting")), None)
    if waiting:
        err.print(waiting, style="yellow", markup=False)
    sweep = begun[0].get("sweep")
    after = f"compare --sweep {short(sweep['id'])}" if sweep else f"follow {short(begun[0]['uuid'])}"
    err.print(f"Accepted. See it with `deepwhisk trainings {after}`.", markup=False)
