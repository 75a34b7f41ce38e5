"""Current date and time."""

from datetime import UTC, datetime
from typing import Any

PARAMETERS: list[dict[str, Any]] = []
SAMPLE: tuple[dict[str, Any], dict[str, Any]] = ({}, {"date": "2026-03-22T00:59:55.961Z"})


def main(args: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"date": now.replace("+00:00", "Z")}
