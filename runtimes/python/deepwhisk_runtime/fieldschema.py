"""One field of marshmallow as JSON Schema, known by the names of its classes and validators."""

from collections.abc import Iterator, Mapping
from typing import Any

from deepwhisk_runtime.errors import Fault
from deepwhisk_runtime.jsontext import NotJSON, dumps
from deepwhisk_runtime.signature import FILE_SCHEMA, FileParameter

TYPES: dict[str, dict[str, Any]] = {
    "DelimitedList": {"type": "string"},
    "DelimitedTuple": {"type": "string"},
    "List": {"type": "array"},
    "Tuple": {"type": "array"},
    "Nested": {"type": "object"},
    "Mapping": {"type": "object"},
    "Dict": {"type": "object"},
    "Boolean": {"type": "boolean"},
    "Integer": {"type": "integer"},
    "TimeDelta": {"type": "number"},
    "Float": {"type": "number"},
    "Decimal": {"type": "number"},
    "Number": {"type": "number"},
    "UUID": {"type": "string", "format": "uuid"},
    "NaiveDateTime": {"type": "string"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Time": {"type": "string", "format": "time"},
    "Date": {"type": "string", "format": "date"},
    "Email": {"type": "string", "format": "email"},
    "Url": {"type": "string", "format": "uri"},
    "IP": {"type": "string"},
    "Enum": {"type": "string"},
    "String": {"type": "string"},
}
TOLD = ("title", "description", "format", "enum", "minimum", "maximum")  # of a field's metadata
LIMITS = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}


def schema_of(field: Any) -> dict[str, Any]:
    """The JSON schema of what a field takes."""
    file = file_of(field)
    kind = kind_of(field) | validated(field) if file is None else dict(FILE_SCHEMA)
    if file is not None and file.many:
        kind = {"type": "array", "items": kind}
    told = {name: field.metadata[name] for name in TOLD if field.metadata.get(name) is not None}
    if file or "enum" in told:
        told = {name: each for name, each in told.items() if name != "format"}
    schema = kind | told
    if file is None and getattr(field, "allow_none", False) and "type" in schema:
        schema = nullable(schema)
    default = default_of(field)
    return schema | {"default": default} if default is not None and is_json(default) else schema


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The same, or nothing; what is told of it stays outside, where forms look."""
    outside = {name: schema[name] for name in ("title", "description") if name in schema}
    inside = {name: each for name, each in schema.items() if name not in outside}
    return outside | {"anyOf": [inside, {"type": "null"}]}


def kind_of(field: Any) -> dict[str, Any]:
    """The JSON type, by the nearest class that has one; none for a field that takes anything."""
    kind = next((TYPES[each.__name__] for each in type(field).__mro__ if each.__name__ in TYPES), {})
    if kind.get("type") == "array" and getattr(field, "inner", None) is not None:
        return kind | {"items": schema_of(field.inner)}
    if nested := nested_of(field):
        return nested
    if getattr(field, "enum", None) is not None:
        return enumerated(field)
    return dict(kind)


def nested_of(field: Any) -> dict[str, Any] | None:
    """The object, or the objects, that a nested schema describes."""
    schema = getattr(field, "schema", None) if hasattr(field, "nested") else None
    if schema is None:
        return None
    fields: Mapping[str, Any] = schema.fields
    made: dict[str, Any] = {
        "type": "object",
        "properties": {(each.data_key or name): schema_of(each) for name, each in fields.items()},
    }
    if required := [each.data_key or name for name, each in fields.items() if each.required]:
        made["required"] = required
    return {"type": "array", "items": made} if getattr(field, "many", False) else made


def enumerated(field: Any) -> dict[str, Any]:
    """The choices of an enumeration: its names, or its values where the field goes by those."""
    if not getattr(field, "by_value", False):
        return {"type": "string", "enum": [each.name for each in field.enum]}
    return {"enum": [each.value for each in field.enum if is_json(each.value)]}


def validators(field: Any) -> Iterator[Any]:
    """All validators of a field."""
    given = getattr(field, "validators", None) or ()
    for each in given:
        yield from getattr(each, "validators", None) or (each,)


def choices(field: Any) -> list[Any]:
    """The values that a field is held to."""
    found = (list(each.choices) for each in validators(field) if type(each).__name__ == "OneOf")
    return next(found, [])


def validated(field: Any) -> dict[str, Any]:
    """What the validators of a field say of it."""
    said: dict[str, Any] = {}
    kind = kind_of(field).get("type", "")
    for each in validators(field):
        name = type(each).__name__
        if name == "OneOf":
            said["enum"] = [choice for choice in each.choices if is_json(choice)]
        elif name == "Range":
            said |= ranged(each)
        elif name == "Length" and kind in LIMITS:
            least, most = LIMITS[kind]
            low, high = (each.min, each.max) if each.equal is None else (each.equal, each.equal)
            said |= {key: limit for key, limit in ((least, low), (most, high)) if limit is not None}
    return said


def ranged(validator: Any) -> dict[str, Any]:
    """The limits of a number."""
    low = "minimum" if getattr(validator, "min_inclusive", True) else "exclusiveMinimum"
    high = "maximum" if getattr(validator, "max_inclusive", True) else "exclusiveMaximum"
    limits = {low: validator.min, high: validator.max}
    return {name: each for name, each in limits.items() if isinstance(each, (int, float))}


def file_of(field: Any) -> FileParameter | None:
    """The file that a field takes, or the files."""
    if field.metadata.get("type") == "file" or field.metadata.get("location") == "files":
        return FileParameter("upload", many=hasattr(field, "inner"))
    inner = getattr(field, "inner", None)
    return FileParameter("upload", many=True) if inner is not None and file_of(inner) else None


def default_of(field: Any) -> Any:
    """What a field stands for when it is not given; None also where it has no default."""
    default = getattr(field, "load_default", None) if hasattr(field, "load_default") else field.missing
    if callable(default):
        default = default()
    return None if type(default).__name__ == "_Missing" else default


def is_json(value: Any) -> bool:
    """Whether a value can stand in a schema."""
    try:
        dumps(value)
    except (NotJSON, Fault, TypeError, ValueError):
        return False
    return True
