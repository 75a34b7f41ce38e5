"""The engine as one function from a request to an answer.

There is one route table and no middleware: what every answer has (transaction id, CORS) is put on at the
end, what every request needs (credentials) is asked at the beginning.
"""

import os
from collections.abc import Awaitable, Callable
from logging import DEBUG, INFO

from aiohttp.web import BaseRequest, HTTPRequestEntityTooLarge, Response
from multidict import CIMultiDict

from deepwhisk.engine.about import about_api, about_host
from deepwhisk.engine.admin import ROOT as ADMIN
from deepwhisk.engine.admin import answer_admin
from deepwhisk.engine.api_docs import api_docs
from deepwhisk.engine.apimgmt import answer_apimgmt
from deepwhisk.engine.authentication import SYSTEM
from deepwhisk.engine.exchange import (
    ACTIVATION_ID,
    JSON,
    check_accept,
    readable,
    reply,
    reply_problem,
    reply_text,
    target,
)
from deepwhisk.engine.forwarding import answer_forwarding
from deepwhisk.engine.gateway import answer_gateway, is_routed
from deepwhisk.engine.metrics import CONTENT_TYPE
from deepwhisk.engine.platform import Platform, log
from deepwhisk.engine.problems import (
    FAILED_INSIDE,
    Abandoned,
    Problem,
    Rejection,
    forbidden,
    method_not_allowed,
    no_route,
)
from deepwhisk.engine.rest import ENTITIES, answer_rest
from deepwhisk.engine.web import answer_web

API, NAMESPACES, WEB = "/api/v1", "/api/v1/namespaces", "/api/v1/web/"
APIMGMT = WEB + "whisk.system/apimgmt/"
TRANSACTION, EXTRA_LOGGING = "X-Request-ID", "X-OW-EXTRA-LOGGING"
CORS = CIMultiDict(
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": (
            "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent"
        ),
    }
)
METHODS, TOP_METHODS = "GET, DELETE, POST, PUT, HEAD", "OPTIONS, GET, POST"
VERBS = ("PUT", "GET", "DELETE", "POST", "HEAD", "OPTIONS", "PATCH")

Answer = Callable[[BaseRequest], Awaitable[Response]]
OTHERS = ((APIMGMT, answer_apimgmt), (WEB, answer_web), (ADMIN, answer_admin))


def create_app(platform: Platform) -> Answer:
    """The engine over PLATFORM, for `aiohttp.web.Server`."""

    async def answer(request: BaseRequest) -> Response:
        transaction_id = _transaction(request)
        path, _, query = target(request.raw_path).partition("?")
        try:
            response = await _route(platform, request, transaction_id, path, query)
        except Problem as problem:
            response = _refused(problem, transaction_id, path)
        except HTTPRequestEntityTooLarge:
            return reply_text("Request too large", 400)
        except Abandoned as abandoned:
            return reply_text(abandoned.message, abandoned.status)
        except Exception:  # noqa: BLE001  the last line: whatever it was, the client gets an answer
            about = {"transaction": transaction_id, "method": request.method, "path": path}
            log.exception(
                "%s %s failed inside the engine (%s)", request.method, path, transaction_id, extra=about
            )
            response = _refused(Problem(500, FAILED_INSIDE), transaction_id, path)
        response.headers[TRANSACTION] = transaction_id
        if EXTRA_LOGGING in request.headers or log.isEnabledFor(DEBUG):
            _log(request, response, transaction_id, path)
        return response

    return answer


def _log(request: BaseRequest, response: Response, transaction_id: str, path: str) -> None:
    """One request, without its query, which may hold what is nobody's to read."""
    level = INFO if request.headers.get(EXTRA_LOGGING) == "on" else DEBUG
    about = {
        "transaction": transaction_id,
        "method": request.method,
        "path": path,
        "status": response.status,
        "activation": response.headers.get(ACTIVATION_ID),
    }
    text = "%s %s answered with %d (%s)"
    log.log(level, text, request.method, path, response.status, transaction_id, extra=about)


