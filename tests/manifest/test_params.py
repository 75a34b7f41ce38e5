"""Values that the caller gives: they win over both files, for inputs that one of them has."""

from pathlib import Path
from typing import Any

import pytest

from deepwhisk.errors import ManifestError
from deepwhisk.manifest import Environ, Manifest, find_origin, parse

MANIFEST = """
project:
  name: x
  inputs: {shared: {type: string, value: $NOBODY}}
  packages:
    p:
      inputs: {name: of the package}
      dependencies: {u: {location: /whisk.system/utils, inputs: {separator: ","}}}
      triggers: {t: {inputs: {name: of the trigger, place: {type: string, required: true}, mine: 1}}}
"""
DEPLOYMENT = "packages: {p: {triggers: {t: {inputs: {name: deployed, added: 2}}}}}"


def parsed(folder: Path, **params: Any) -> Manifest:
    (folder / "manifest.yaml").write_text(MANIFEST)
    (folder / "deployment.yaml").write_text(DEPLOYMENT)
    origin = find_origin(folder, params=params)
    return parse(origin.text, origin.source(Environ()))


def parameters(manifest: Manifest, name: str) -> dict[str, Any]:
    body = next(entity.body for entity in manifest.entities if entity.name == name)
    return {pair["key"]: pair["value"] for pair in body["parameters"]}


def test_they_win_over_both_files(tmp_path: Path) -> None:
    found = parsed(tmp_path, name="Ada", place="Lugano", added="3", separator=";", shared="yes")
    assert parameters(found, "t") == {"name": "Ada", "place": "Lugano", "mine": 1, "added": "3"}
    assert parameters(found, "p") == {"shared": "yes", "name": "Ada"}
    assert parameters(found, "u") == {"separator": ";"}


def test_what_nobody_declares_is_not_sent(tmp_path: Path) -> None:
    found = parsed(tmp_path, place={"any": "value"}, unknown="1")
    assert parameters(found, "t") == {
        "name": "deployed",
        "place": {"any": "value"},
        "mine": 1,
        "added": 2,
    }
    assert found.unset == ("NOBODY",)


def test_a_deployment_file_of_another_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text("project: {name: x, packages: {p: {}}}")
    (tmp_path / "deployment.yaml").write_text("project: {name: y, packages: {p: {inputs: {a: 1}}}}")
    origin = find_origin(tmp_path)
    with pytest.raises(
        ManifestError, match=r"deployment.yaml: its project is 'y', and that of manifest.yaml is 'x'"
    ):
        parse(origin.text, origin.source(Environ()))


def test_a_deployment_file_has_the_same_grammar(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text("packages: {p: {}}")
    (tmp_path / "deployment.yaml").write_text("packages:\n  p:\n    input: {a: 1}")
    with pytest.raises(ManifestError, match=r"deployment.yaml:3: a package has no key 'input'"):
        find_origin(tmp_path).source(Environ())


def test_a_required_input_may_come_from_there(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest.yaml:9: trigger t: place must have a value"):
        parsed(tmp_path)
