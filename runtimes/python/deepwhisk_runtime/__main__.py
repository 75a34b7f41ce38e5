"""`python -m deepwhisk_runtime`: the container of an OpenWhisk action, or one model on its own.

python -m deepwhisk_runtime                                       /init and /run on port 8080
python -m deepwhisk_runtime serve FOLDER --port 5000              the model's REST API
python -m deepwhisk_runtime serve --module NAME                   … of an installed DEEPaaS module
python -m deepwhisk_runtime predict FOLDER -i top=3 -i image=@photo.jpg   one prediction
python -m deepwhisk_runtime serve | predict -i …                  … of the model that this image holds
python -m deepwhisk_runtime run …, cli …                          as deepaas-run and deepaas-cli
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from deepwhisk_runtime import door
from deepwhisk_runtime.held import held_model


def main(given: Sequence[str] | None = None) -> int:
    """Read the command line and do what it says."""
    words = list(sys.argv[1:] if given is None else given)
    if words[:1] in (["run"], ["cli"]):
        return deepaas(*words)
    flags = parser().parse_args(words)
    if flags.command is None:
        with door.listen(flags.host, flags.port) as listener:
            door.serve(listener)
        return 0
    if flags.folder is None and flags.module is None:
        flags.folder = held_model()
    if (flags.folder is None) == (flags.module is None):
        parser().error("name a FOLDER, or an installed module with --module NAME")
    return serve(flags) if flags.command == "serve" else predict(flags)


# What only a model on its own needs is not for the containers of actions to wait for.


def serve(flags: argparse.Namespace) -> int:
    """Serve a model."""
    from deepwhisk_runtime import serving, source  # noqa: PLC0415

    setting = serving.Setting(flags.host, flags.port, flags.state or serving.state())
    return serving.serve(partial(source.loaded, flags.folder, flags.module), setting)


def predict(flags: argparse.Namespace) -> int:
    """Print a prediction."""
    from deepwhisk_runtime import standalone  # noqa: PLC0415

    return standalone.predict(flags.folder, flags.module, flags.input, as_json=flags.json)


def deepaas(command: str, *words: str) -> int:
    """What DEEPaaS's own commands do."""
    if command == "run":
        from deepwhisk_runtime import deepaas_run  # noqa: PLC0415

        return deepaas_run.main(words)
    from deepwhisk_runtime import deepaas_cli  # noqa: PLC0415

    return deepaas_cli.main(words)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    layout = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser("python -m deepwhisk_runtime", description=__doc__, formatter_class=layout)
    made.add_argument("--host", default="0.0.0.0", help="address to listen on (%(default)s)")
    made.add_argument("--port", type=int, default=8080, help="port to listen on (%(default)s)")
    commands = made.add_subparsers(dest="command", metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve a model's REST API")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    serve.add_argument("--port", type=int, default=5000, help="port to listen on (%(default)s)")
    serve.add_argument("--state", type=Path, metavar="FOLDER", help="where trainings are kept")
    predict = commands.add_parser("predict", help="one prediction on the command line")
    predict.add_argument(
        "-i", "--input", action="append", default=[], metavar="NAME=VALUE", help="or NAME=@FILE"
    )
    for command in (serve, predict):
        command.add_argument("folder", type=Path, nargs="?")
        command.add_argument("--module", metavar="NAME", help="an installed module of deepaas.v2.model")
    predict.add_argument("--json", action="store_true", help="the whole answer on one line")
    return made


if __name__ == "__main__":
    sys.exit(main())
