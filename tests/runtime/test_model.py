"""Reading a model folder without running it."""

from pathlib import Path

import pytest

from deepwhisk_runtime.model import NotAModel, Parameter, is_model, read

SOURCE = '''"""Names a flower.

And says how sure it is.
"""
raise RuntimeError("reading must not run this")
class Model:
    def load(self, artifact: Path | None, weights=None): ...
    def predict(self, image: Annotated[Path, "Photograph"], *, top: int = 5): ...
    def train(self, out: Path, epochs: int = 10): ...
'''


def folder_with(path: Path, source: str) -> Path:
    (path / "model.py").write_text(source)
    return path


def test_a_class_is_described_by_its_source(tmp_path: Path) -> None:
    found = read(folder_with(tmp_path, SOURCE))
    assert (found.title, found.text, found.is_class) == ("Names a flower.", "And says how sure it is.", True)
    assert found.predict == (
        Parameter("image", "Annotated[Path, 'Photograph']", None),
        Parameter("top", "int", "5"),
    )
    assert [each.name for each in found.load] == ["artifact", "weights"]
    assert found.train is not None
    assert found.train[1] == Parameter("epochs", "int", "10")


def test_a_bare_function_is_a_model(tmp_path: Path) -> None:
    found = read(folder_with(tmp_path, "def predict(text: str) -> str: return text"))
    assert (found.is_class, found.predict, found.train) == (False, (Parameter("text", "str", None),), None)


def test_a_static_predict_keeps_its_first_parameter(tmp_path: Path) -> None:
    found = read(folder_with(tmp_path, "class Model:\n    @staticmethod\n    def predict(text): ..."))
    assert [each.name for each in found.predict] == ["text"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("class Model:\n    def load(self): ...", "has no method `predict`"),
        ("x = 1", "there is no `class Model`"),
        ("class Model:\n    def predict(self", "line 2"),
        ("\0", "null bytes"),
    ],
)
def test_what_is_no_model_is_said_with_its_file(tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(NotAModel, match=r"model\.py") as caught:
        read(folder_with(tmp_path, source))
    assert said in str(caught.value)


def test_a_folder_without_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotAModel, match="is missing"):
        read(tmp_path)


def test_a_folder_with_main_is_a_plain_action(tmp_path: Path) -> None:
    assert is_model(folder_with(tmp_path, SOURCE))
    (tmp_path / "__main__.py").touch()
    assert not is_model(tmp_path)
