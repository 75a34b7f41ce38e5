"""What was exported and is deployed again changes nothing."""

import base64
import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.deploy import Actual, Gateway, Order, apply, plan, plan_deployment, plan_removal
from deepwhisk.deploy.export import SECRETS, Chosen, Collected, Export, collect, compose, saying, write
from deepwhisk.deploy.export.saying import Said
from deepwhisk.errors import ProjectError, WhiskError
from deepwhisk.goyaml import dump
from deepwhisk.grammar import MANIFEST as GRAMMAR
from deepwhisk.grammar import read
from deepwhisk.manifest import Environ, find_origin
from deepwhisk.manifest.inputs import inputs
from deepwhisk.whisk import Whisk
from fixtures.engine import Engine
from fixtures.project import FEED, Deployment

EVERYTHING = """
project:
  name: NAME
  packages:
    NAME:
      version: 1.2.0
      public: true
      inputs:
        journal: FOLDER/journal
        memory: FOLDER/memory
        shared: from the package
      annotations: {description: "costs $${FIVE}", nested: {a: [1, null]}}
      dependencies:
        NAME-bound: {location: /_/NAME, inputs: {extra: 1}, annotations: {note: bound}}
      actions:
        feed: {function: feed.py, annotations: {feed: true}}
        text:
          function: text.py
          main: other
          web: true
          limits: {timeout: 30000, memorySize: 300, logSize: 5}
          inputs:
            number: 3
            float: 2.5
            yes: "yes"
            type: {type: string, value: integer}
            dollar: {type: json, value: '"$5"'}
            braces: "$${X}"
            described: {type: json, value: {value: 1}}
            list: [1, {a: b}]
            empty: {}
            apiToken: secret-value
            when: "2020-01-01"
          annotations: {require-whisk-auth: hush, final-words: "it's: done"}
        raw: {function: text.py, main: other, web: raw}
        hidden: {function: text.py, main: other, web: no}
        conductor: {function: text.py, main: other, conductor: true}
        folder: {function: folder, runtime: "python:default"}
        zipped: {function: ready.zip, runtime: "python:default"}
        image: {docker: me/image}
        imagecode: {function: script.sh, docker: me/image, main: run}
        routed: {function: text.py, main: other, web: true}
      sequences:
        line: {actions: "text, /_/NAME-loose, NAME/raw", web: raw, annotations: {note: 1}}
        outer: {actions: line}
      apis:
        Books:
          /NAME:
            "/books/{id}": {routed: {method: get, response: http}}
            /all: {line: {method: post, response: json}}
        Others:
          /NAME:
            /all: {routed: {method: get, response: http}}
    default:
      actions:
        NAME-loose: {code: "def main(args):\\n    return args\\n", runtime: "python:default"}
      sequences:
        NAME-single: {actions: NAME/text}
      triggers:
        NAME-t: {feed: NAME/feed, inputs: {bucket: b}, annotations: {note: fed}}
        NAME-plain: {inputs: {n: 1}, annotations: {note: plain}}
      rules:
        NAME-r: {trigger: NAME-t, action: NAME/line, annotations: {note: rule}}
        NAME-s: {trigger: NAME-plain, action: NAME-loose}
"""


@pytest.fixture
def everything(deployment: Deployment, tmp_path: Path) -> Deployment:
    (tmp_path / "text.py").write_text("def other(args):\n    return args\n")
    (tmp_path / "script.sh").write_text("#!/bin/sh\necho '{}'\n")
    (tmp_path / "folder" / "lib").mkdir(parents=True)
    (tmp_path / "folder" / "__main__.py").write_text("def main(args):\n    return {}\n")
    (tmp_path / "folder" / "lib" / "data.bin").write_bytes(bytes(range(256)))
    with zipfile.ZipFile(tmp_path / "ready.zip", "w") as archive:
        archive.writestr("__main__.py", "def main(args):\n    return {}\n")
        archive.writestr(".hidden", "a folder would lose this")
    deployment.text = EVERYTHING.replace("NAME", deployment.name).replace("FOLDER", str(tmp_path))
    return deployment


