"""The page docs/images.md runs as it stands there, on a registry and ports of its own."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deepwhisk.whisk import Whisk
from fixtures.docker import MODEL, DockerHost
from fixtures.engine import start_engine, stop_engine
from fixtures.machine import ROOT, TOOL

PAGE = (ROOT / "docs" / "images.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [line.removeprefix("$ ") for block in BLOCK.findall(PAGE) for line in block.splitlines()]


def test_every_command_is_one_that_is_tried() -> None:
    assert {command.split()[0] for command in commands()} == {"deepwhisk", "docker", "wsk"}


def test_its_commands_build_push_and_run(
    docker: DockerHost,
    registry: str,
    tmp_path: Path,
    environment_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    docker.base()
    shutil.copytree(ROOT / "catalog" / MODEL, tmp_path / "catalog" / MODEL)
    engine = start_engine(tmp_path / "state", environment_cache)
    whisk = Whisk(engine.apihost, engine.auth)
    told = {**os.environ, "DEEPWHISK_CACHE": str(tmp_path / "cache"), "SOURCE_DATE_EPOCH": ""}
    said = []
    for command in commands():
        here = command.replace("localhost:5000", registry).replace("127.0.0.1:5000:", "127.0.0.1::")
        if here.startswith("deepwhisk"):
            here = f"{TOOL}{here.removeprefix('deepwhisk')} --network host"
        if here.startswith("wsk action create"):
            whisk.put("actions", "language", {"exec": {"kind": "blackbox", "image": here.split()[-1]}})
        elif here.startswith("wsk"):
            text = here.split('"')[1]
            said.append(json.dumps(whisk.invoke("language", {"text": text}, result=True)))
        else:
            done = subprocess.run(
                ["bash", "-c", here], cwd=tmp_path, env=told, capture_output=True, text=True
            )
            assert done.returncode == 0, (command, done.stderr)
            said.append(done.stdout)
    docker("rm", "--force", said[3].strip())
    whisk.close()
    assert stop_engine(engine) == 0

    assert "@sha256:" in said[1]
    assert json.loads(said[2])["language"] == json.loads(said[4])["language"] == "de"
    assert json.loads(said[5])["org.opencontainers.image.licenses"] == "Apache-2.0"
