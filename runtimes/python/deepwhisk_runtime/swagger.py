"""The REST application of a model described in Swagger 2.0, as clients and forms of DEEPaaS V2 read it.

Swagger 2.0 knows flat arguments only: one that takes an object is a text that holds JSON.
"""

from typing import Any

from deepwhisk_runtime import openapi
from deepwhisk_runtime.phrases import choices_of, resolved
from deepwhisk_runtime.served import JSON, Served, Taking
from deepwhisk_runtime.signature import kinds_of

FORM = ["multipart/form-data", "application/x-www-form-urlencoded"]
LIMITS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "minimum",
    "exclusiveMaximum": "maximum",
}
KEPT = ("minLength", "maxLength", "minItems", "maxItems", "pattern", "multipleOf")
FORMATS = ("password", "date", "date-time", "uuid", "uri", "email")
TYPES = ("array", "boolean", "integer", "number", "string")  # of an argument of several, the first


def document(service: Served, base: str) -> dict[str, Any]:
    """The whole document; `base` is where the application begins."""
    info = openapi.info(service)
    return {
        "swagger": "2.0",
        "info": {name: info[name] for name in ("title", "version", "description")},
        "basePath": base or "/",
        "paths": pages() | paths(service),
    }


def paths(service: Served) -> dict[str, Any]:
    """The paths of the model."""
    at = f"/v2/models/{service.name}/"
    found = {at: {"get": operation("model", "The model's metadata")}}
    kinds = list(service.signature.accepts) or [JSON]
    found[f"{at}predict/"] = {"post": asked("predict", "Make a prediction", service.signature, kinds)}
    if service.training is None:
        return found
    found[f"{at}train/"] = {
        "get": operation("trainings", "All trainings"),
        "post": asked("train", "Begin a training", service.training, [JSON]),
    }
    one = {"parameters": [{"name": "uuid", "in": "path", "required": True, "type": "string"}]}
    found[f"{at}train/{{uuid}}"] = {
        "get": operation("training", "One training", "404") | one,
        "delete": operation("cancel", "Cancel a training", "404") | one,
    }
    return found


def pages() -> dict[str, Any]:
    """The paths that are the same for all models."""
    return {
        "/": {"get": operation("versions", "The versions of the API")},
        "/v2/": {"get": operation("version", "The version of the API")},
        "/v2/models/": {"get": operation("models", "The models")},
    }


def operation(name: str, summary: str, *statuses: str) -> dict[str, Any]:
    """One operation, and with which statuses it may be answered beside 200."""
    told = {"200": "It is done", "404": "There is no such training"}
    told |= {status: about for status, (about, _) in openapi.FAULTS.items()}
    responses = {each: {"description": told[each]} for each in ("200", *statuses)}
    made = {"operationId": name, "summary": summary, "tags": ["models"], "produces": [JSON]}
    return made | {"responses": responses}


def asked(name: str, summary: str, signature: Taking, produces: list[str]) -> dict[str, Any]:
    """An operation with arguments."""
    made = operation(name, summary, *openapi.FAULTS)
    made |= {"produces": produces, "parameters": [parameter(each, signature) for each in signature.names]}
    return made | ({"consumes": FORM[:1]} if signature.files else {})


def parameter(name: str, signature: Taking) -> dict[str, Any]:
    """One argument."""
    schema = signature.schema["properties"][name]
    told = {"name": name, "required": name in signature.schema.get("required", ())}
    if about := schema.get("description"):
        told["description"] = str(about)
    if name in signature.files:
        return told | {"in": "formData", "type": "file"}
    return told | {"in": "query"} | typed(resolved(schema, signature.schema), signature)


def typed(schema: Any, signature: Taking) -> dict[str, Any]:
    """Type, default and limits of an argument."""
    kinds = kinds_of(schema, signature.schema)
    kind = next((each for each in TYPES if each in kinds), "string")
    if kind == "array":
        items = typed(resolved(schema.get("items") or {}, signature.schema), signature)
        items.pop("collectionFormat", None)
        made: dict[str, Any] = {"type": kind, "items": items, "collectionFormat": "multi"}
    else:
        made = {"type": kind} | limits(schema)
    if choices := [each for each in choices_of(schema) if fits(each, kind)]:
        made["enum"] = choices
    if fits(default := schema.get("default"), kind):
        made["default"] = default
    return made


def limits(schema: Any) -> dict[str, Any]:
    """What bounds the values of an argument."""
    made = {name: schema[name] for name in KEPT if name in schema}
    for name, written in LIMITS.items():
        if isinstance(schema.get(name), (int, float)):
            made[written] = schema[name]
            if name != written:
                made[name] = True
    return made | ({"format": schema["format"]} if schema.get("format") in FORMATS else {})


def fits(value: Any, kind: str) -> bool:
    """Whether a value is of a type of Swagger."""
    if isinstance(value, bool):
        return kind == "boolean"
    kinds: dict[str, Any] = {"array": list, "integer": int, "number": (int, float), "string": str}
    return isinstance(value, kinds.get(kind, ()))