def exported(deployment: Deployment, hide: bool = False, **chosen: Any) -> Export:
    chosen = chosen or {"project": deployment.name}
    return compose(collect(Chosen(**chosen), deployment.whisk, Gateway(deployment.whisk)), hide)


def redeployed(folder: Path, whisk: Whisk, **environ: str) -> list[str]:
    """What deploying an export would change."""
    changes = plan_deployment(Order(find_origin(folder), environ), whisk)
    return [f"{change}: {change.fields}" for change in changes if change.verb != "keep"]


def test_everything_deployed_exported_and_deployed_again_is_no_change(
    everything: Deployment, tmp_path: Path
) -> None:
    everything.deploy()
    found = exported(everything)
    write(found, tmp_path / "out")

    assert read(found.text, "manifest.yaml", GRAMMAR)["project"]["name"] == everything.name
    assert redeployed(tmp_path / "out", everything.whisk) == []
    assert found.notes == ()
    assert exported(everything).text == found.text


def test_what_was_exported_makes_the_same_again_from_nothing(everything: Deployment, tmp_path: Path) -> None:
    everything.deploy()
    first = exported(everything)
    write(first, tmp_path / "out")
    everything.undeploy()
    apply(plan_deployment(Order(find_origin(tmp_path / "out"), {}), everything.whisk), everything.whisk)

    second = exported(everything)
    assert second.text == first.text
    assert second.files == first.files
    assert everything.whisk.invoke(f"{everything.name}/outer", {"a": 1}, result=True)["a"] == 1


def test_files_have_the_extension_of_their_language_and_a_zip_stays_one_where_it_must(
    everything: Deployment,
) -> None:
    everything.deploy()
    name = everything.name
    files = {path.removeprefix(f"{name}/"): content for path, content in exported(everything).files.items()}
    assert {"text.py", "folder/__main__.py", "folder/lib/data.bin", "zipped.zip", "imagecode.sh"} < set(files)
    assert files[f"default/{name}-loose.py"] == b"def main(args):\n    return args\n"
    assert files["folder/lib/data.bin"] == bytes(range(256))
    assert ".hidden" in zipfile.ZipFile(io.BytesIO(files["zipped.zip"])).namelist()
    assert files["feed.py"].decode() == FEED


def test_what_looks_like_a_secret_is_said_and_may_stay_out_of_the_manifest(
    everything: Deployment, tmp_path: Path
) -> None:
    everything.deploy()
    open_ = exported(everything)
    assert "secret-value" in open_.text
    assert f"action {everything.name}/text: apiToken" in open_.secrets

    hidden = exported(everything, hide=True)
    [value] = hidden.environ.values()
    assert value == "secret-value"
    assert "secret-value" not in hidden.text
    write(hidden, tmp_path / "out")
    assert (tmp_path / "out" / SECRETS).stat().st_mode & 0o077 == 0
    assert redeployed(tmp_path / "out", everything.whisk, **hidden.environ) == []
    assert redeployed(tmp_path / "out", everything.whisk) != []


def test_packages_alone_come_with_what_fires_them(everything: Deployment, tmp_path: Path) -> None:
    everything.deploy()
    name = everything.name
    found = exported(everything, packages=(name,))
    manifest = read(found.text, "manifest.yaml", GRAMMAR)
    assert set(manifest) == {"packages"}
    assert set(manifest["packages"]["default"]) == {"triggers", "rules"}
    assert set(manifest["packages"]["default"]["rules"]) == {f"{name}-r"}
    write(found, tmp_path / "out")
    assert redeployed(tmp_path / "out", everything.whisk) == []


def test_what_a_manifest_cannot_say_is_told(deployment: Deployment) -> None:
    deployment.deploy()
    name, whisk = deployment.name, deployment.whisk
    add = whisk.get("actions", f"{name}/add")
    pairs = [{"key": "nothing", "value": None}, {"key": "start", "value": 1, "init": True}]
    whisk.put("actions", f"{name}/add", {"exec": add["exec"], "parameters": pairs})
    whisk.request("POST", f"rules/{name}-r", {"status": "inactive"})
    notes = " ".join(exported(deployment).notes)
    assert "the parameter nothing is null" in notes
    assert "the parameter start is for its start alone" in notes
    assert f"rule {name}-r: it is inactive" in notes


