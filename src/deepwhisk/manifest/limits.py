"""The limits of an action, as its body says them.

wskdeploy knows three that can be set; it drops a value that is too small, and leaves one that is too large to
the server.
"""

from collections.abc import Mapping
from typing import Any

from deepwhisk.manifest.source import Source

SET = {"timeout": ("timeout", 100), "memorySize": ("memory", 128), "logSize": ("logs", 0)}


def limits(found: Mapping[str, Any], source: Source, what: str) -> dict[str, int]:
    """The limits that are sent; what is not is a warning."""
    sent = {}
    for key, value in found.items():
        where = source.at(found, key, what)
        if key not in SET:
            source.warn(where, f"the limit {key} belongs to the server, and no client sets it.")
        elif value is not None and value < SET[key][1]:
            source.warn(
                where, f"the limit {key} is {value}, less than the least ({SET[key][1]}); it is left out."
            )
        elif value is not None:
            sent[SET[key][0]] = value
    return sent
