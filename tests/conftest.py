"""Fixtures that more than one part of the tests uses."""

import importlib.util
from pathlib import Path

pytest_plugins = [
    f"fixtures.{module.stem}"
    for module in sorted((Path(__file__).parent / "fixtures").glob("*.py"))
    if module.stem != "__init__" and importlib.util.find_spec(f"fixtures.{module.stem}")
]
