"""The REST application of a model described in OpenAPI 3.1, from the signature of `predict`."""

from typing import Any

from deepwhisk_runtime.served import Taking

FILE_IN_JSON: dict[str, Any] = {
    "description": 'Base64, a data URI, an http(s) link, `{"$bytes": …}` or a reference `{"$object": …}`',
    "anyOf": [
        {"type": "string"},
        {"type": "object", "required": ["$bytes"], "properties": {"$bytes": {"type": "string"}}},
        {"type": "object", "required": ["$object"], "properties": {"$object": {"type": "object"}}},
    ],
}
MESSAGES = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}


def document(name: str, metadata: dict[str, Any], signature: Taking, base: str) -> dict[str, Any]:
    """The whole document; `base` is where the application begins."""
    info = {
        "title": str(metadata.get("title") or name),
        "version": str(metadata.get("version") or "1.0.0"),
        "summary": str(metadata.get("summary") or metadata.get("title") or name),
        "description": str(metadata.get("description") or ""),
    }
    return {
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": base or "/"}],
        "paths": paths(name, signature),
        "components": {"schemas": components(signature)},
    }


def paths(name: str, signature: Taking) -> dict[str, Any]:
    """The paths of one model."""
    return {
        "/v2/models/": {"get": {"operationId": "models", "responses": ok("The models", {"type": "object"})}},
        f"/v2/models/{name}/": {
            "get": {"operationId": "model", "responses": ok("The model's metadata", {"type": "object"})}
        },
        f"/v2/models/{name}/predict/": {"post": predict(signature)},
        "/health": {
            "get": {"operationId": "health", "responses": ok("The model is loaded", {"type": "object"})}
        },
    }


def predict(signature: Taking) -> dict[str, Any]:
    """The prediction: its arguments as a form or as JSON (each but a file also in the query string)."""
    answered = {
        "type": "object",
        "required": ["status", "predictions"],
        "properties": {"status": {"const": "OK"}, "predictions": plain(signature.answer)},
    }
    failed = {"type": "object", "properties": {"error": {"type": "object"}}}
    return {
        "operationId": "predict",
        "parameters": parameters(signature),
        "requestBody": {
            "content": {
                "multipart/form-data": {"schema": {"$ref": "#/components/schemas/Form"}},
                "application/json": {"schema": {"$ref": "#/components/schemas/Arguments"}},
            }
        },
        "responses": ok("The prediction", answered)
        | {"400": {"description": "The body is no JSON", "content": content(MESSAGES)}}
        | {"422": {"description": "Arguments do not fit; messages by argument", "content": content(MESSAGES)}}
        | {"500": {"description": "The model failed; names cause and phase", "content": content(failed)}},
    }


def parameters(signature: Taking) -> list[dict[str, Any]]:
    """Arguments that the query string may carry; none must, as the body can carry them all."""
    simple = {"string", "integer", "number", "boolean", "array", "null"}
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        | ({"description": schema["description"]} if "description" in schema else {})
        for name, schema in signature.schema["properties"].items()
        if name not in signature.files and signature.kinds[name] <= simple
    ]


def components(signature: Taking) -> dict[str, Any]:
    """The schemas by name: the arguments as JSON and as a form, and what they and the answer refer to."""
    form = plain(signature.schema) | {"title": "Form"}
    files = {
        name: file_in_json(form["properties"][name], parameter.many)
        for name, parameter in signature.files.items()
    }
    arguments = form | {"title": "Arguments", "properties": form["properties"] | files}
    inner: dict[str, Any] = signature.answer.get("$defs", {}) | signature.schema.get("$defs", {})
    return inner | {"Arguments": arguments, "Form": form}


def file_in_json(schema: dict[str, Any], many: bool) -> dict[str, Any]:
    """A file argument as JSON carries it."""
    about = {name: schema[name] for name in ("description", "title") if name in schema}
    if many:
        return about | {"type": "array", "items": FILE_IN_JSON}
    return FILE_IN_JSON | about


def plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without its definitions, which stand under components."""
    return {name: each for name, each in schema.items() if name != "$defs"}


def ok(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The answer 200."""
    return {"200": {"description": description, "content": content(schema)}}


def content(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON body of a schema."""
    return {"application/json": {"schema": schema}}
