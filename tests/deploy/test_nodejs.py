"""Node.js in manifests: what they name is found in the server's own table of kinds, and runs there."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepwhisk.deploy import apply, plan
from deepwhisk.deploy.actual import default_kinds, read_actual
from deepwhisk.manifest import Environ, Manifest, Source, parse
from deepwhisk.whisk import Whisk
from fixtures.engine import Engine
from fixtures.node import needs_node

pytestmark = needs_node

MANIFEST = """
project:
  name: {package}
  packages:
    {package}:
      actions:
        plain: {{function: hello.js}}
        default: {{function: hello.js, runtime: "nodejs:default"}}
        family: {{function: hello.js, runtime: nodejs}}
        exact: {{function: hello.js, runtime: "nodejs:20", main: lib.hello}}
        folder: {{function: module, runtime: "nodejs:default"}}
        inline: {{runtime: "nodejs:default", code: "exports.main = (a) => ({{got: a.x}})"}}
"""
HELLO = "const lib = {hello: (a) => ({got: a.x})}; const main = lib.hello;"


@pytest.fixture
def whisk(engine: Engine) -> Iterator[Whisk]:
    whisk = Whisk(engine.apihost, engine.auth)
    yield whisk
    whisk.close()


@pytest.fixture
def package(whisk: Whisk) -> Iterator[str]:
    name = f"js{uuid.uuid4().hex[:8]}"
    yield name
    whisk.delete("packages", name, force=True)


@pytest.fixture
def manifest(whisk: Whisk, package: str, tmp_path: Path) -> Manifest:
    (tmp_path / "hello.js").write_text(HELLO)
    (tmp_path / "module" / "lib").mkdir(parents=True)
    (tmp_path / "module" / "package.json").write_text('{"main": "lib/start.js"}')
    (tmp_path / "module" / "lib" / "start.js").write_text("exports.main = (a) => ({got: a.x})")
    source = Source("manifest.yaml", tmp_path, Environ(), default_kinds(whisk.about()["runtimes"]))
    return parse(MANIFEST.format(package=package), source)


def test_every_spelling_becomes_the_kind_and_runs(whisk: Whisk, manifest: Manifest, package: str) -> None:
    apply(plan(manifest, read_actual(whisk, manifest, default_kinds(whisk.about()["runtimes"]))), whisk)

    names = ("plain", "default", "family", "exact", "folder", "inline")
    kinds = {whisk.get("actions", f"{package}/{name}")["exec"]["kind"] for name in names}
    answers = [whisk.invoke(f"{package}/{name}", {"x": 1}, result=True) for name in names]

    assert kinds == {"nodejs:20"}
    assert answers == [{"got": 1}] * len(names)


def test_a_second_deployment_changes_nothing(whisk: Whisk, manifest: Manifest) -> None:
    apply(plan(manifest, read_actual(whisk, manifest, default_kinds(whisk.about()["runtimes"]))), whisk)

    again = plan(manifest, read_actual(whisk, manifest, default_kinds(whisk.about()["runtimes"])))

    assert {change.verb for change in again} == {"keep"}
