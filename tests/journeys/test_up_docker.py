"""`up --driver docker`: all actions in containers of Docker, with the embedded store: event to result."""

import json
import shutil
from pathlib import Path

import pytest

from fixtures.docker import DockerHost
from fixtures.machine import ROOT, start, until

LENGTH = """
import urllib.request

def main(args):
    url = args["object"]["$object"]["url"]
    with urllib.request.urlopen(url) as found:
        return {"$event": args["$event"], "bytes": len(found.read()), "url": url}
"""
TRIGGER = """
feed: feeds/objects
inputs:
  bucket: texts
  payload: {argument: object, results: {bucket: lengths}}
rules:
  measure: sequences/measure
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Without a model: images of models take minutes."""
    (tmp_path / "project" / "catalog").mkdir(parents=True)
    for part in ("actions/objects.py", "actions/objects.yaml", "triggers/feeds"):
        target = tmp_path / "project" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, target)
    files = {
        "actions/length.py": LENGTH,
        "sequences/measure.yaml": "actions: objects/fetch, length/length, objects/store\n",
        "triggers/text.yaml": TRIGGER,
    }
    for name, text in files.items():
        (tmp_path / "project" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "project" / name).write_text(text)
    return tmp_path / "project"


def test_an_object_becomes_a_result(
    docker: DockerHost, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    machine = start(tmp_path, "--driver", "docker", project=project)
    try:
        store = machine.bucket_store("texts", "lengths")
        store.put("texts", "hello.txt", b"hello", content_type="text/plain")
        written = until(lambda: list(store.list("lengths")), 120)
        assert written, machine.tool("activations").stdout
        with store.get("lengths", written[0].key) as body:
            said = json.loads(body.read())
        assert said["result"]["bytes"] == 5
        assert not said["result"]["url"].startswith(machine.running.store)
    finally:
        assert machine.stop() == 0


def test_without_docker_it_says_so_and_starts_nothing(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    with pytest.raises(pytest.fail.Exception, match="Docker does not answer at"):
        start(tmp_path, "--driver", "docker", project=project)
