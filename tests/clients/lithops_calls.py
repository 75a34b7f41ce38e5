"""Calls through Lithops: its configuration on stdin, what came of each call on stdout, both as JSON.

A container that is a process has the packages that its zip asks for, and Lithops makes a zip that asks for
none: `requirements` in the configuration, if it is there, is put into that zip.
"""

import json
import sys
import zipfile
from typing import Any

import lithops
from lithops.serverless.backends.openwhisk import openwhisk


def double(x: int) -> int:
    return 2 * x


def total(results: list[int]) -> int:
    return sum(results)


def fail(x: int) -> int:
    raise LookupError(f"no {x} here")


def ask_for(requirements: str) -> None:
    """Let the zips that Lithops makes ask for packages."""
    make = openwhisk.utils.create_handler_zip

    def with_requirements(place: str, *arguments: Any) -> None:
        make(place, *arguments)
        with zipfile.ZipFile(place, "a") as archive:
            archive.writestr("requirements.txt", requirements)

    openwhisk.utils.create_handler_zip = with_requirements


def failure(executor: lithops.FunctionExecutor) -> str:
    try:
        executor.call_async(fail, 7).result()
    except LookupError as error:
        return str(error)
    return "nothing"


def main() -> None:
    config = json.load(sys.stdin)
    if requirements := config.pop("requirements", None):
        ask_for(requirements)
    out, sys.stdout = sys.stdout, sys.stderr
    with lithops.FunctionExecutor(config=config) as executor:
        called = executor.call_async(double, 21).result()
        mapped = executor.get_result(executor.map(double, [1, 2, 3, 4]))
        reduced = executor.get_result(executor.map_reduce(double, [1, 2, 3], total))
        raised = failure(executor)
        backend = executor.compute_handler.backend
        runtimes = [name for name, *_ in backend.list_runtimes()]
        backend.clean()
        told = {
            "called": called,
            "mapped": mapped,
            "reduced": reduced,
            "raised": raised,
            "runtimes": runtimes,
        }
        print(json.dumps({**told, "left": backend.list_runtimes()}), file=out)


if __name__ == "__main__":
    main()
