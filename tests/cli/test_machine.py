"""What `up` says to try next."""

import shlex
from pathlib import Path

from deepwhisk.cli.machine import first_call
from deepwhisk.project import read_project
from deepwhisk.scaffold import new_project
from fixtures.machine import Machine, until


def test_what_up_says_to_try_works_as_it_stands(machine: Machine) -> None:
    assert until(lambda: "Ctrl-C" in machine.said.read_text())
    said = [line.strip() for line in machine.said.read_text().splitlines()]
    command = next(line for line in said if line.startswith("deepwhisk predict"))

    answer = machine.tool(*shlex.split(command)[1:])

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout


def test_an_example_is_typed_as_the_command_line_takes_it(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    example = project / "catalog" / "mood" / "example"
    for file in example.iterdir():
        file.unlink()
    (example / "a.png").touch()
    (example / "one.json").write_text(
        '{"input": {"text": "how [bold]so", "pages": ["@a.png", "@a.png"], "tags": ["é"], "top": 3},'
        ' "expect": {}}'
    )

    words = shlex.split(first_call(read_project(project)))

    assert words[:3] == ["deepwhisk", "predict", "mood"]
    assert words[3::2] == ["-i"] * 5
    text, first, second, tags, top = words[4::2]
    assert (text, tags, top) == ("text=how [bold]so", 'tags=["é"]', "top=3")
    for page in (first, second):
        assert Path(page.removeprefix("pages=@")).samefile(example / "a.png")


def test_a_model_without_examples_and_a_project_without_models_say_how_to_begin(tmp_path: Path) -> None:
    project = new_project(tmp_path / "p")
    for file in (project / "catalog" / "mood" / "example").glob("*.json"):
        file.write_text("{")
    assert first_call(read_project(project)) == "deepwhisk predict NAME -i ARGUMENT=VALUE"

    (project / "catalog" / "mood").rename(tmp_path / "mood")
    assert first_call(read_project(project)) == "deepwhisk new model NAME"
