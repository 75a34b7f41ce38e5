"""The signature of `predict` as a schema: what a call may carry, checked, and described as JSON Schema.

The annotations are the schema, read by pydantic; a parameter of type Path, bytes or PIL image is a file.
"""

import copy
import inspect
import types
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pydantic
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from deepwhisk_runtime.errors import Invalid
from deepwhisk_runtime.phrases import MISSING, choices_of, phrase, resolved

FileKind = Literal["path", "bytes", "image", "upload"]
FILE_SCHEMA = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
REFERENCE = "#/components/schemas/{model}"
SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True, slots=True)
class FileParameter:
    """A parameter that takes a file, or several."""

    kind: FileKind
    many: bool


class Signature:
    """What one function takes and gives."""

    def __init__(self, function: Callable[..., Any], without: Container[str] = ()) -> None:
        hints = get_type_hints(function, include_extras=True)
        parameters = [
            each for each in inspect.signature(function).parameters.values() if each.name not in without
        ]
        named = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
        self.names = tuple(each.name for each in named)
        self.required = tuple(each.name for each in named if each.default is each.empty)
        self.files = {each.name: file for each in named if (file := file_of(hints.get(each.name)))}
        self.open = any(each.kind is each.VAR_KEYWORD for each in parameters)
        self._model = self._make(named, hints)
        self._validate = self._model.__pydantic_validator__.validate_python
        self.schema = {"properties": {}} | self._model.model_json_schema(ref_template=REFERENCE)
        self.kinds = {name: kinds_of(each, self.schema) for name, each in self.schema["properties"].items()}
        self.answer = answer_schema(hints.get("return"))
        # The content types that a caller may ask for, by the argument of that name.
        self.accepts = accepted(self.schema["properties"].get("accept", {}))

    def _make(self, named: list[inspect.Parameter], hints: dict[str, Any]) -> type[pydantic.BaseModel]:
        # Fields are numbered and parameters their aliases: any name will do, `copy` and `_x` as well.
        fields: dict[str, Any] = {
            f"field{number}": (described(hints.get(each.name, Any)), field_of(each))
            for number, each in enumerate(named)
        }
        config = pydantic.ConfigDict(extra="allow" if self.open else "forbid", arbitrary_types_allowed=True)
        return pydantic.create_model("Arguments", __config__=config, **fields)

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function wants them; Invalid names every one that does not fit."""
        try:
            checked = self._validate(given)
        except pydantic.ValidationError as error:
            raise Invalid(self._messages(error, self._message), self._messages(error, self._phrase)) from None
        arguments = dict(zip(self.names, checked.__dict__.values(), strict=True))
        return arguments | (checked.__pydantic_extra__ or {}) if self.open else arguments

    def _messages(
        self, error: pydantic.ValidationError, say: Callable[[ErrorDetails], str]
    ) -> dict[str, list[str]]:
        fields: dict[str, list[str]] = {}
        for each in error.errors(include_url=False):
            field, *deeper = map(str, each["loc"] or ("arguments",))
            at = f"at {'.'.join(deeper)}: " if deeper else ""
            fields.setdefault(field, []).append(at + say(each))
        return fields

    def _message(self, error: ErrorDetails) -> str:
        if error["type"] == "missing":
            return MISSING
        if error["type"] == "extra_forbidden":
            return f"There is no such argument; there are: {', '.join(self.names) or 'none'}."
        return f"{error['msg']} (got {shown(error['input'])})"

    def _phrase(self, error: ErrorDetails) -> str:
        name, *deeper = error["loc"] or ("",)
        described = self.schema["properties"].get(name, {})
        schema = {} if deeper else resolved(described, self.schema)
        return phrase({**error}, schema) or self._message(error)


def field_of(parameter: inspect.Parameter) -> FieldInfo:
    """The default of a parameter, known by the parameter's name."""
    default = ... if parameter.default is parameter.empty else parameter.default
    if isinstance(default, FieldInfo):
        field = copy.copy(default)
        field.alias = field.validation_alias = field.serialization_alias = parameter.name
        field._attributes_set = field._attributes_set | {
            "alias": parameter.name,
            "validation_alias": parameter.name,
            "serialization_alias": parameter.name,
        }
        return field
    made: FieldInfo = pydantic.Field(default=default, alias=parameter.name)
    return made


def file_kind(annotation: Any) -> FileKind | None:
    """Which kind of file a type is. PIL is known by name: it is not imported for its sake."""
    if annotation is Path:
        return "path"
    if annotation is bytes:
        return "bytes"
    is_image = getattr(annotation, "__name__", "") == "Image" and annotation.__module__ == "PIL.Image"
    return "image" if is_image else None


def file_of(annotation: Any) -> FileParameter | None:
    """The file that a parameter takes, also when it may be absent or there may be several."""
    if kind := file_kind(annotation):
        return FileParameter(kind, many=False)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return file_of(inner[0])
    if origin in (Union, types.UnionType):
        return next((file for each in inner if (file := file_of(each))), None)
    if origin in (list, tuple) and inner and (file := file_of(inner[0])):
        return FileParameter(file.kind, many=True)
    return None


def described(annotation: Any) -> Any:
    """The annotation with a schema for its files, and with a text beside the type as its description."""
    if file_kind(annotation):
        return Annotated[annotation, pydantic.WithJsonSchema(dict(FILE_SCHEMA))]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        about = [pydantic.Field(description=each) if isinstance(each, str) else each for each in inner[1:]]
        return Annotated[(described(inner[0]), *about)]
    if origin in (Union, types.UnionType):
        return Union[tuple(described(each) for each in inner)]  # noqa: UP007 — its members are computed
    if origin is list and inner:
        return list[described(inner[0])]  # type: ignore[misc]
    return annotation


def answer_schema(annotation: Any) -> dict[str, Any]:
    """The JSON schema of what is returned; an empty one, which anything fits, where it has none."""
    if annotation is None:
        return {}
    config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    try:
        answer = pydantic.create_model("Answer", __config__=config, value=(described(annotation), ...))
        schema = answer.model_json_schema(mode="serialization", ref_template=REFERENCE)
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema, pydantic.PydanticUserError):
        return {}
    value = {name: each for name, each in schema["properties"]["value"].items() if name != "title"}
    return value | ({"$defs": schema["$defs"]} if "$defs" in schema else {})


def kinds_of(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types that a schema takes."""
    if reference := schema.get("$ref"):
        return kinds_of(whole["$defs"][reference.rpartition("/")[2]], whole)
    alternatives = schema.get("anyOf") or schema.get("oneOf") or ()
    inside = frozenset(kind for each in alternatives for kind in kinds_of(each, whole))
    return inside | ({schema["type"]} if "type" in schema else frozenset())


def accepted(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The content types that the argument `accept` takes, its default first; none for any other."""
    choices = [each for each in choices_of(schema) if isinstance(each, str) and "/" in each]
    return tuple(sorted(choices, key=lambda each: each != schema.get("default")))


def shown(value: Any) -> str:
    """A value as a message shows it: short."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
