"""Sorts an array."""

import re
from typing import Any

PARAMETERS = [
    {
        "name": "lines",
        "required": True,
        "type": "array",
        "description": "An array of strings, or one to split",
    },
    {
        "name": "separator",
        "required": False,
        "type": "string",
        "description": "What separates the lines of one string; a line's end if absent",
    },
]
SAMPLE = (
    {"lines": ["Over-ripe sushi,", "The Master", "Is full of regret."]},
    {"lines": ["Is full of regret.", "Over-ripe sushi,", "The Master"], "length": 3},
)


def main(args: dict[str, Any]) -> dict[str, Any]:
    lines, separator = args.get("lines", []), args.get("separator")
    if isinstance(lines, str):
        lines = lines.split(str(separator)) if separator else re.split(r"\r?\n", lines)
    if not isinstance(lines, list):
        return {"error": "lines must be an array of strings."}
    in_order = sorted(lines, key=str)
    return {"lines": in_order, "length": len(in_order)}
