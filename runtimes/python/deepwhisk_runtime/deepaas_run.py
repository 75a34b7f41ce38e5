"""`deepaas-run`: serve a model with the flags of DEEPaaS's own command.

A model is a folder with `model.py`, or an installed package with an entry point in `deepaas.v2.model`.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from deepwhisk_runtime import serving
from deepwhisk_runtime.source import named

MODEL = "DEEPAAS_V2_MODEL"
SWITCHES = {
    "warm": (True, "load the model before the first request"),
    "train-endpoint": (True, "answer trainings"),
    "predict-endpoint": (True, "answer predictions"),
    "debug-endpoint": (False, "show at /v2/debug/ what the model prints"),
    "doc-endpoint": (True, "show Swagger UI at /ui"),
}


def main(given: Sequence[str] | None = None) -> int:
    """Read the command line and serve."""
    flags = parser("deepaas-run").parse_args(given)
    return serving.serve(partial(named, flags.model_name), setting(flags))


def parser(program: str) -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(program, description=__doc__, allow_abbrev=False)
    made.add_argument("--listen-ip", default="127.0.0.1", metavar="IP", help="(%(default)s)")
    made.add_argument("--listen-port", default=5000, type=int, metavar="PORT", help="(%(default)s)")
    made.add_argument(
        "--model-name",
        default=os.environ.get(MODEL),
        metavar="NAME",
        help=f"an installed module or a folder; else ${MODEL}, this folder, or the only module there is",
    )
    add_common(made)
    return made


def add_common(made: argparse.ArgumentParser) -> None:
    """The flags of all commands that serve."""
    made.add_argument("--base-path", default="", metavar="PATH", help="what all paths begin with")
    made.add_argument("--workers", "-p", default=1, type=int, metavar="N", help="processes (%(default)s)")
    made.add_argument(
        "--client-max-size",
        default=serving.LARGEST,
        type=int,
        metavar="BYTES",
        help="of a request; 0: no limit (%(default)s)",
    )
    made.add_argument(
        "--state", default=serving.state(), type=Path, metavar="FOLDER", help="of trainings (%(default)s)"
    )
    for name, (default, about) in SWITCHES.items():
        dest = name.replace("-", "_")
        made.add_argument(f"--{name}", dest=dest, action="store_true", default=default, help=about)
        made.add_argument(f"--no{name}", f"--no-{name}", dest=dest, action="store_false", help="or not")


def setting(flags: argparse.Namespace) -> serving.Setting:
    """What the flags say."""
    return serving.Setting(
        host=flags.listen_ip,
        port=flags.listen_port,
        state=flags.state,
        base=flags.base_path,
        workers=flags.workers,
        warm=flags.warm,
        predict=flags.predict_endpoint,
        train=flags.train_endpoint,
        docs=flags.doc_endpoint,
        debug=flags.debug_endpoint,
        largest=flags.client_max_size,
    )


if __name__ == "__main__":
    sys.exit(main())
