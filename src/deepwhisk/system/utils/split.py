"""Splits a string into an array of strings."""

import re
from typing import Any

PARAMETERS = [
    {"name": "payload", "required": True, "type": "string", "description": "The string to split"},
    {
        "name": "separator",
        "required": False,
        "type": "string",
        "description": "The character, or characters, that separate the parts; a line's end if absent",
    },
]
SAMPLE = ({"payload": "one,two", "separator": ","}, {"lines": ["one", "two"], "payload": "one,two"})


def main(args: dict[str, Any]) -> dict[str, Any]:
    payload, separator = args.get("payload"), args.get("separator")
    if payload is None:
        return {"error": "payload is missing: the string to split."}
    text = str(payload)
    lines = text.split(str(separator)) if separator else re.split(r"\r?\n", text)
    return {"lines": lines, "payload": payload}
