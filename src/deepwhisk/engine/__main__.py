"""`python -m deepwhisk.engine --state DIR [--port N] [--cache DIR] …`: an engine, and nothing around it."""

import argparse
import logging
import shutil
import sys
from pathlib import Path

from deepwhisk.engine import Kinds, Limits, Node, ProcessPool, Service, serve
from deepwhisk.errors import ServiceError

LIMITS = {"machine": Limits.machine, "openwhisk": Limits.openwhisk}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deepwhisk.engine", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="where entities and activations are kept")
    parser.add_argument("--cache", type=Path, help="where environments and weights are kept (STATE/cache)")
    parser.add_argument("--port", type=int, default=3233, help="0 is any free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--durable", choices=("process", "power-loss"), default="process")
    parser.add_argument("--limits", choices=LIMITS, default="machine", help="what actions may ask for")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    cache = options.cache or options.state / "cache"
    limits, node = LIMITS[options.limits](), Node.found(shutil.which("node"))
    service = Service(
        options.state,
        options.port,
        options.host,
        limits,
        durable=options.durable,
        kinds=Kinds.here(node=node is not None),
    )
    try:
        serve(
            service,
            lambda address: ProcessPool(cache, address, node=node),
            lambda _: print("ready", flush=True),
        )
    except ServiceError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
