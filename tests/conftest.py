"""Fixtures of many parts of the tests. Two rules: nothing is skipped in CI, what costs much is shared."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

pytest_plugins = [
    f"fixtures.{module.stem}"
    for module in sorted((Path(__file__).parent / "fixtures").glob("*.py"))
    if module.stem != "__init__"
]
pytest.register_assert_rewrite("fixtures")  # in whichever order they import each other

SHARED = ("machine", "slurm", "udocker", "docker")  # fixtures that cost much
LONG = 300


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long value is called by its length: a process gets the name of its test by its environment."""
    return f"{argname} of {len(val)}" if isinstance(val, str | bytes) and len(val) > LONG else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever uses the same of them runs in the same process; a group of its own goes before."""
    for item in items:
        used = [name for name in SHARED if name in getattr(item, "fixturenames", ())]
        if used and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(used[0]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI everything that tests need is there, so a skip hides a mistake. Go binaries are in no index."""
    report = yield
    if report.skipped and os.environ.get("CI") and not item.get_closest_marker("go_binary"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
