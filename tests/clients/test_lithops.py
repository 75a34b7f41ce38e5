"""Lithops, which maps functions over data, through its own OpenWhisk backend and our store."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uv

from deepwhisk.objects.store import StoreSettings
from fixtures.docker import PYTHON_IMAGE, DockerHost
from fixtures.engine import Engine, start_engine, stop_engine
from fixtures.fronts import Fronts

CALLS = Path(__file__).with_name("lithops_calls.py")
CLIENT = ("lithops==3.8.0", "boto3>=1.35,<2", "python-dateutil>=2.8,<3")
WORKER = "\n".join(
    ("cloudpickle", "paramiko", "pika", "ps-mem", "psutil", "pyyaml", "requests", "tabulate", "tblib", "tqdm")
)


def through_lithops(config: dict[str, Any], folder: Path) -> Any:
    """What its calls give; Lithops is installed by uv, apart from everything else."""
    command = [uv.find_uv_bin(), "run", "--quiet", "--no-project", "--python", sys.executable]
    command += [word for requirement in CLIENT for word in ("--with", requirement)]
    # requests takes a bundle of certificates of the environment for more than `insecure`.
    bundles = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PYTHONPATH", "VIRTUAL_ENV")
    variables = {name: value for name, value in os.environ.items() if name not in bundles}
    variables.setdefault("XDG_CACHE_HOME", str(Path.home() / ".cache"))  # of uv
    done = subprocess.run(
        [*command, "python", "-W", "ignore", str(CALLS)],
        input=json.dumps(config),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**variables, "TMPDIR": str(folder), "HOME": str(folder)},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def config(engine: Engine, fronts: Fronts, store: StoreSettings, bucket: str, runtime: str) -> dict[str, Any]:
    """What Lithops reads."""
    return {
        "lithops": {
            "backend": "openwhisk",
            "storage": "minio",
            "monitoring": "storage",
            "log_level": "WARNING",
        },
        "openwhisk": {
            "endpoint": fronts.https(urlsplit(engine.apihost).port or 80),
            "namespace": "guest",
            "api_key": engine.auth,
            "insecure": True,
            "runtime": runtime,
            "runtime_memory": 512,
            "runtime_timeout": 60,
        },
        "minio": {
            "endpoint": store.endpoint,
            "access_key_id": store.access_key,
            "secret_access_key": store.secret_key,
            "storage_bucket": bucket,
        },
    }


def results(runtime: str) -> dict[str, Any]:
    """What the calls of the script give."""
    return {
        "called": 42,
        "mapped": [2, 4, 6, 8],
        "reduced": 12,
        "raised": "no 7 here",
        "runtimes": [runtime],
        "left": [],
    }


def test_functions_are_mapped_over_data(
    engine: Engine, fronts: Fronts, store_settings: StoreSettings, bucket: str, tmp_path: Path
) -> None:
    runtime = "docker.io/deepwhisk/lithops"
    asked = config(engine, fronts, store_settings, bucket, runtime)

    assert through_lithops({**asked, "requirements": WORKER}, tmp_path) == results(runtime)


def test_an_image_of_its_own_runs_in_docker(
    docker: DockerHost,
    fronts: Fronts,
    store_settings: StoreSettings,
    bucket: str,
    environment_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dockerfile = f"FROM {PYTHON_IMAGE}\nUSER root\nRUN pip install --no-cache-dir {CLIENT[0]}\nUSER whisk\n"
    runtime = f"docker.io/{docker.build('tests/lithops:1', dockerfile)}"
    gateway = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
    store = replace(
        store_settings, endpoint=fronts.http(urlsplit(store_settings.endpoint).port or 80, gateway)
    )
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    engine = start_engine(tmp_path / "state", environment_cache)
    try:
        asked = config(engine, fronts, store, bucket, runtime)
        assert through_lithops(asked, tmp_path) == results(runtime)
    finally:
        stop_engine(engine)
