"""The laws of the house: imports go down only, modules say what they are, files stay small."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import deepwhisk

ROOT = Path(__file__).parent.parent
TOOL, SHIM = ROOT / "src" / "deepwhisk", ROOT / "runtimes" / "python" / "deepwhisk_runtime"
FILES = sorted([*TOOL.rglob("*.py"), *SHIM.rglob("*.py")])
CONTENT = [
    file for room in ("actions", "catalog", "triggers", "benchmarks") for file in (ROOT / room).rglob("*.py")
]
LINES = 250
STEPS = str(deepwhisk.__doc__).split(":\n")[-1].split("→")  # the law is written there
DEPTH = {room.strip(): depth for depth, rooms in enumerate(STEPS) for room in rooms.split(",")}


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: write absolute imports"
            module = str(node.module)
            yield from (f"{module}.{alias.name}" if module == "deepwhisk" else module for alias in node.names)


def room(file: Path) -> str:
    return file.relative_to(TOOL).parts[0].removesuffix(".py")


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("file", [file for file in FILES if file.is_relative_to(TOOL)], ids=named)
def test_imports_go_down_only(file: Path) -> None:
    own = room(file)
    for module in imported(file):
        package, _, rest = module.partition(".")
        other = rest.partition(".")[0]
        if package == "deepwhisk" and own != "__init__" and other != own:
            assert own in DEPTH, f"give the room {own!r} a place in the docstring of deepwhisk"
            assert DEPTH[own] < DEPTH[other], f"{own} imports {other}"


@pytest.mark.parametrize("file", [file for file in FILES if file.is_relative_to(SHIM)], ids=named)
def test_the_shim_imports_nothing_of_deepwhisk(file: Path) -> None:
    assert not [module for module in imported(file) if module.partition(".")[0] == "deepwhisk"]


@pytest.mark.parametrize("file", FILES, ids=named)
def test_a_module_says_what_it_is(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("file", [*FILES, *sorted(CONTENT)], ids=named)
def test_a_file_is_small(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LINES


def test_nothing_below_the_command_line_reads_the_environment() -> None:
    edges = {"cli", "__main__", "settings"}  # settings takes it as a default that only cli leaves out
    readers = [
        file
        for file in FILES
        if file.is_relative_to(TOOL) and room(file) not in edges and "os.environ" in file.read_text()
    ]
    assert readers == []


@pytest.mark.xdist_group("laws")
def test_tests_of_a_group_go_to_one_process(request: pytest.FixtureRequest) -> None:
    """A pytest that is newer than what pytest-xdist knows scatters them, and says nothing."""
    if not request.config.getoption("loadgroup", False):
        pytest.skip("tests run in one process: python -m pytest -n 2 --dist loadgroup")
    assert request.node.nodeid.endswith("@laws")
