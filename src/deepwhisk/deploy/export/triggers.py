"""Entries of triggers and rules in an exported manifest."""

from collections.abc import Mapping
from typing import Any

from deepwhisk.deploy.export import saying
from deepwhisk.deploy.export.actions import component
from deepwhisk.deploy.export.saying import Said
from deepwhisk.deploy.feeding import FEED_DIGEST, OTHER_NAMES, Reading, Told
from deepwhisk.deploy.managed import values

NOT_INPUTS = ("name", "namespace")  # of what the feeds of Apache's alarms show


def trigger_entry(
    name: str, found: Mapping[str, Any], notes: dict[str, Any], reading: Reading | None, said: Said
) -> dict[str, Any]:
    where = f"trigger {name}"
    feed = notes.pop("feed", None)
    notes.pop(FEED_DIGEST, None)
    parameters = values(found.get("parameters"))
    if feed:
        if parameters:
            said.note(f"{where}: it has a feed and parameters of its own; a manifest gives all to the feed.")
        parameters = _fed(where, str(feed), Told.of(found), reading or Reading(), said)
    return {
        **({"feed": feed} if feed else {}),
        **_member("inputs", saying.inputs(parameters, where, said)),
        **_member("annotations", saying.annotations(notes, where, said)),
    }


def rule_entry(
    name: str, found: Mapping[str, Any], notes: Mapping[str, Any], namespace: str, said: Said
) -> dict[str, Any]:
    if found.get("status") == "inactive":
        said.note(f"rule {name}: it is inactive; a deployment makes it active.")
    trigger = component(_path(found["trigger"]), "", namespace)
    action = component(_path(found["action"]), "", namespace)
    return {
        "trigger": trigger,
        "action": action,
        **_member("annotations", saying.annotations(notes, f"rule {name}", said)),
    }


def _fed(where: str, feed: str, told: Told | None, reading: Reading, said: Said) -> dict[str, Any]:
    """What a feed was told, as it shows it; what it shows of those names alone where they are known."""
    if reading.state != "known" or (told is not None and not reading.shown(list(told.names)) and told.names):
        said.note(
            f"{where}: the feed {feed} does not say what it was told; write its inputs yourself"
            + (f": {', '.join(told.names)}." if told and told.names else ".")
        )
        return {}
    if told is not None:
        shown = reading.shown(list(told.names))
        missing = ", ".join(name for name in told.names if name not in shown)
        if missing:
            said.note(f"{where}: the feed {feed} does not show {missing}; write that yourself.")
        return shown
    names = {shown: told for told, shown in OTHER_NAMES.items()} if "/alarms/" in feed else {}
    return {
        names.get(key, key): value
        for key, value in reading.config.items()
        if value is not None and key not in NOT_INPUTS
    }


def _path(found: Mapping[str, str]) -> str:
    return f"/{found['path']}/{found['name']}"


def _member(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}
