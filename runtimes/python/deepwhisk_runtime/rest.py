"""The REST application of a model: the DEEPaaS V2 API, its description, health and metrics.

The same application answers on a laptop (`serve`) and behind a raw web action; links in its answers begin
where it was reached (SCRIPT_NAME).
"""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request, url_for
from werkzeug.exceptions import HTTPException

from deepwhisk_runtime import metrics, openapi
from deepwhisk_runtime.answers import Outgoing, encode, file_of
from deepwhisk_runtime.errors import Fault, Invalid
from deepwhisk_runtime.forms import BadBody, arguments
from deepwhisk_runtime.jsontext import dumps
from deepwhisk_runtime.served import Served

JSON = "application/json"
ACTIVATION = "deepwhisk.activation"  # WSGI variables that a replayed web action brings
PUT = "deepwhisk.put"
NO_TRAINING = "Training over the API is not offered here: `deepwhisk_runtime` only predicts."


def create_app(service: Served) -> Flask:
    """The application of one model."""
    app = Flask("deepwhisk_runtime", static_folder=None)
    app.url_map.strict_slashes = False
    add, pages = Routes(app, service.name), Pages(service)
    add("/", "versions", lambda: as_json(pages.versions()))
    add("/v2/", "version", lambda: as_json({"id": "v2", "version": "stable", **pages.links("version")}))
    add("/v2/models/", "models", lambda: as_json({"models": [pages.model()]}))
    add("/v2/models/<name>/", "model", lambda: as_json(pages.model()))
    add("/v2/models/<name>/predict/", "predict", lambda: predict(service), "POST")
    add("/v2/models/<name>/train/", "train", no_training, "GET", "POST")
    add("/openapi.json", "described", lambda: as_json(pages.openapi()))
    add("/health", "health", lambda: as_json({"status": "OK", "model": service.name}))
    add("/metrics", "measured", lambda: Response(metrics.text(service), mimetype="text/plain; version=0.0.4"))
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(Invalid, invalid)
    app.register_error_handler(Fault, failed)
    return app


class Pages:
    """What the application tells of its model, with links that hold where it was reached."""

    def __init__(self, service: Served) -> None:
        self._service = service
        self._told = service.told()

    def links(self, endpoint: str, relation: str = "self", **values: Any) -> dict[str, Any]:
        """The member `links` that leads to one endpoint."""
        return {"links": [link(relation, url_for(endpoint, **values))]}

    def versions(self) -> dict[str, Any]:
        """The versions of the API: the one there is."""
        version = {"version": "stable", "id": "v2", **self.links("version")}
        return {"versions": [version], **self.links("described", "describedby")}

    def model(self) -> dict[str, Any]:
        """The model with its metadata."""
        name = self._service.name
        return {"id": name, "name": name, **self.links("model", name=name), **self._told}

    def openapi(self) -> dict[str, Any]:
        """Its OpenAPI document."""
        service = self._service
        return openapi.document(service.name, self._told, service.signature, request.script_root)


def no_training() -> Response:
    """The answer to a wish for training."""
    return as_json({"error": {"message": NO_TRAINING}}, 501)


class Routes:
    """Adds routes to an application; one that names a model answers only for the model there is."""

    def __init__(self, app: Flask, model: str) -> None:
        self._app = app
        self._model = model

    def __call__(self, path: str, endpoint: str, answer: Callable[[], Response], *methods: str) -> None:
        def view(name: str | None = None) -> Response:
            if name not in (None, self._model):
                message = f"There is no model {name} here; there is {self._model}."
                return as_json({"error": {"message": message}}, 404)
            return answer()

        self._app.add_url_rule(path, endpoint, view, methods=methods or ("GET",))


def predict(service: Served) -> Response:
    """One prediction."""
    try:
        given = arguments(request, service.signature)
    except BadBody:
        return as_json({"json": ["Invalid JSON body."]}, 400)
    return service.predict(given, handed)


def handed(result: Any) -> Response:
    """The answer to a prediction: JSON, or the file that the client wants as it is."""
    if (file := file_of(result)) and wants(file.content_type):
        return Response(file.content, mimetype=file.content_type)
    text = encode(result, request.environ.get(PUT, Outgoing.inline))
    return Response(b'{"status":"OK","predictions":%b}\n' % text, mimetype=JSON)


def wants(content_type: str) -> bool:
    """Whether the client asks for a file as it is rather than inside JSON."""
    return request.accept_mimetypes.best_match([JSON, content_type]) == content_type


def invalid(error: Invalid) -> Response:
    """The answer to arguments that do not fit: messages by argument."""
    return as_json(error.fields, 422)


def failed(error: Fault) -> Response:
    """The answer when the model failed."""
    return as_json({"error": error.as_object(request.environ.get(ACTIVATION))}, error.status)


def refused(error: HTTPException) -> Response:
    """The answer to a request for what is not there, in JSON as all others."""
    code = error.code or 500
    answer = as_json({"error": {"message": f"{code} {error.name}: {error.description}"}}, code)
    answer.headers.extend({name: each for name, each in error.get_headers() if name == "Allow"})
    return answer


def link(relation: str, href: str) -> dict[str, str]:
    """A link as V2 writes it."""
    return {"rel": relation, "type": JSON, "href": href}


def as_json(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(dumps(value), status, mimetype=JSON)