def _refused(problem: Problem, transaction_id: str, path: str) -> Response:
    response = reply_problem(problem, transaction_id)
    if isinstance(problem, Rejection) or not path.startswith(API):
        return response
    return _add_cors(response)


def _add_cors(response: Response, methods: str = METHODS) -> Response:
    response.headers.extend(CORS)
    response.headers["Access-Control-Allow-Methods"] = methods
    return response


def _transaction(request: BaseRequest) -> str:
    sent = request.headers.get(TRANSACTION)
    return readable(sent) if sent and not sent.startswith("sid_") else os.urandom(16).hex()


async def _route(
    platform: Platform, request: BaseRequest, transaction_id: str, path: str, query: str
) -> Response:
    for prefix, answer in OTHERS:
        if path.startswith(prefix):
            response = await answer(platform, request, transaction_id, path[len(prefix) :], query)
            if response is not None:
                return response
    if is_routed(path):
        return await answer_gateway(platform, request, transaction_id, path, query)
    if not path.startswith(API) or path[len(API) : len(API) + 1] not in ("", "/"):
        forwarding = answer_forwarding(platform, request, path)
        return _top(platform, request, path) if forwarding is None else forwarding
    if request.method == "OPTIONS":
        return _add_cors(reply_text("OK"))
    if request.method not in VERBS:
        raise method_not_allowed(*VERBS)
    return _add_cors(await _api(platform, request, transaction_id, path, query))


async def _api(
    platform: Platform, request: BaseRequest, transaction_id: str, path: str, query: str
) -> Response:
    if path in (API, f"{API}/") and request.method == "GET":
        return reply(about_api())
    if path == f"{API}/api-docs" and request.method == "GET":
        return reply(api_docs(ENTITIES))
    caller = platform.identities.require(request.headers.get("Authorization"))
    below = path[len(NAMESPACES) :]
    if not path.startswith(NAMESPACES) or below[:1] not in ("", "/"):
        raise no_route()
    response = await answer_rest(platform, request, transaction_id, caller, below, query)
    if "Accept" in request.headers and response.content_type == JSON:  # the other answer is a plain OK
        check_accept(request, response)
    return response


def _metrics(platform: Platform, request: BaseRequest) -> Response:
    """For Prometheus on this machine; from elsewhere, for the operator: names of actions are in it."""
    if not _is_near(request):
        caller = platform.identities.require(request.headers.get("Authorization"))
        if caller.namespace != SYSTEM:
            raise forbidden("/metrics")
    return Response(body=platform.metrics.text(), headers={"Content-Type": CONTENT_TYPE})


def _is_near(request: BaseRequest) -> bool:
    """From this machine, and not through a proxy that is on it."""
    forwarded = {"Forwarded", "X-Forwarded-For"} & set(request.headers)
    return not forwarded and request.remote in ("127.0.0.1", "::1")


def _top(platform: Platform, request: BaseRequest, path: str) -> Response:
    """What is outside of the API."""
    pages: dict[str, Callable[[], Response]] = {
        "/": lambda: reply(about_host(platform.limits, platform.registry.kinds)),
        "/ping": lambda: reply_text("pong"),
        "/environments": lambda: reply(platform.pool.status().environments),
        "/metrics": lambda: _metrics(platform, request),
        "/invokers": lambda: reply({"invoker0/0": "up"}),
        "/invokers/healthy/count": lambda: reply(1),
        "/invokers/ready": lambda: reply({"healthy": "1/1"}),
    }
    page = pages.get(path)
    if request.method == "OPTIONS":
        return _add_cors(reply_text("OK"), TOP_METHODS)
    if page is None:
        raise method_not_allowed("OPTIONS")
    if request.method != "GET":
        raise method_not_allowed("GET", "OPTIONS")
    return page()
