"""What was collected becomes a manifest, as a value, and the files that it names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.deploy.export import saying
from deepwhisk.deploy.export.actions import action_entry, sequence_entry
from deepwhisk.deploy.export.collecting import Collected
from deepwhisk.deploy.export.saying import Said
from deepwhisk.deploy.export.triggers import rule_entry, trigger_entry
from deepwhisk.deploy.gateway import OWN_ROUTES
from deepwhisk.deploy.managed import MANAGED, values
from deepwhisk.deploy.routes import own_name
from deepwhisk.goyaml import dump
from deepwhisk.manifest import Api
from deepwhisk.manifest.making import VERSION
from deepwhisk.manifest.names import DEFAULT

HEADER = "# Exported by `deepwhisk export`.\n"
NOT_SAID = {MANAGED, OWN_ROUTES, "exec", "binding"}


@dataclass(frozen=True, slots=True)
class Export:
    """A manifest, the files that it names, and what is to be known of both."""

    text: str
    files: Mapping[str, bytes]
    notes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()  # where the values are that look like one
    environ: Mapping[str, str] = field(default_factory=dict)  # what `$NAME` of it means


def compose(collected: Collected, hide_secrets: bool = False) -> Export:
    """The manifest, in the order in which a person reads it."""
    said, files = Said(hide_secrets), dict[str, bytes]()
    packages: dict[str, dict[str, Any]] = {}
    for name, found in collected.of("packages").items():
        if not found.get("binding"):
            packages[name] = _package(name, found, said)
    for name, found in collected.of("packages").items():
        if found.get("binding"):
            home = packages.setdefault(next(iter(packages), DEFAULT), {})
            home.setdefault("dependencies", {})[name] = _binding(name, found, collected, said)
    for name, found in collected.of("actions").items():
        _add_action(name, found, packages, collected, said, files)
    _add_triggers(packages, collected, said)
    _add_routes(packages, collected)
    project = {"name": collected.project, "packages": packages}
    manifest = {"project": project} if collected.project else {"packages": packages}
    return Export(HEADER + dump(manifest), files, tuple(said.notes), tuple(said.secrets), said.environ)


def _package(name: str, found: Mapping[str, Any], said: Said) -> dict[str, Any]:
    where = f"package {name}"
    version = str(found.get("version") or VERSION)
    return {
        **({"version": version} if version != VERSION else {}),
        **({"public": True} if found.get("publish") else {}),
        **_member("inputs", saying.inputs(values(found.get("parameters")), where, said)),
        **_member("annotations", saying.annotations(_annotations(found), where, said)),
    }


def _binding(name: str, found: Mapping[str, Any], collected: Collected, said: Said) -> dict[str, Any]:
    """What a binding has of its own: a server shows it with the parameters of what it binds."""
    bound, where = found["binding"], f"package {name}"
    common = values(collected.providers.get(name, {}).get("parameters"))
    shown = values(found.get("parameters"))
    own = {key: value for key, value in shown.items() if key not in common or common[key] != value}
    namespace = "_" if bound["namespace"] == collected.namespace else bound["namespace"]
    return {
        "location": f"/{namespace}/{bound['name']}",
        **_member("inputs", saying.inputs(own, where, said)),
        **_member("annotations", saying.annotations(_annotations(found), where, said)),
    }


def _add_action(
    name: str,
    found: Mapping[str, Any],
    packages: dict[str, dict[str, Any]],
    collected: Collected,
    said: Said,
    files: dict[str, bytes],
) -> None:
    package, _, own = name.rpartition("/")
    place = packages.setdefault(package or DEFAULT, {})
    notes = _annotations(found)
    if found["exec"]["kind"] == "sequence":
        place.setdefault("sequences", {})[own] = sequence_entry(name, found, notes, collected.namespace, said)
        return
    common = values(collected.entities.get(("packages", package), {}).get("parameters"))
    entry, made = action_entry(name, found, notes, common, said)
    place.setdefault("actions", {})[own] = entry
    files.update(made)


def _add_triggers(packages: dict[str, dict[str, Any]], collected: Collected, said: Said) -> None:
    """Triggers and rules lie in no package; stock wskdeploy gives them bare names under `default`."""
    triggers = {
        name: trigger_entry(name, found, _annotations(found), collected.readings.get(name), said)
        for name, found in collected.of("triggers").items()
    }
    rules = {
        name: rule_entry(name, found, _annotations(found), collected.namespace, said)
        for name, found in collected.of("rules").items()
    }
    if triggers or rules:
        place = packages.setdefault(DEFAULT, {})
        place |= {**_member("triggers", triggers), **_member("rules", rules)}


def _add_routes(packages: dict[str, dict[str, Any]], collected: Collected) -> None:
    for api in collected.routes:
        package, _, action = own_name(api, collected.namespace).rpartition("/")
        apis = packages.setdefault(package or DEFAULT, {}).setdefault("apis", {})
        paths = _free_title(apis, api, action).setdefault(api.base, {}).setdefault(api.path, {})
        paths[action] = {"method": api.method, "response": api.response}


def _free_title(apis: dict[str, Any], api: Api, action: str) -> dict[str, Any]:
    """A manifest has one method of an action on one path under a title; others come under another title."""
    title, number = api.title or api.base, 1
    while action in apis.get(title, {}).get(api.base, {}).get(api.path, {}):
        number += 1
        title = f"{api.title or api.base} ({number})"
    place: dict[str, Any] = apis.setdefault(title, {})
    return place


def _annotations(found: Mapping[str, Any]) -> dict[str, Any]:
    said = values(found.get("annotations"))
    return {
        key: value
        for key, value in said.items()
        if key not in NOT_SAID and not (key == "provide-api-key" and value is False)
    }


def _member(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}
