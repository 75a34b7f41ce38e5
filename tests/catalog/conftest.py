"""The models of the catalog in their real environments, run by the real shim."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from deepwhisk.environments import Environment, Environments, install_runtime
from deepwhisk.project.catalog import Model, read_model

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Installed:
    """A model with what it needs."""

    model: Model
    environment: Environment
    runtime: Path

    def command(self, verb: str, *arguments: str) -> list[str]:
        python = str(self.environment.python)
        return [python, "-m", "deepwhisk_runtime", verb, str(self.model.folder), *arguments]

    @property
    def variables(self) -> dict[str, str]:
        weights = self.environment.weights
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "PYTHONPATH": str(self.runtime),
            "PYTHONPYCACHEPREFIX": str(self.runtime / "bytecode"),  # nothing is left in the catalog
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **({"DEEPWHISK_WEIGHTS": str(weights)} if weights else {}),
        }

    def predict(self, given: Mapping[str, Any]) -> Any:
        """One prediction on the command line."""
        inputs = [
            f"{name}=@{each}" if isinstance(each, Path) else f"{name}={each}"
            for name, value in given.items()
            for each in (value if isinstance(value, list) else [value])
        ]
        flags = [word for each in inputs for word in ("-i", each)]
        done = subprocess.run(
            self.command("predict", "--json", *flags),
            capture_output=True,
            text=True,
            check=False,
            env=self.variables,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@dataclass(frozen=True)
class Serving:
    """A model behind its REST API."""

    address: str
    pid: int

    def predict(self, **given: Any) -> requests.Response:
        """Arguments as a form; a path is uploaded."""
        uploads = {
            name: (value.name, value.read_bytes()) for name, value in given.items() if isinstance(value, Path)
        }
        fields = {name: value for name, value in given.items() if name not in uploads}
        return requests.post(f"{self.address}predict/", data=fields, files=uploads, timeout=240)

    @property
    def peak(self) -> int:
        """The most memory it ever held, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) // 1024


@contextmanager
def serve(installed: Installed) -> Iterator[Serving]:
    command = installed.command("serve", "--port", "0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=installed.variables) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield Serving(line.split(" answers at ")[1].strip(), process.pid)
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def install(environment_cache: Path) -> Callable[[str], Installed]:
    """Make what a model of the catalog needs, once."""
    made: dict[str, Installed] = {}

    def install(name: str) -> Installed:
        if name not in made:
            model = read_model(ROOT / "catalog" / name, ROOT)
            environment = Environments(environment_cache).prepare(
                model.requirements, model.build, lambda line: None
            )
            made[name] = Installed(model, environment, install_runtime(environment_cache))
        return made[name]

    return install


@pytest.fixture(scope="session")
def served(install: Callable[[str], Installed]) -> Iterator[Callable[[str], Serving]]:
    """Serve a model of the catalog, once, until the tests end."""
    running: dict[str, Serving] = {}
    with ExitStack() as stack:

        def served(name: str) -> Serving:
            if name not in running:
                running[name] = stack.enter_context(serve(install(name)))
            return running[name]

        yield served


@pytest.fixture(scope="session")
def classifier(install: Callable[[str], Installed]) -> Iterator[Serving]:
    with serve(install("image-classification")) as serving:
        yield serving


@pytest.fixture(scope="session")
def identifier(install: Callable[[str], Installed]) -> Iterator[Serving]:
    with serve(install("language-identification")) as serving:
        yield serving
