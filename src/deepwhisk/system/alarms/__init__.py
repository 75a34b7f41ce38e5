"""Alarms and periodic utility.

Three feeds, one program: what they are bound to says which one asks, as in OpenWhisk's package. The
package's parameter `feed_url` is read by everybody who uses it, so it is an address and no secret.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepwhisk.system.action import KIND
from deepwhisk.system.alarms import feed

PARAMETERS = {"feed_url": "", "trigger_payload": ""}


@dataclass(frozen=True, slots=True)
class AlarmFeed:
    """One of the feeds; `required` and `optional` are what it takes."""

    name: str
    description: str
    required: str
    optional: tuple[str, ...]
    bound: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """What it is put with."""
        taken = [(self.required, True), *((name, False) for name in self.optional)]
        annotations = {
            "description": self.description,
            "parameters": [{"name": name, "required": required} for name, required in taken],
            "feed": True,
            "container-driver": "process",  # near the feed service, which listens on this machine alone
        }
        return {
            "exec": {"kind": KIND, "code": Path(feed.__file__).read_text(encoding="utf-8")},
            "annotations": [{"key": key, "value": value} for key, value in annotations.items()],
            "parameters": [{"key": key, "value": value} for key, value in self.bound.items()],
        }


ACTIONS = (
    AlarmFeed(
        "alarm",
        "Fire trigger when alarm occurs",
        "cron",
        ("timezone", "startDate", "stopDate", "maxTriggers", "strict"),
    ),
    AlarmFeed(
        "interval",
        "Fire trigger at specified interval",
        "minutes",
        ("startDate", "stopDate"),
        {"isInterval": True},
    ),
    AlarmFeed(
        "once", "Fire trigger once when alarm occurs", "date", ("deleteAfterFire",), {"fireOnce": True}
    ),
)
