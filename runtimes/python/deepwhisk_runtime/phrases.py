"""What DEEPaaS V2 says of an argument that does not fit: the words of marshmallow, which its clients know.

Where V2 has no words for a fault, there are none here either, and what pydantic says holds.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
MISSING = "Missing data for required field."
NULL = "Field may not be null."
NOUNS = {
    "int": "integer",
    "float": "number",
    "decimal": "number",
    "complex": "number",
    "bool": "boolean",
    "string": "string",
    "list": "list",
    "tuple": "tuple",
    "set": "list",
    "frozen": "list",
    "dict": "mapping type",
    "mapping": "mapping type",
    "model": "mapping type",
    "dataclass": "mapping type",
    "date": "date",
    "datetime": "datetime",
    "time": "time",
    "timezone": "datetime",
    "uuid": "UUID",
    "url": "URL",
}
BELOW = {"minimum": "greater than or equal to", "exclusiveMinimum": "greater than"}
ABOVE = {"maximum": "less than or equal to", "exclusiveMaximum": "less than"}


def phrase(error: Mapping[str, Any], schema: Schema) -> str | None:
    """V2's words for an error of pydantic about the value that a schema describes; None where it has none."""
    kind: str = error["type"]
    if kind == "missing":
        return MISSING
    if kind.startswith(("greater_than", "less_than")):
        return out_of_range(schema)
    if kind in ("string_too_short", "string_too_long"):
        return wrong_length(schema)
    if kind in ("literal_error", "enum") and (choices := choices_of(schema)):
        return f"Must be one of: {', '.join(map(str, choices))}."
    if kind == "string_pattern_mismatch":
        return "String does not match expected pattern."
    return not_valid(kind, error["input"])


def not_valid(kind: str, given: Any) -> str | None:
    """The words for a value of another type."""
    noun = NOUNS.get(kind.partition("_")[0])
    if noun is None or kind.endswith(("_long", "_short")):
        return None
    return NULL if given is None else f"Not a valid {noun}."


def out_of_range(schema: Schema) -> str | None:
    """The words for a number beyond its limits: all of them, whichever it is beyond."""
    limits = [f"{words} {schema[key]:g}" for key, words in (BELOW | ABOVE).items() if key in schema]
    return f"Must be {' and '.join(limits)}." if limits else None


def wrong_length(schema: Schema) -> str | None:
    """The words for a text that is too long or too short."""
    least, most = schema.get("minLength"), schema.get("maxLength")
    if least is not None and most is not None:
        return f"Length must be between {least} and {most}."
    if most is not None:
        return f"Longer than maximum length {most}."
    return None if least is None else f"Shorter than minimum length {least}."


def choices_of(schema: Schema) -> tuple[Any, ...]:
    """The values that a schema names; none when it takes others too."""
    return (schema["const"],) if "const" in schema else tuple(schema.get("enum") or ())


def resolved(schema: Schema, whole: Schema) -> Schema:
    """A schema of a value that may be null, or that is described elsewhere, as one of the value itself."""
    about = {name: each for name, each in schema.items() if name not in ("anyOf", "$ref")}
    if reference := schema.get("$ref"):
        return {**resolved(whole["$defs"][reference.rpartition("/")[2]], whole), **about}
    others = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    return about | resolved(others[0], whole) if len(others) == 1 else schema  # type: ignore[operator]
