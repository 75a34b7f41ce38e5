"""New models and projects work at once, and write over nothing."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from deepwhisk.errors import ProjectError
from deepwhisk.examples import differences, read_examples
from deepwhisk.manifest import Source, check_current, parse
from deepwhisk.project import read_project
from deepwhisk.scaffold import new_model, new_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return new_project(tmp_path / "garden")


def test_a_new_project_has_a_name_a_model_and_what_buckets_need(project: Path) -> None:
    found = read_project(project)
    assert found.name == "garden"
    assert [model.name for model in found.models] == ["mood"]
    assert [topic.name for topic in found.actions] == ["objects", "services", "training"]
    assert [topic.name for topic in found.feeds] == ["objects"]


def test_its_manifest_is_up_to_date_and_can_be_deployed(project: Path) -> None:
    check_current(read_project(project))
    entities = parse((project / "manifest.yaml").read_text(), Source("manifest.yaml", project)).entities
    assert {"models/mood", "objects/fetch", "feeds/objects"} <= {entity.name for entity in entities}


def test_state_stays_out_of_git(project: Path) -> None:
    assert ".deepwhisk/" in (project / ".gitignore").read_text()


def test_a_project_is_made_where_an_empty_folder_is(tmp_path: Path) -> None:
    assert (new_project(tmp_path) / "catalog" / "mood" / "model.py").is_file()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(ProjectError, match="is not empty"):
        new_project(tmp_path)
    with pytest.raises(ProjectError, match="is not empty"):
        new_project(tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_new_model_is_in_the_manifest(project: Path) -> None:
    folder = new_model(project, "iris-species")
    found = read_project(project)
    check_current(found)
    assert folder == project / "catalog" / "iris-species"
    assert found.model("iris-species").metadata["title"] == "Iris species"


def test_a_model_that_is_there_is_left_alone(project: Path) -> None:
    source = project / "catalog" / "mood" / "model.py"
    source.write_text("# mine\n")
    with pytest.raises(ProjectError, match="catalog/mood already"):
        new_model(project, "mood")
    assert source.read_text() == "# mine\n"


@pytest.mark.parametrize("name", ["Iris", "../x", "a/b", "", "ä", "a b", "a.http"])
def test_a_name_that_no_image_can_have_is_refused(project: Path, name: str) -> None:
    with pytest.raises(ProjectError, match="cannot name a model"):
        new_model(project, name)


def test_its_metadata_is_valid(project: Path) -> None:
    metadata = project / "catalog" / "mood" / "ai4-metadata.yml"
    command = [Path(sys.executable).with_name("ai4-metadata"), "validate", metadata]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_its_examples_give_the_expected_answers(project: Path) -> None:
    folder = project / "catalog" / "mood"
    module = ModuleType("mood")
    sys.modules["mood"] = module  # where dataclasses look for it
    exec((folder / "model.py").read_text(), module.__dict__)
    model = module.Model()
    model.load()
    examples = read_examples(folder)
    assert examples
    for example in examples:
        assert differences(example, vars(model.predict(**example.input))) == []
    del sys.modules["mood"]
