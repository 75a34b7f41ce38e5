"""Trainings and long predictions behind a web action, in both descriptions of the REST application.

What is there for everybody is described already; here is what a key opens, and where a long prediction is.
"""

from typing import Any

from deepwhisk_runtime import openapi, swagger
from deepwhisk_runtime.served import Served

KEY = "openwhisk"
ABOUT_KEY = (
    "The key of an OpenWhisk namespace: what stands before the colon is the user, the rest the password"
)
ABOUT_ASYNC = (
    "true: answer at once with where to ask for the result (202); for what takes longer than a call may"
)
BEGUN = "It is begun; Location says where to ask for it"
DENIED = {
    "401": "There is no key, or a wrong one",
    "403": "The key is of a namespace without the right to this",
}
ASYNC: dict[str, Any] = {"name": "async", "in": "query", "description": ABOUT_ASYNC}
PREDICTION: dict[str, Any] = {
    **openapi.TRAINING,
    "properties": {
        **openapi.TRAINING["properties"],
        "output": {"description": "The answer of the model"},
        "link": {"type": "string", "description": "Where a large answer lies, signed anew each time"},
    },
}


def in_openapi(document: dict[str, Any], service: Served) -> dict[str, Any]:
    """OpenAPI 3.1 with what is there for a key."""
    paths, name = document["paths"], service.name
    denied = {status: openapi.answered(about, openapi.FAILED) for status, about in DENIED.items()}
    predict = paths[f"/v2/models/{name}/predict/"]["post"]
    predict["parameters"] = [{**ASYNC, "schema": {"type": "boolean"}}]
    predict["responses"] |= {"202": openapi.answered(BEGUN, PREDICTION), **denied}
    predict["security"] = [{}, {KEY: []}]
    missing = {"404": openapi.answered("There is no such prediction", openapi.FAILED)}
    answers = openapi.ok("The prediction", PREDICTION) | openapi.faults("402") | missing
    paths[f"/v2/models/{name}/predictions/{{uuid}}"] = {
        "get": {
            **openapi.operation("prediction", "A long prediction", answers),
            "parameters": [openapi.UUID],
        },
        "delete": {
            **openapi.operation("stop", "End a long prediction", answers),
            "parameters": [openapi.UUID],
        },
    }
    for operation in locked(paths, name):
        operation["responses"] = operation["responses"] | denied
        operation["security"] = [{KEY: []}]
    scheme = {"type": "http", "scheme": "basic", "description": ABOUT_KEY}
    document["components"]["securitySchemes"] = {KEY: scheme}
    return document


def in_swagger(document: dict[str, Any], service: Served) -> dict[str, Any]:
    """Swagger 2.0 with the same."""
    paths, name = document["paths"], service.name
    denied = {status: {"description": about} for status, about in DENIED.items()}
    predict = paths[f"/v2/models/{name}/predict/"]["post"]
    predict["parameters"] = [*predict["parameters"], {**ASYNC, "type": "boolean"}]
    predict["responses"] |= {"202": {"description": BEGUN}, **denied}
    uuid = {"parameters": [{"name": "uuid", "in": "path", "required": True, "type": "string"}]}
    paths[f"/v2/models/{name}/predictions/{{uuid}}"] = {
        "get": swagger.operation("prediction", "A long prediction", "404") | uuid,
        "delete": swagger.operation("stop", "End a long prediction", "404") | uuid,
    }
    for operation in locked(paths, name):
        operation["responses"] = operation["responses"] | denied
        operation["security"] = [{KEY: []}]
    return {**document, "securityDefinitions": {KEY: {"type": "basic", "description": ABOUT_KEY}}}


def locked(paths: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """What nobody has without a key."""
    below = (f"/v2/models/{name}/train/", f"/v2/models/{name}/predictions/")
    return [each for path, verbs in paths.items() if path.startswith(below) for each in verbs.values()]
