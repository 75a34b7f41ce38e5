"""How weights are made of checkpoints: of one that is known, read with care, always the same."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import uv

CATALOG = Path(__file__).parent.parent.parent / "catalog"
BUILD = CATALOG / "image-classification" / "build.py"
Run = Callable[[str], "subprocess.CompletedProcess[str]"]

# What each writes in the place of a checkpoint; `O` makes a pickle of what calls a function with arguments.
HEAD = """
import io, pickle, sys
sys.path.insert(0, {folder!r})
sys.dont_write_bytecode = True
import build

class O:
    def __init__(self, function, *arguments):
        self.call = function, arguments
    def __reduce__(self):
        return self.call

def checkpoint(windows, protocol=2):
    head = [pickle.dumps(each, protocol) for each in (build.MAGIC, 1001, {{}})]
    return io.BytesIO(b"".join([*head, windows, pickle.dumps([], protocol)]))
"""


@pytest.fixture(scope="module", params=["image-classification", "cosmic-rays"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run Python text in the environment of build.py, for each that reads a checkpoint."""
    return runner(CATALOG / request.param, tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def run_classifier(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same for what only the image classifier's has."""
    return runner(BUILD.parent, tmp_path_factory.mktemp("build"))


def runner(model: Path, folder: Path) -> Run:
    block = (model / "build.py").read_text().split("# ///\n")[0] + "# ///\n"

    def run(text: str) -> "subprocess.CompletedProcess[str]":
        script = folder / "script.py"
        script.write_text(block + HEAD.format(folder=str(model)) + text)
        command = [uv.find_uv_bin(), "run", "--quiet", "--no-project", "--script", str(script), str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(
    ("pickled", "named"),
    [
        ("pickle.dumps(O(__import__('os').system, 'touch {mark}'), 2)", "posix.system"),
        ("pickle.dumps(O(exec, 'open(chr(46))'), 2)", "__builtin__.exec"),
        ("pickle.dumps(O(exec, 'open(chr(46))'), 4)", "builtins.exec"),
        ("b'cos\\nsystem\\n(Vtouch {mark}\\ntR.'", "os.system"),
        ("b'(Vtouch {mark}\\nios\\nsystem\\n.'", "os.system"),
        ("b'cnumpy\\ndtype\\n.'", "numpy.dtype"),
        (
            "b'ctorch._utils\\n_rebuild_tensor_v2.__globals__\\n.'",
            "torch._utils._rebuild_tensor_v2.__globals__",
        ),
    ],
)
def test_a_checkpoint_that_asks_for_more_than_tensors_is_refused(
    run: Run, tmp_path: Path, pickled: str, named: str
) -> None:
    mark = tmp_path / "mark"
    done = run(f"build.read(checkpoint({pickled.format(mark=str(mark))}))")

    assert f"the checkpoint asks for {named}, which no tensor needs: refused" in done.stderr
    assert not mark.exists()


@pytest.mark.parametrize(
    "place", ["0, (3,), (1,)", "2, (1,), (1,)", "-1, (1,), (1,)", "0, (2,), (-1,)", "0, (0,), (1,)"]
)
def test_a_tensor_outside_its_numbers_is_refused(run_classifier: Run, place: str) -> None:
    done = run_classifier(f"build.window(build.Storage('0', build.np.dtype('<f4'), 2), {place})")

    assert "reaches outside its 2 numbers" in done.stderr


def test_a_checkpoint_that_is_cut_short_is_refused(run_classifier: Run) -> None:
    done = run_classifier("build.run(io.BytesIO(bytes(10)), build.Storage('0', build.np.dtype('<f4'), 2))")

    assert "the checkpoint is cut short" in done.stderr


def test_a_file_that_is_no_checkpoint_is_refused(run: Run) -> None:
    done = run("build.read(io.BytesIO(b'I1\\n.' * 5))")

    assert "the checkpoint begins with 1, not with" in done.stderr


def test_a_checkpoint_with_one_other_bit_is_not_read(run: Run, tmp_path: Path) -> None:
    tampered = tmp_path / "tampered.pth"
    tampered.write_bytes(b"x")

    done = run(f"build.verified(build.Path({str(tampered)!r}))")
    assert f"{tampered} has the SHA-256 {hashlib.sha256(b'x').hexdigest()}, not " in done.stderr


@pytest.mark.parametrize(
    ("model", "checkpoint"),
    [
        ("image-classification", "efficientnet-lite0-57934424.pth, sha256 579344248a93e230"),
        ("cosmic-rays", "ACS-WFC.pth, sha256 0075cef7a8b72f3e"),
    ],
)
def test_the_same_packages_give_the_same_bytes_and_say_what_was_read(
    tmp_path: Path, model: str, checkpoint: str
) -> None:
    build = CATALOG / model / "build.py"
    command = [uv.find_uv_bin(), "run", "--quiet", "--no-project", "--script", str(build)]
    first, second = (
        subprocess.run([*command, str(tmp_path / name)], capture_output=True, text=True, check=True).stdout
        for name in ("first", "second")
    )

    assert f"read {checkpoint}" in first
    assert second == first.replace(str(tmp_path / "first"), str(tmp_path / "second"))
    for made in (tmp_path / "second").iterdir():
        assert f"sha256 {hashlib.sha256(made.read_bytes()).hexdigest()}" in first
