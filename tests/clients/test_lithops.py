"""Lithops, which maps functions over data, through its own OpenWhisk backend and our store."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uv

from deepwhisk.objects.store import StoreSettings
from fixtures.engine import Engine
from fixtures.tls import Front

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


def test_functions_are_mapped_over_data(
    engine: Engine, https: Front, store_settings: StoreSettings, bucket: str, tmp_path: Path
) -> None:
    store = {
        "endpoint": store_settings.endpoint,
        "access_key_id": store_settings.access_key,
        "secret_access_key": store_settings.secret_key,
        "storage_bucket": bucket,
    }
    whisk = {
        "endpoint": https(urlsplit(engine.apihost).port or 80),
        "namespace": "guest",
        "api_key": engine.auth,
        "insecure": True,
        "runtime": "docker.io/deepwhisk/lithops",
        "runtime_memory": 512,
        "runtime_timeout": 60,
    }
    lithops = {"backend": "openwhisk", "storage": "minio", "monitoring": "storage", "log_level": "WARNING"}
    config = {"lithops": lithops, "openwhisk": whisk, "minio": store, "requirements": WORKER}

    assert through_lithops(config, tmp_path) == {
        "called": 42,
        "mapped": [2, 4, 6, 8],
        "reduced": 12,
        "raised": "no 7 here",
        "runtimes": ["docker.io/deepwhisk/lithops"],
        "left": [],
    }
