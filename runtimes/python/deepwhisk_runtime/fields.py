"""Arguments that a module declares as fields of marshmallow, checked by them and described as JSON Schema.

Fields of both generations are read: `missing=` or `load_default=`, what tells of them as keywords or in
`metadata=`. marshmallow is the module's own, in whatever version that installed; it is not imported here
for its sake.
"""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from deepwhisk_runtime.arguments import Upload
from deepwhisk_runtime.errors import Fault, Invalid
from deepwhisk_runtime.fieldschema import choices, default_of, file_of, schema_of
from deepwhisk_runtime.signature import kinds_of

ACCEPT = "accept"
ANY = "*/*"
EXCLUDE = "exclude"  # marshmallow's word for passing over what no field asks for


class FieldSignature:
    """What one function of a module takes and gives, by its fields."""

    open = False

    def __init__(self, declared: Any, answer: Any = None) -> None:
        self._fields = fields_of(declared)
        self._outer = {name: outer_name(name, field) for name, field in self._fields.items()}
        by_name = {self._outer[name]: field for name, field in self._fields.items()}
        self.names = tuple(by_name)
        self.files = {name: file for name, field in by_name.items() if (file := file_of(field))}
        properties = {name: schema_of(field) for name, field in by_name.items()}
        required = [name for name, field in by_name.items() if field.required]
        self.schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
        self.kinds = {name: kinds_of(each, self.schema) for name, each in properties.items()}
        self.answer: dict[str, Any] = {} if answer is None else object_of(answer)
        self.accepts = tuple(choices(by_name[ACCEPT])) if ACCEPT in by_name else ()
        self._schema = marshalled(self._fields) if self._fields else None

    @property
    def required(self) -> tuple[str, ...]:
        """The arguments that have to be given."""
        return tuple(self.schema["required"])

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function wants them; Invalid names every one that does not fit."""
        if self._schema is None:
            return {}
        taken = {name: given[name] for name in self.names if name in given}
        for name in self.files:
            if name in taken:
                taken[name] = uploaded(name, taken[name])
        if self.accepts and taken.get(ACCEPT, ANY) in (ANY, ""):
            default = default_of(self._fields[ACCEPT])
            taken[ACCEPT] = self.accepts[0] if default in (None, ANY) else default
        return loaded(self._schema, taken)


def loaded(schema: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a schema makes of values; Invalid says in its own words what does not fit."""
    invalid: Any = importlib.import_module("marshmallow").ValidationError
    try:
        made: dict[str, Any] = schema.load(given)
    except invalid as error:
        raise Invalid(messages_of(error.messages)) from None
    return made


def fields_of(declared: Any) -> dict[str, Any]:
    """The fields that a module declares: a dict of them, a schema, or the class of one."""
    if declared is None:
        return {}
    if isinstance(declared, type) and hasattr(declared, "_declared_fields"):
        declared = declared()
    found = getattr(declared, "fields", declared)
    if not isinstance(found, Mapping):
        kind = type(declared).__name__
        raise Fault("load", f"The arguments of a module are a dict of fields, or a schema (got {kind}).")
    for name, field in found.items():
        if not hasattr(field, "deserialize"):
            kind = type(field).__name__
            raise Fault("load", f"The argument {name!r} is no field of webargs or marshmallow (got {kind}).")
    return dict(found)


def outer_name(name: str, field: Any) -> str:
    """The name by which callers know an argument."""
    return str(getattr(field, "data_key", None) or name)


def marshalled(fields: Mapping[str, Any]) -> Any:
    """A schema of marshmallow that passes over what is unknown."""
    schema: Any = importlib.import_module("marshmallow").Schema
    return schema.from_dict(dict(fields))(unknown=EXCLUDE)


def object_of(declared: Any) -> dict[str, Any]:
    """The JSON schema of an object with these fields."""
    found = fields_of(declared)
    return {
        "type": "object",
        "properties": {outer_name(name, field): schema_of(field) for name, field in found.items()},
    }


def answer_of(declared: Any) -> Any:
    """A module's `schema` as a schema of marshmallow: it may be a dict, a class or an instance."""
    if isinstance(declared, Mapping):
        fields_of(declared)
        return importlib.import_module("marshmallow").Schema.from_dict(dict(declared))()
    made = declared() if isinstance(declared, type) else declared
    if not hasattr(made, "load"):
        kind = type(made).__name__
        raise Fault(
            "load", f"A module's `schema` is a dict of fields, or a schema of marshmallow (got {kind})."
        )
    return made


def uploaded(name: str, value: Any) -> Any:
    """A file as modules want it."""
    if isinstance(value, list):
        return [uploaded(name, each) for each in value]
    if not isinstance(value, Upload):
        return value
    wrapper = importlib.import_module("deepaas.model.v2.wrapper")
    return wrapper.UploadedFile(name, str(value.path), value.content_type, value.name)


def messages_of(found: Any) -> dict[str, list[str]]:
    """marshmallow's messages by argument; those of members name their place."""
    if not isinstance(found, Mapping):
        return {"arguments": list(said(found))}
    return {str(name): list(said(each)) for name, each in found.items()}


def said(found: Any, place: str = "") -> Iterator[str]:
    """Every message in a tree of them."""
    if isinstance(found, Mapping):
        for name, each in found.items():
            yield from said(each, f"{place}.{name}" if place else str(name))
    elif isinstance(found, list):
        for each in found:
            yield from said(each, place)
    else:
        yield f"at {place}: {found}" if place else str(found)
