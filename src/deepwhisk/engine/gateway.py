"""The API gateway: `/api/NAMESPACE/BASE/PATH` answers as the web action behind that route.

The action is called as if its own address had been asked for, with the same rules; a gateway adds the secret
that its owner gave it, and nothing else. Of the routes that fit a request the most specific one answers.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from aiohttp.web import BaseRequest, Response
from multidict import CIMultiDict

from deepwhisk.engine.apidoc import VERBS, Route
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import Problem
from deepwhisk.engine.web import answer_address, cors_headers, refused
from deepwhisk.engine.web_request import Address

ROOT = "/api/"
_OURS = re.compile(r"v\d+")  # /api/v1 and its like belong to the platform


def may_have_apis(namespace: str) -> bool:
    return _OURS.fullmatch(namespace) is None


def is_routed(path: str) -> bool:
    """Whether PATH is one of a namespace's API."""
    tenant, slash, _ = path.removeprefix(ROOT).partition("/")
    return path.startswith(ROOT) and bool(tenant and slash) and may_have_apis(tenant)


async def answer_gateway(
    platform: Platform, request: BaseRequest, transaction_id: str, path: str, query: str
) -> Response:
    tenant, _, rest = path.removeprefix(ROOT).partition("/")
    fitting = platform.apis.routes(unquote(tenant)).fitting(_segments(rest))
    cors = all(route.cors for route in fitting)
    try:
        route = _choose(fitting, request.method, path)
        if route is None:
            response = Response()
        else:
            response = await _call(platform, request, transaction_id, route, f"/{rest}", query)
    except Problem as problem:
        response = refused(problem, transaction_id)
    return _with_cors(response, request, fitting) if cors else _without_cors(response)


def _segments(rest: str) -> list[str]:
    """The words of a path; a slash at its end means nothing."""
    path = rest.removesuffix("/")
    return [unquote(segment) for segment in path.split("/")] if path else []


def _choose(fitting: list[Route], method: str, path: str) -> Route | None:
    """The route that answers; none where the gateway itself tells a browser what is allowed."""
    if not fitting:
        raise Problem(404, f"No API has the path '{path}'.")
    verb = method.lower()
    for wanted in (verb, "get") if verb == "head" else (verb,):
        for route in fitting:
            if route.verb == wanted:
                return route
    if verb == "options" and all(route.cors for route in fitting):
        return None
    allowed = _methods(fitting)
    raise Problem(405, f"'{path}' does not answer {method}, only {allowed}.", {"Allow": allowed})


async def _call(
    platform: Platform, request: BaseRequest, transaction_id: str, route: Route, path: str, query: str
) -> Response:
    backend = route.backend
    address = Address(backend.name, backend.extension, path if backend.passes_path else "")
    secret = None if backend.secret is None else str(backend.secret)
    return await answer_address(platform, request, transaction_id, address, query, secret)


def _with_cors(response: Response, request: BaseRequest, fitting: list[Route]) -> Response:
    """What a browser may ask of these routes, where the action has not said it itself."""
    headers = cors_headers(request)
    if fitting:
        headers["Access-Control-Allow-Methods"] = _methods(fitting, "options")
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response


def _without_cors(response: Response) -> Response:
    kept = CIMultiDict(response.headers)
    for name in kept:
        if name.lower().startswith("access-control-"):
            response.headers.popall(name, None)
    return response


def _methods(routes: Iterable[Route], *others: str) -> str:
    verbs = {route.verb for route in routes} | set(others)
    return ", ".join(verb.upper() for verb in VERBS if verb in verbs)
