"""Concatenates input into a string."""

from typing import Any

PARAMETERS = [
    {"name": "lines", "required": True, "type": "array", "description": "An array of strings to concatenate"}
]
SAMPLE = (
    {"lines": ["Over-ripe sushi,", "The Master"]},
    {"lines": ["Over-ripe sushi,", "The Master"], "payload": "Over-ripe sushi,\nThe Master"},
)


def main(args: dict[str, Any]) -> dict[str, Any]:
    lines = args.get("lines", [])
    if not isinstance(lines, list):
        return {"error": "lines must be an array of strings."}
    return {"lines": lines, "payload": "\n".join(map(str, lines))}
