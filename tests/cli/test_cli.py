"""The command line as such: every command explains itself, and every error is a sentence."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deepwhisk.cli import COMMANDS, cli
from fixtures.machine import run


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_that_teaches(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"])

    assert shown.exit_code == 0
    first = shown.output.partition("\n\n")[2].strip().partition("\n")[0]
    assert first.endswith((".", ":")) or len(first) > 20


def test_the_help_lists_every_command() -> None:
    shown = CliRunner().invoke(cli, ["--help"])

    assert all(f"\n  {name} " in shown.output for name in COMMANDS)


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(cli, ["serve"]).exit_code == 2


def test_no_endpoint_is_a_sentence_with_exit_code_2(tmp_path: Path) -> None:
    done = run("deploy", "--state", str(tmp_path), HOME=str(tmp_path))

    assert done.returncode == 2
    assert "deepwhisk up" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_endpoint_that_is_not_there_is_a_sentence_with_exit_code_1(tmp_path: Path) -> None:
    done = run("deploy", "--apihost", "http://127.0.0.1:9", "--auth", "a:b", "--state", str(tmp_path))

    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_any_endpoint_models_still_lists_the_catalog(tmp_path: Path) -> None:
    done = run("models", "--json", "--state", str(tmp_path), HOME=str(tmp_path))

    found = {model["name"]: model for model in json.loads(done.stdout)}
    assert not found["image-classification"]["deployed"]


def test_the_manifest_is_up_to_date() -> None:
    done = run("manifest", "--check")

    assert done.returncode == 0, done.stderr


def test_status_of_nothing_says_how_to_start(tmp_path: Path) -> None:
    done = run("status", "--state", str(tmp_path))
    told = run("status", "--json", "--state", str(tmp_path))

    assert (done.returncode, told.returncode) == (1, 1)
    assert "deepwhisk up" in done.stderr
    assert json.loads(told.stdout)["parts"] == []


def test_the_help_of_a_command_fits_its_line() -> None:
    shown = CliRunner().invoke(cli, ["--help"])

    assert "..." not in shown.output.partition("Commands:")[2]


def test_a_state_folder_that_cannot_be_made_is_a_sentence() -> None:
    done = run("up", "--port", "0", "--state", "/proc/nowhere")

    assert done.returncode == 2
    assert done.stderr.startswith("Error: The folder /proc/nowhere cannot be written to")


@pytest.mark.parametrize("words", [["new", "model", "mine"], ["manifest"]])
def test_nothing_is_written_outside_of_a_project(words: list[str], tmp_path: Path) -> None:
    done = run(*words, cwd=tmp_path)

    assert done.returncode == 1
    assert "deepwhisk new project" in done.stderr


def test_doctor_finds_what_is_needed(tmp_path: Path) -> None:
    done = run("doctor", "--json", "--state", str(tmp_path))

    findings = json.loads(done.stdout)
    assert done.returncode == 0
    assert all(finding["found"] for finding in findings if finding["needed"])
