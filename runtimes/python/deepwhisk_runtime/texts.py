"""Objects that stand where a text or a value is wanted: a reference becomes what the object holds.

So an event of a bucket reaches models that take no file: a text is the object's text, a list its lines or its
JSON, a number what it says. Law: a parameter that takes any object is left what it is given.
"""

from collections.abc import Mapping
from typing import Any

from deepwhisk_runtime.arguments import Unusable, referred
from deepwhisk_runtime.errors import Invalid
from deepwhisk_runtime.forms import one, read
from deepwhisk_runtime.served import Taking

LARGEST = 8 * 1024 * 1024  # bytes


def resolved(given: Mapping[str, Any], signature: Taking) -> Mapping[str, Any]:
    """The arguments; Invalid names the objects that hold no text."""
    wanted = {name: value["$object"] for name, value in given.items() if is_wanted(name, value, signature)}
    taken, faults = dict(given), {}
    for name, reference in wanted.items():
        try:
            taken[name] = value_of(text_of(reference), signature.kinds[name])
        except Unusable as error:
            faults[name] = error
    if faults:
        transient = all(fault.transient for fault in faults.values())
        raise Invalid({name: [str(fault)] for name, fault in faults.items()}, transient=transient)
    return taken if wanted else given


def is_wanted(name: str, value: Any, signature: Taking) -> bool:
    """Whether a value is a reference, and what it refers to is wanted in its place."""
    refers = type(value) is dict and isinstance(value.get("$object"), dict)
    kinds = signature.kinds.get(name)  # none: anything
    return bool(refers and kinds and "object" not in kinds and name not in signature.files)


def text_of(reference: dict[str, Any]) -> str:
    """What an object holds."""
    with referred(reference).stream as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Unusable(f"The object has more than {LARGEST} bytes; here a text is wanted, and no file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable(f"The object holds no text in UTF-8: {error.reason} at byte {error.start}.") from error


def value_of(text: str, kinds: frozenset[str]) -> Any:
    """What a text stands for, given the JSON types that the parameter takes."""
    if "string" in kinds:
        return text
    if "array" in kinds and text.lstrip()[:1] != "[":
        return read(text.splitlines() or [""], kinds)
    return one(text.strip(), kinds)
