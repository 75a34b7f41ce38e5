"""The REST application of a model described in OpenAPI 3.1, from what `predict` and `train` take."""

from typing import Any

from deepwhisk_runtime.served import JSON, Served, Taking

FILE_IN_JSON: dict[str, Any] = {
    "description": 'Base64, a data URI, an http(s) link, `{"$bytes": …}` or a reference `{"$object": …}`',
    "anyOf": [
        {"type": "string"},
        {"type": "object", "required": ["$bytes"], "properties": {"$bytes": {"type": "string"}}},
        {"type": "object", "required": ["$object"], "properties": {"$object": {"type": "object"}}},
    ],
}
OBJECT: dict[str, Any] = {"type": "object"}
MESSAGES = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
FAILED = {"type": "object", "required": ["error"], "properties": {"error": OBJECT}}
IN_QUERY = "All arguments but files may stand in the query string as well; one in the body comes first."
UUID = {"name": "uuid", "in": "path", "required": True, "schema": {"type": "string"}}
FAULTS = {
    "400": ("The body is no JSON", MESSAGES),
    "402": ("Switched off", FAILED),
    "413": ("The request is too large", FAILED),
    "422": ("Arguments do not fit; messages by argument", MESSAGES),
    "500": ("The model failed; names cause and phase", FAILED),
    "501": ("Not offered here", FAILED),
}
TRAINING: dict[str, Any] = {
    "type": "object",
    "required": ["date", "args", "uuid", "status"],
    "properties": {
        "date": {"type": "string"},
        "args": OBJECT,
        "uuid": {"type": "string"},
        "status": {"enum": ["running", "done", "error", "cancelled"]},
        "state": {"type": "string", "description": "Where it really is: queued, unreachable, refused, …"},
        "message": {"type": "string"},
        "result": OBJECT,
    },
}


def document(service: Served, base: str) -> dict[str, Any]:
    """The whole document; `base` is where the application begins."""
    return {
        "openapi": "3.1.0",
        "info": info(service),
        "servers": [{"url": base or "/"}],
        "paths": pages() | paths(service),
        "components": {"schemas": schemas(service)},
    }


def info(service: Served) -> dict[str, str]:
    """What the model is."""
    told = service.told()
    return {
        "title": str(told.get("title") or service.name),
        "version": str(told.get("version") or "1.0.0"),
        "summary": str(told.get("summary") or told.get("title") or service.name),
        "description": str(told.get("description") or ""),
    }


def pages() -> dict[str, Any]:
    """The paths that are the same for all models."""
    return {
        "/": {"get": operation("versions", "The versions of the API", ok("The versions", OBJECT))},
        "/v2/": {"get": operation("version", "The version of the API", ok("The version", OBJECT))},
        "/v2/models/": {"get": operation("models", "The models", ok("The models", OBJECT))},
        "/health": {"get": operation("health", "Whether it is loaded", ok("The model is loaded", OBJECT))},
    }


def paths(service: Served) -> dict[str, Any]:
    """The paths of the model."""
    name, trained = service.name, ok("The training", TRAINING)
    at = f"/v2/models/{name}/"
    found = {
        at: {"get": operation("model", "The model's metadata", ok("The metadata", OBJECT))},
        f"{at}predict/": {"post": predict(service)},
    }
    if service.training is None:
        return found
    listed = ok("The trainings", {"type": "array", "items": TRAINING})
    some, missing = faults("402", "501"), {"404": answered("There is no such training", FAILED)}
    one = {"parameters": [UUID], "responses": trained | missing | some}
    found[f"{at}train/"] = {
        "get": operation("trainings", "All trainings", listed | some),
        "post": operation("train", "Begin a training", trained | faults(*FAULTS))
        | carried(service.training, "Train"),
    }
    found[f"{at}train/{{uuid}}"] = {
        "get": operation("training", "One training", {}) | one,
        "delete": operation("cancel", "Cancel a training", {}) | one,
    }
    return found


def operation(name: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    """One operation."""
    return {"operationId": name, "summary": summary, "tags": ["models"], "responses": responses}


def predict(service: Served) -> dict[str, Any]:
    """The prediction."""
    signature = service.signature
    answer: dict[str, Any] = plain(signature.answer)
    if service.wraps:
        members = {"status": {"const": "OK"}, "predictions": answer}
        answer = {"type": "object", "required": ["status", "predictions"], "properties": members}
    done = answered("The prediction", answer)
    for kind in signature.accepts:
        if kind != JSON:
            done["content"][kind] = {"schema": {"type": "string", "contentMediaType": kind}}
    made = operation("predict", "Make a prediction", {"200": done} | faults(*FAULTS))
    return made | carried(signature, "")


def carried(signature: Taking, prefix: str) -> dict[str, Any]:
    """Where arguments go: in a form or in JSON; that the query string holds them too is told in words.

    On a page that had a field for each of both, the one in the query string would be in vain.
    """
    forms = {"multipart/form-data": "Form", JSON: "Arguments"}
    if not signature.files:
        forms = dict(reversed(forms.items()))
    bodies = {
        kind: {"schema": {"$ref": f"#/components/schemas/{prefix}{name}"}} for kind, name in forms.items()
    }
    return {"description": IN_QUERY, "requestBody": {"content": bodies}}


def schemas(service: Served) -> dict[str, Any]:
    """The schemas by name: the arguments as JSON and as a form, and what they and the answer refer to."""
    training = components(service.training, "Train") if service.training else {}
    return training | components(service.signature, "")


def components(signature: Taking, prefix: str) -> dict[str, Any]:
    """The schemas of what one function takes and gives."""
    form = plain(signature.schema) | {"title": f"{prefix}Form"}
    if not signature.open:
        form["additionalProperties"] = True  # and passed over
    files = {
        name: file_in_json(form["properties"][name], parameter.many)
        for name, parameter in signature.files.items()
    }
    arguments = form | {"title": f"{prefix}Arguments", "properties": form["properties"] | files}
    inner: dict[str, Any] = signature.answer.get("$defs", {}) | signature.schema.get("$defs", {})
    return inner | {f"{prefix}Arguments": arguments, f"{prefix}Form": form}


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
    return {"200": answered(description, schema)}


def faults(*statuses: str) -> dict[str, Any]:
    """The answers of some statuses."""
    return {status: answered(*FAULTS[status]) for status in statuses}


def answered(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """An answer with a JSON body."""
    return {"description": description, "content": {JSON: {"schema": schema}}}
