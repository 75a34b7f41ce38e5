"""Returns the input arguments, unchanged."""

from typing import Any

PARAMETERS: list[dict[str, Any]] = []
SAMPLE = ({"payload": "Five fuzzy felines frolic"}, {"payload": "Five fuzzy felines frolic"})


def main(args: dict[str, Any]) -> dict[str, Any]:
    return args
