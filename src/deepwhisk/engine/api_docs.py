"""`GET /api/v1/api-docs`: the REST API in Swagger 2.0, from the table of routes."""

from collections.abc import Iterable
from typing import Any

_COLLECTIONS = ("actions", "packages", "triggers", "rules", "activations")
_SAYS = {
    ("actions", "post"): "Invoke an action",
    ("triggers", "post"): "Fire a trigger",
    ("rules", "post"): "Set the state of a rule",
}
_VERBS = {"get": "Get", "put": "Create or update", "delete": "Delete"}


def api_docs(entities: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The document; ENTITIES are the collections and the verbs on one entity of them."""
    paths: dict[str, dict[str, Any]] = {
        "/namespaces": {"get": _operation("namespaces", "List namespaces", ())}
    }
    for collection in _COLLECTIONS:
        path = f"/namespaces/{{namespace}}/{collection}"
        paths[path] = {"get": _operation(collection, f"List {collection}", ("namespace",))}
    for collection, verb in (*entities, ("activations", "GET")):
        path = f"/namespaces/{{namespace}}/{collection}/{{name}}"
        says = _SAYS.get((collection, verb.lower())) or f"{_VERBS[verb.lower()]} one of the {collection}"
        operation = _operation(collection, says, ("namespace", "name"))
        paths.setdefault(path, {})[verb.lower()] = operation
    return {
        "swagger": "2.0",
        "info": {"title": "OpenWhisk REST API", "description": "as deepwhisk answers it", "version": "0.1.0"},
        "produces": ["application/json"],
        "basePath": "/api/v1",
        "securityDefinitions": {"basicAuth": {"type": "basic"}},
        "security": [{"basicAuth": []}],
        "paths": paths,
    }


def _operation(tag: str, says: str, parameters: tuple[str, ...]) -> dict[str, Any]:
    return {
        "tags": [tag.capitalize()],
        "summary": says,
        "parameters": [
            {"name": name, "in": "path", "required": True, "type": "string"} for name in parameters
        ],
        "responses": {"default": {"description": "The entity, a list of them, or an error"}},
    }
