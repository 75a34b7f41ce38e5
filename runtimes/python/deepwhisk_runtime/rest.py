"""The REST application of a model: the DEEPaaS V2 API, its description, health and metrics.

The same application answers on a laptop (`serve`) and behind a raw web action; links in its answers begin
where it was reached (SCRIPT_NAME).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, redirect, request, url_for
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import HTTPException

from deepwhisk_runtime import metrics, pages, ui
from deepwhisk_runtime.captured import Captured
from deepwhisk_runtime.direct import Reply, failed, invalid, predicted
from deepwhisk_runtime.errors import Fault, Invalid
from deepwhisk_runtime.forms import arguments
from deepwhisk_runtime.jsontext import dumps
from deepwhisk_runtime.served import JSON, Served, Taking

if TYPE_CHECKING:
    from deepwhisk_runtime.jobs import Jobs
    from deepwhisk_runtime.trainings import Trainings

OFF = "This endpoint is switched off."
NOT_HERE = "Training over the API is not offered here."
NO_JOBS = "Long predictions are not offered here: ask the model's web action, or without async."
ASYNC = "async"  # in the query: the answer is where to ask for the answer
NO_TRAIN = "The model {} cannot be trained: it has no method `train`."


@dataclass(frozen=True, slots=True)
class Offers:
    """Which endpoints are switched on, and what they use."""

    predict: bool = True
    train: bool = True
    docs: bool = True
    trainings: "Trainings | Jobs | None" = None  # None: trainings are not for this place
    debug: Captured | None = None  # None: nobody is to read what is printed
    largest: int | None = None  # bytes of a request
    jobs: "Jobs | None" = None  # None: long predictions are not for this place
    late: bool = False  # whether predictions are long ones unless somebody says otherwise


def create_app(service: Served, offers: Offers = Offers()) -> Flask:
    """The application of one model."""
    app = Flask("deepwhisk_runtime", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = offers.largest
    add = Routes(app, service.name)
    add_pages(add, service, offers)
    add_predictions(add, service, offers)
    add_trainings(add, service, offers)
    add("/health", "health", lambda: as_json({"status": "OK", "model": service.name}))
    add("/metrics", "measured", lambda: Response(metrics.text(service), mimetype="text/plain; version=0.0.4"))
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(Invalid, lambda error: response(invalid(error)))
    app.register_error_handler(Fault, faulted)
    app.after_request(led_by_path)
    return app


class Routes:
    """Adds routes to an application; one that names a model answers only for the model there is."""

    def __init__(self, app: Flask, model: str) -> None:
        self._app = app
        self._model = model

    def __call__(self, path: str, endpoint: str, answer: Callable[..., Any], *methods: str) -> None:
        def view(name: str | None = None, **values: str) -> Any:
            if name not in (None, self._model):
                return told(f"There is no model {name} here; there is {self._model}.", 404)
            return answer(**values)

        self._app.add_url_rule(path, endpoint, view, methods=methods or ("GET",))


def add_pages(add: Routes, service: Served, offers: Offers) -> None:
    """The routes of what is told about the model."""
    add("/", "versions", lambda: as_json(pages.versions(offers.docs)))
    add("/v2/", "version", lambda: as_json(pages.version()))
    add("/v2/models/", "models", lambda: as_json({"models": [pages.model(service)]}))
    add("/v2/models/<name>/", "model", lambda: as_json(pages.model(service)))
    add("/v2/debug/", "debug", lambda: debug(offers.debug))
    if offers.docs:
        add("/ui", "ui", lambda: redirect(url_for("docs")))
        add("/api", "docs", lambda: Response(ui.page(service.name), mimetype="text/html"))
        add("/api/<file>", "docs_file", lambda file: ui.file(file, request))
        jobs = offers.jobs is not None
        add("/openapi.json", "described", lambda: as_json(pages.openapi(service, jobs)))
        add("/swagger.json", "described_before", lambda: as_json(pages.swagger(service, jobs)))


def add_predictions(add: Routes, service: Served, offers: Offers) -> None:
    """The routes of predictions, and of those that are answered later."""

    def answer() -> Response:
        said = request.args.get(ASYNC, "true" if offers.late else "false").lower()
        return late(service, offers.jobs) if said in ("true", "1", "yes", "on", "") else predict(service)

    def act(method: Callable[..., Any]) -> Callable[..., Response]:
        def answer(uuid: str) -> Response:
            found = method(offers.jobs, uuid) if offers.jobs else None
            return told("There is no such prediction.", 404) if found is None else as_json(found)

        return switched(offers.predict, answer)

    one = "/v2/models/<name>/predictions/<uuid>"
    add("/v2/models/<name>/predict/", "predict", switched(offers.predict, answer), "POST")
    add(one, "prediction", act(lambda jobs, uuid: jobs.prediction(uuid)))
    add(one, "stop", act(lambda jobs, uuid: jobs.stop(uuid)), "DELETE")


def add_trainings(add: Routes, service: Served, offers: Offers) -> None:
    """The routes of trainings."""

    def act(method: Callable[..., Any], needs_train: bool = False) -> Callable[..., Response]:
        def answer(**values: str) -> Response:
            if offers.trainings is None:
                return told(NOT_HERE, 501)
            if needs_train and service.training is None:
                return told(NO_TRAIN.format(service.name), 501)
            found = method(offers.trainings, **values)
            return told("There is no such training.", 404) if found is None else as_json(found)

        return switched(offers.train, answer)

    all_, one = "/v2/models/<name>/train/", "/v2/models/<name>/train/<uuid>"
    add(all_, "trainings", act(lambda trainings: trainings.all()))
    add(one, "training", act(lambda trainings, uuid: trainings.one(uuid)))
    add(one, "cancel", act(lambda trainings, uuid: trainings.cancel(uuid)), "DELETE")
    add(all_, "train", act(lambda trainings: trainings.start(taken(service.training)), True), "POST")


def switched(on: bool, answer: Callable[..., Any]) -> Callable[..., Any]:
    """The answer of an endpoint, or that of one that is switched off."""
    return answer if on else lambda **_: told(OFF, 402)


def taken(signature: Taking | None) -> dict[str, Any]:
    """The arguments of this request."""
    return {} if signature is None else arguments(request, signature)


def late(service: Served, jobs: "Jobs | None") -> Response:
    """A prediction that is begun now, and where to ask for it."""
    if jobs is None:
        return told(NO_JOBS, 501)
    given = {name: each for name, each in taken(service.signature).items() if name != ASYNC}
    begun = jobs.predict(given)
    place = url_for("prediction", name=service.name, uuid=begun["uuid"])
    answer = as_json({**begun, "links": [pages.link("self", place)]}, 202)
    answer.headers["Location"] = place
    return answer


def predict(service: Served) -> Response:
    """One prediction."""
    given = taken(service.signature)
    if service.signature.accepts and not given.get("accept"):
        given |= accepted(service.signature.accepts)
    return response(predicted(service, given, request.environ, wants))


def response(reply: Reply) -> Response:
    """An answer as Flask has it."""
    return Response(reply.body, reply.status, reply.headers)


def accepted(choices: tuple[str, ...]) -> dict[str, str]:
    """The argument `accept` as the header says; nothing where that names none of the choices."""
    named = MIMEAccept([each for each in request.accept_mimetypes if each[0] != "*/*"])
    best = named.best_match([each for each in choices if "*" not in each])
    return {"accept": best} if best else {}


def wants(content_type: str) -> bool:
    """Whether the client asks for a file as it is rather than inside JSON."""
    asked = request.accept_mimetypes or MIMEAccept([("*/*", 1)])
    return asked.best_match([JSON, content_type]) == content_type


def debug(captured: Captured | None) -> Response:
    """What the model has printed, if anybody may read that."""
    return Response(status=204) if captured is None else Response(captured.text(), mimetype="text/plain")


def faulted(error: Fault) -> Response:
    """The answer when the model failed, or who asks is not known."""
    answer = response(failed(error, request.environ))
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="OpenWhisk", charset="UTF-8"'
    return answer


def refused(error: HTTPException) -> Response:
    """The answer to a request for what is not there, in JSON as all others."""
    answer = told(f"{error.code} {error.name}: {error.description}", error.code or 500)
    answer.headers.extend({name: each for name, each in error.get_headers() if name == "Allow"})
    return answer


def led_by_path(response: Response) -> Response:
    """Redirect by path alone: which scheme and host the client used, a proxy may hide."""
    if response.status_code >= 300 and (to := response.location) and to.startswith(request.host_url):
        response.location = "/" + to.removeprefix(request.host_url)
    return response


def told(message: str, status: int) -> Response:
    """An answer that is an error."""
    return as_json({"error": {"message": message}}, status)


def as_json(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(dumps(value), status, mimetype=JSON)
