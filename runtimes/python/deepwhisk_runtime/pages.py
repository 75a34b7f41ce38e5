"""What the REST application tells of itself and its model, with links that hold where it was reached."""

from typing import Any

from flask import request, url_for

from deepwhisk_runtime import artifact
from deepwhisk_runtime.served import JSON, Served


def versions(docs: bool) -> dict[str, Any]:
    """The versions of the API: the one there is; and where it is described."""
    return {"versions": [version()], "links": descriptions() if docs else []}


def descriptions() -> list[dict[str, str]]:
    """Where the API is described."""
    help_ = link("help", url_for("docs"), "text/html")
    return [help_, link("describedby", url_for("described_before"))]


def version() -> dict[str, Any]:
    """The one version."""
    return {"version": "stable", "id": "v2", "links": [link("self", url_for("version"))]}


def model(service: Served) -> dict[str, Any]:
    """The model with its metadata, and the training that it serves."""
    name = service.name
    links = [link("self", url_for("model", name=name))]
    served = artifact.promoted()
    return {
        "id": name,
        "name": name,
        "links": links,
        **service.told(),
        **({"promoted": served} if served else {}),
    }


def openapi(service: Served, jobs: bool) -> dict[str, Any]:
    """The application in OpenAPI 3.1; with JOBS, what a key opens too."""
    from deepwhisk_runtime import jobs_described, openapi  # noqa: PLC0415 — for who reads it

    document = openapi.document(service, request.script_root)
    return jobs_described.in_openapi(document, service) if jobs else document


def swagger(service: Served, jobs: bool) -> dict[str, Any]:
    """The application in Swagger 2.0; with JOBS, what a key opens too."""
    from deepwhisk_runtime import jobs_described, swagger  # noqa: PLC0415 — for who reads it

    document = swagger.document(service, request.script_root)
    return jobs_described.in_swagger(document, service) if jobs else document


def link(relation: str, href: str, content_type: str = JSON) -> dict[str, str]:
    """A link as V2 writes it."""
    return {"rel": relation, "type": content_type, "href": href}
