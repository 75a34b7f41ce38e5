"""Entries of actions and sequences in an exported manifest."""

from collections.abc import Mapping
from typing import Any

from deepwhisk.deploy.actual import DEFAULT_LIMITS
from deepwhisk.deploy.export import saying
from deepwhisk.deploy.export.code import files_of
from deepwhisk.deploy.export.saying import Said
from deepwhisk.deploy.managed import promoted, values
from deepwhisk.manifest.limits import SET
from deepwhisk.manifest.names import DEFAULT
from deepwhisk.manifest.web import KEYS, WEB

BLACKBOX = "blackbox"
WORDS: dict[tuple[Any, ...], str] = {value: word for word, value in reversed(WEB.items())}


def action_entry(
    name: str, found: Mapping[str, Any], notes: dict[str, Any], common: Mapping[str, Any], said: Said
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """An action and the files that it names. `common` are the parameters of its package."""
    exec_, where = found["exec"], f"action {name}"
    path, files = files_of(name if "/" in name else f"{DEFAULT}/{name}", exec_)
    image = exec_.get("image") if exec_["kind"] == BLACKBOX else None
    web, notes = _web(notes)
    conductor = notes.pop("conductor", None) if notes.get("conductor") is True else None
    entry = {
        **({"function": path} if path else {}),
        **({"docker": image} if image else {"runtime": exec_["kind"]}),
        **({"main": exec_["main"]} if exec_.get("main") and path else {}),
        **({"web": web} if web else {}),
        **({"conductor": True} if conductor else {}),
        **_member("limits", _limits(found.get("limits", {}), where, said)),
        **_member("inputs", saying.inputs(_own(found, common, where, said), where, said)),
        **_member("annotations", saying.annotations(notes, where, said)),
    }
    return entry, files


def sequence_entry(
    name: str, found: Mapping[str, Any], notes: dict[str, Any], namespace: str, said: Said
) -> dict[str, Any]:
    where = f"sequence {name}"
    package = name.rpartition("/")[0]
    web, notes = _web(notes)
    if _limits(found.get("limits", {}), where, Said()):
        said.note(f"{where}: it has limits of its own, which a manifest cannot say.")
    steps = [component(path, package, namespace) for path in found["exec"].get("components", ())]
    return {
        "actions": ", ".join(steps),
        **({"web": web} if web else {}),
        **_member("annotations", saying.annotations(notes, where, said)),
    }


def component(path: str, package: str, namespace: str) -> str:
    """How an action is named in a package: bare where it is of the same one."""
    own = path.removeprefix(f"/{namespace}/")
    if own == path:
        return path
    inner, _, name = own.rpartition("/")
    return name if inner == package else f"/_/{own}"


def _web(notes: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The word for the three annotations of a web action, and the others."""
    three = tuple(notes.get(key) for key in KEYS)
    word = WORDS.get(three) if all(isinstance(value, bool) for value in three) else None
    kept = {key: value for key, value in notes.items() if word is None or key not in KEYS}
    return word or "", kept


def _limits(found: Mapping[str, Any], where: str, said: Said) -> dict[str, int]:
    if found.get("concurrency", 1) != 1 or "instances" in found:
        said.note(f"{where}: its concurrency is {found.get('concurrency')}, which a manifest cannot say.")
    return {
        theirs: found[ours]
        for theirs, (ours, _) in SET.items()
        if ours in found and found[ours] != DEFAULT_LIMITS[ours]
    }


def _own(found: Mapping[str, Any], common: Mapping[str, Any], where: str, said: Said) -> dict[str, Any]:
    """Its parameters without those of its package, among which a server shows them."""
    held = promoted(found)
    pairs = [pair for pair in found.get("parameters") or [] if pair not in held]
    if held:
        said.note(f"{where}: it serves a training, which is left out; a manifest says what was deployed.")
    for pair in pairs:
        if pair.get("init"):
            said.note(
                f"{where}: the parameter {pair['key']} is for its start alone, which a manifest cannot say."
            )
    shown = values(pairs)
    return {key: value for key, value in shown.items() if key not in common or common[key] != value}


def _member(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}
