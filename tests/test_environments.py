"""Environments made by the real uv, from a wheel made here."""

import multiprocessing
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deepwhisk.environments import (
    Environments,
    digest_of,
    install_runtime,
    normalized,
    runtime_requirements,
)
from deepwhisk.errors import EnvironmentFailed

BUILD = """
# /// script
# dependencies = ["tiny @ {wheel}"]
# ///
import pathlib, sys, tiny
pathlib.Path(sys.argv[1], "weights.txt").write_text(tiny.__name__)
"""


SCRIPT = "# /// script\n# dependencies = []\n# ///\n"


ASK_AT_ONCE = """
import sys, threading
from deepwhisk.environments import uv_program
sys.setswitchinterval(1e-6)
at_once, found = threading.Barrier(8), []
def ask():
    at_once.wait()
    found.append(uv_program())
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(found))
"""


def silent(line: str) -> None:
    return None


@pytest.fixture
def wheel(tmp_path: Path) -> str:
    """The URL of a distribution `tiny` with a module of the same name; every test has its own."""
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return path.as_uri()


def names(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_environments_that_are_made_at_once_all_find_uv() -> None:
    for _ in range(5):  # it is the first question of a process that went wrong, and not each time
        assert names(Path(sys.executable), ASK_AT_ONCE) == "8"


def test_requirements_are_installed_beside_those_of_the_runtime(environment_cache: Path, wheel: str) -> None:
    told: list[str] = []
    made = Environments(environment_cache).prepare(f"tiny @ {wheel}\n", None, told.append)

    assert names(made.python, "import tiny, flask, pydantic; print(tiny.__name__)") == "tiny"
    assert made.digest == made.python.parent.parent.name
    assert made.weights is None


def test_progress_is_told_line_by_line(environment_cache: Path, wheel: str) -> None:
    told: list[str] = []
    Environments(environment_cache).prepare(f"tiny @ {wheel}\n", None, told.append)

    assert any(line.startswith("Installed") for line in told)


def test_an_environment_that_is_there_is_not_made_again(environment_cache: Path) -> None:
    told: list[str] = []
    first = Environments(environment_cache).prepare("", None, told.append)
    second = Environments(environment_cache).prepare("# only a comment\n\n", None, told.append)

    assert first == second
    assert told == []


def test_order_comments_and_spaces_make_no_other_environment() -> None:
    assert digest_of("b\na  # why\n") == digest_of("\n# nothing\na\nb")
    assert digest_of("a") != digest_of("b")
    assert digest_of("") != digest_of("a")


def test_a_fragment_of_a_url_is_no_comment() -> None:
    assert normalized("a @ https://x/y#egg=a # why\n") == ["a @ https://x/y#egg=a"]


def test_a_failure_tells_what_uv_says_and_leaves_nothing(environment_cache: Path) -> None:
    with pytest.raises(EnvironmentFailed, match=r"requirements.txt cannot be installed(?s:.*)gone.whl"):
        Environments(environment_cache).prepare("gone @ file:///gone.whl\n", None, silent)

    digest = digest_of("gone @ file:///gone.whl")
    assert [path.suffix for path in (environment_cache / "environments").glob(f"*{digest}*")] == [".lock"]


def test_without_an_index_the_failure_says_what_to_do(environment_cache: Path) -> None:
    with pytest.raises(
        EnvironmentFailed, match=r"No package index could be reached: connect(?s:.*)UV_INDEX_URL"
    ):
        Environments(environment_cache).prepare(
            "--index-url http://127.0.0.1:1/simple\nno-such-thing-here\n", None, silent
        )


def test_what_failed_can_be_tried_again(environment_cache: Path, wheel: str, tmp_path: Path) -> None:
    late = tmp_path / "late" / "tiny-1.0-py3-none-any.whl"
    late.parent.mkdir()
    environments = Environments(environment_cache)
    with pytest.raises(EnvironmentFailed):
        environments.prepare(f"tiny @ {late.as_uri()}", None, silent)
    shutil.copy(wheel.removeprefix("file://"), late)

    assert environments.prepare(f"tiny @ {late.as_uri()}", None, silent).python.exists()


def test_half_of_an_environment_is_made_anew(environment_cache: Path, wheel: str) -> None:
    requirements = f"tiny @ {wheel}"
    home = environment_cache / "environments" / digest_of(requirements)
    left = home.with_name(f".{home.name}.5eed.new")
    (left / "bin").mkdir(parents=True, exist_ok=True)
    (left / "bin" / "python").write_text("half")

    assert Environments(environment_cache).prepare(requirements, None, silent).python.exists()
    assert not left.exists()


def test_an_environment_whose_interpreter_is_gone_is_made_anew(
    environment_cache: Path, tmp_path: Path
) -> None:
    environments = Environments(environment_cache)
    requirements = f"--no-binary {tmp_path.name.replace('_', '-')}\n"
    made = environments.prepare(requirements, None, silent)
    made.python.unlink()
    made.python.symlink_to(tmp_path / "uninstalled")

    assert environments.prepare(requirements, None, silent).python.exists()


def test_threads_that_want_the_same_make_it_once(environment_cache: Path, wheel: str) -> None:
    told: list[str] = []
    environments = Environments(environment_cache)
    threads = [
        threading.Thread(target=environments.prepare, args=(f"tiny @ {wheel}", None, told.append))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([line for line in told if line.startswith("Installed")]) == 1


def test_processes_that_want_the_same_make_it_once(environment_cache: Path, wheel: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    told = spawn.Queue()
    processes = [
        spawn.Process(target=_prepare, args=(environment_cache, f"tiny @ {wheel}", told)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    counts = [told.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()

    assert sum(counts) == 1


def _prepare(cache: Path, requirements: str, told: "multiprocessing.Queue[int]") -> None:
    lines: list[str] = []
    Environments(cache).prepare(requirements, None, lines.append)
    told.put(len([line for line in lines if line.startswith("Installed")]))


def test_weights_are_built_with_packages_of_their_own(environment_cache: Path, wheel: str) -> None:
    made = Environments(environment_cache).prepare("", BUILD.format(wheel=wheel), silent)

    assert made.weights is not None
    assert [path.name for path in made.weights.iterdir()] == ["weights.txt"]
    assert names(made.python, "import importlib.util as u; print(u.find_spec('tiny'))") == "None"


def test_weights_are_built_once(environment_cache: Path, wheel: str) -> None:
    build = BUILD.format(wheel=wheel)
    first = Environments(environment_cache).prepare("", build, silent).weights
    assert first is not None
    changed = (first / "weights.txt").stat().st_mtime_ns
    Environments(environment_cache).prepare("", build, silent)

    assert (first / "weights.txt").stat().st_mtime_ns == changed


def test_a_build_that_fails_tells_its_last_lines_and_leaves_nothing(tmp_path: Path) -> None:
    build = f"{SCRIPT}raise RuntimeError('no weights today')\n"
    with pytest.raises(EnvironmentFailed, match=r"build.py failed(?s:.*)no weights today"):
        Environments(tmp_path).prepare("", build, silent)

    assert [path.suffix for path in (tmp_path / "weights").iterdir()] == [".lock"]


def test_closing_ends_what_is_being_made(environment_cache: Path) -> None:
    environments = Environments(environment_cache)
    build = f"{SCRIPT}import time\nprint('building', flush=True)\ntime.sleep(60)\n"
    failures: list[EnvironmentFailed] = []

    def prepare() -> None:
        try:
            environments.prepare("", build, lambda line: started.set() if line == "building" else None)
        except EnvironmentFailed as failure:
            failures.append(failure)

    started = threading.Event()
    thread = threading.Thread(target=prepare)
    thread.start()
    assert started.wait(60)
    environments.close()
    thread.join(60)

    assert "stopped" in str(failures[0])


def test_a_build_that_does_not_end_is_ended(tmp_path: Path) -> None:
    # Its child keeps the output open, and is all that is left when the script has ended.
    build = f"{SCRIPT}import subprocess\nsubprocess.Popen(['sleep', '61.25'])\n"
    with pytest.raises(EnvironmentFailed, match="took longer than 3 s"):
        Environments(tmp_path, patience=3.0).prepare("", build, silent)

    assert b"sleep\x0061.25" not in b"".join(_command_lines())


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes()


def test_the_runtime_is_installed_alone_and_once(tmp_path: Path) -> None:
    first, second = install_runtime(tmp_path), install_runtime(tmp_path)

    assert first == second
    assert [path.name for path in first.iterdir()] == ["deepwhisk_runtime"]
    assert (first / "deepwhisk_runtime" / "zygote.py").exists()
    assert not list(first.rglob("__pycache__"))


def test_the_requirements_of_the_runtime_are_found() -> None:
    assert "pydantic" in runtime_requirements().read_text()