def test_a_feed_that_shows_nothing_is_told(deployment: Deployment) -> None:
    deployment.deploy()
    (deployment.folder / "memory").unlink()
    [note] = exported(deployment).notes
    assert "does not say what it was told; write its inputs yourself: bucket" in note


def test_nothing_to_export_and_a_folder_that_is_not_empty_are_said(
    deployment: Deployment, tmp_path: Path
) -> None:
    with pytest.raises(WhiskError, match=f"nothing to export of {deployment.name}"):
        exported(deployment)
    with pytest.raises(ProjectError, match="is not empty"):
        write(Export("", {}), tmp_path)


@pytest.fixture
def whisk(engine: Engine) -> Iterator[Whisk]:
    whisk = Whisk(engine.apihost, engine.auth)
    yield whisk
    whisk.close()


RECORDED = Path(__file__).parents[1] / "data" / "wskdeploy"


@pytest.mark.parametrize("project", ["p1", "p3", "p4", "p5"])
def test_projects_of_wskdeploy_survive_the_way_out_and_back(
    project: str, whisk: Whisk, tmp_path: Path
) -> None:
    name = f"w{uuid.uuid4().hex[:8]}"
    order = Order(find_origin(RECORDED / project), {"NAME_OF_SOMEBODY": "Ada"}, name=name)
    try:
        apply(plan_deployment(order, whisk), whisk)
        write(compose(collect(Chosen(name), whisk, Gateway(whisk))), tmp_path / "out")
        assert redeployed(tmp_path / "out", whisk) == []
    finally:
        apply(plan_removal(order.manifest(), whisk), whisk)


def test_what_apache_openwhisk_answered_survives_the_way_out_and_back(tmp_path: Path) -> None:
    answers = json.loads((RECORDED / "p1" / "answers.json").read_text())
    entities = {(name.partition("/")[0], name.partition("/")[2]): body for name, body in answers.items()}
    write(compose(Collected("guest", "", entities)), tmp_path / "out")

    kinds = {"python": "python:3.11"}
    manifest = Order(find_origin(tmp_path / "out"), {}).manifest(kinds, frozenset(kinds.values()))
    changes = plan(manifest, Actual("guest", kinds, entities, entities))
    assert len(changes) == len(entities) == 15
    assert [(str(change), change.fields) for change in changes if change.verb != "keep"] == []


TEXTS = [
    "$5",
    "${X}",
    "a ${X} b",
    "$${X}",
    "${unbalanced",
    "integer",
    "",
    "n",
    "1e3",
    "0x1f",
    "~",
    "2020-01-01",
]
ODD_TEXTS = ["line\nline\n", " space ", "#", "a: b"]
OTHERS = [True, 0, 1.5, {"value": 1}, {"type": "x", "$y": "$Z"}, {}, [], [None]]


@pytest.mark.parametrize("value", [*TEXTS, *ODD_TEXTS, *OTHERS])
def test_a_value_is_read_back_as_it_is(value: Any) -> None:
    written = saying.inputs({"it": value}, "action a", Said())
    read_back = read(dump({"packages": {"p": {"inputs": written}}}), "m", GRAMMAR)["packages"]["p"]["inputs"]
    assert inputs(read_back, {}, Environ({"X": "no", "5": "no", "Z": "no"}), "m") == {"it": value}


def test_code_that_only_looks_like_base64_is_the_same_again(deployment: Deployment, tmp_path: Path) -> None:
    deployment.deploy()
    code = base64.b64encode(b"no zip at all").decode()
    deployment.whisk.put(
        "actions", f"{deployment.name}/odd", {"exec": {"kind": "blackbox", "image": "me/it", "code": code}}
    )
    found = exported(deployment, packages=(deployment.name,))
    assert found.files[f"{deployment.name}/odd.zip"] == b"no zip at all"
    write(found, tmp_path / "out")
    assert redeployed(tmp_path / "out", deployment.whisk) == []
    deployment.whisk.delete("actions", f"{deployment.name}/odd")
