"""`whisk.system/apimgmt`: what `wsk api` and its like call, answered by the engine itself.

On a cluster these are web actions that configure a gateway. The caller is who his credentials say he is.
"""

import hmac
from collections.abc import Callable
from typing import Any

from aiohttp.web import BaseRequest, Response

from deepwhisk.engine import apicalls
from deepwhisk.engine.apicalls import Asked
from deepwhisk.engine.apipaths import Json, Unfit
from deepwhisk.engine.authentication import Identity
from deepwhisk.engine.codec import loads_foreign
from deepwhisk.engine.exchange import check_length, read_query, reply
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import Problem, method_not_allowed, secret_needed, too_large
from deepwhisk.engine.web import cors_headers, refused

Call = Callable[[Asked], Json]
UNSAID = "undefined"  # what the JavaScript client writes for an option it was not given


async def answer_apimgmt(
    platform: Platform, request: BaseRequest, transaction_id: str, below: str, query: str
) -> Response | None:
    """Answers one of the three calls; nothing when it is none of them."""
    known = _CALLS.get(below.removesuffix(".http"))
    if known is None:
        return None
    try:
        response = await _answer(platform, request, query, *known)
    except Problem as problem:
        response = refused(problem, transaction_id)
    response.headers.extend(cors_headers(request))
    return response


async def _answer(
    platform: Platform, request: BaseRequest, query: str, verb: str, what: str, call: Call
) -> Response:
    if request.method == "OPTIONS":
        return Response()
    caller = platform.identities.identify_header(request.headers.get("Authorization"))
    if caller is None:
        raise secret_needed()
    if request.method != verb:
        raise method_not_allowed(verb, "OPTIONS")
    said = {name: text for name, text in read_query(query).items() if text != UNSAID}
    members = {**said, **await _body(request, platform.tables.of(caller.namespace).max_payload)}
    _check_space(caller, members.get("spaceguid"))
    try:
        return reply(call(_asked(platform, caller, request, members)))
    except Unfit as unfit:
        return reply({"error": f"{what}{unfit}"}, 502)


def _asked(platform: Platform, caller: Identity, request: BaseRequest, members: Json) -> Asked:
    return Asked(platform.apis, caller.namespace, f"{request.scheme}://{request.host}", members)


async def _body(request: BaseRequest, limit: int) -> Json:
    check_length(request, limit)
    body = await request.read()
    if len(body) > limit:
        raise too_large("Request", len(body), limit)
    content = loads_foreign(body) if body else {}
    return content if isinstance(content, dict) else {}


def _check_space(caller: Identity, space: Any) -> None:
    """Clients repeat the first half of their key; one that says another's is not who he says he is."""
    if space is None:
        return
    if not isinstance(space, str) or not hmac.compare_digest(space.encode(), caller.uuid.encode()):
        raise Problem(
            403, f"The 'spaceguid' is not that of '{caller.namespace}', whose key this request has."
        )


_CALLS: dict[str, tuple[str, str, Call]] = {
    "createApi": ("POST", "API creation failure: ", apicalls.create),
    "getApi": ("GET", "", apicalls.get),
    "deleteApi": ("DELETE", "API deletion failure: ", apicalls.delete),
}
