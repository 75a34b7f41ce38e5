"""Fixtures that more than one part of the tests uses, and the rule that nothing is skipped in CI."""

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
