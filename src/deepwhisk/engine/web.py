"""Web actions: an action called by plain HTTP, without the platform's credentials.

What is missing, private or not exported answers the same 404, so that nobody learns what exists. The
activation belongs to the owner of the action.
"""

import hmac
from typing import Any

from aiohttp.web import BaseRequest, Response
from multidict import CIMultiDict

from deepwhisk.engine.activations import Record, new_activation_id
from deepwhisk.engine.authentication import Identity
from deepwhisk.engine.codec import dumps_pretty
from deepwhisk.engine.exchange import ACTIVATION_ID, JSON, SERVER_TIMING, check_accept
from deepwhisk.engine.invocation import APPLICATION_ERROR, ENVIRONMENT, SUCCESS, Progress
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import (
    FAILED_INSIDE,
    Abandoned,
    Problem,
    Rejection,
    method_not_allowed,
    missing,
    secret_needed,
)
from deepwhisk.engine.steps import Step
from deepwhisk.engine.targets import Target, target
from deepwhisk.engine.web_answer import render
from deepwhisk.engine.web_request import Address, read_address, read_arguments
from deepwhisk.engine.work import Work, wait

VERBS = ("GET", "DELETE", "POST", "PUT", "HEAD", "OPTIONS", "PATCH")
RETRY = 15  # seconds
ALLOWED_HEADERS = "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent"


async def answer_web(
    platform: Platform, request: BaseRequest, transaction_id: str, below: str, query: str
) -> Response | None:
    """Answers what is below `/api/v1/web/`; nothing when that is no address of an action."""
    address = read_address(below)
    if address is None:
        return None
    return await answer_address(platform, request, transaction_id, address, query)


async def answer_address(
    platform: Platform,
    request: BaseRequest,
    transaction_id: str,
    address: Address,
    query: str,
    secret: str | None = None,
) -> Response:
    """Answers as the action at ADDRESS; SECRET is sent in place of the client's, by who knows it."""
    cors: CIMultiDict[str] = CIMultiDict()
    try:
        if request.method not in VERBS:
            raise method_not_allowed(*VERBS)
        owner, reached = _reach(platform, address)
        custom = reached.action.annotations.get("web-custom-options") is True
        cors = CIMultiDict() if custom else cors_headers(request)
        if request.method == "OPTIONS" and not custom:
            response = Response()
        else:
            if secret is None:
                secret = request.headers.get("X-Require-Whisk-Auth")
            response = await _call(platform, request, transaction_id, owner, reached, address, query, secret)
            check_accept(request, response)
    except Problem as problem:
        response = refused(problem, transaction_id)
        cors = CIMultiDict() if isinstance(problem, Rejection) else cors
    response.headers.extend(cors)
    return response


def cors_headers(request: BaseRequest) -> CIMultiDict[str]:
    asked = request.headers.get("Access-Control-Request-Headers")
    return CIMultiDict(
        {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH",
            "Access-Control-Allow-Headers": asked or ALLOWED_HEADERS,
        }
    )


def refused(problem: Problem, transaction_id: str) -> Response:
    body = dumps_pretty({"error": problem.message, "code": transaction_id})
    return Response(body=body, status=problem.status, headers=problem.headers, content_type=JSON)


def _reach(platform: Platform, address: Address) -> tuple[Identity, Target]:
    """The exported action at ADDRESS, and its owner."""
    owner = platform.identities.of(address.name.namespace) if address.name else None
    if address.name is None or owner is None:
        raise missing()
    try:
        reached = target(platform.registry, address.name, owner)
    except Problem:
        raise missing() from None
    if reached.action.annotations.get("web-export") is not True:
        raise missing()
    return owner, reached


def _check_secret(annotations: Any, sent: str | None, user: Identity | None) -> None:
    """`require-whisk-auth`: a secret that a header repeats, or true for any user of the platform."""
    needed = annotations.get("require-whisk-auth")
    if needed is None or needed is False or (needed is True and user is not None):
        return
    if needed is True or sent is None or not isinstance(needed, str | int | float):
        raise secret_needed()
    if not hmac.compare_digest(str(needed).encode(), sent.encode(errors="surrogateescape")):
        raise secret_needed()


async def _call(
    platform: Platform,
    request: BaseRequest,
    transaction_id: str,
    owner: Identity,
    reached: Target,
    address: Address,
    query: str,
    secret: str | None,
) -> Response:
    platform.throttles.invoke(owner.namespace)
    user = platform.identities.identify_header(request.headers.get("Authorization"))
    if request.method != "OPTIONS":
        _check_secret(reached.action.annotations, secret, user)
    limits = platform.tables.of(owner.namespace)
    name = user.namespace if user else None
    arguments = await read_arguments(request, reached, address, query, name, limits.max_payload)
    platform.throttles.begin(owner.namespace)
    assert address.name is not None
    step = Step(new_activation_id(), address.name, owner, transaction_id, arguments)
    seconds, progress = platform.limits.max_wait / 1000, step.progress
    record = await wait(platform, Work(step, reached), seconds, lambda: _waits_in_vain(progress))
    if record is None:
        raise _unready(platform, progress) if _waits_in_vain(progress) else _late(step)
    try:
        response = _answer(record, address.extension)
    except Problem as problem:
        problem.headers[SERVER_TIMING] = progress.timing()
        raise
    response.headers.add(SERVER_TIMING, progress.timing())
    return response


def _late(step: Step) -> Problem:
    return Problem(202, "Response not yet ready.", {ACTIVATION_ID: step.id})


def _waits_in_vain(progress: Progress) -> bool:
    """Whether what the action needs is still being made, so that no container has seen the call."""
    return progress.phase == ENVIRONMENT and not progress.begun


def _unready(platform: Platform, progress: Progress) -> Problem:
    making = [each["phase"] for each in platform.pool.status().environments if each["state"] == "making"]
    told = f": {'; '.join(making)}" if making else ""
    return Problem(
        503,
        f"The environment of the action is being made{told}. The action was not called; ask again.",
        {"Retry-After": str(RETRY), SERVER_TIMING: progress.timing()},
    )


def _answer(record: Record, extension: str) -> Response:
    if isinstance(record.result, list):
        raise Abandoned(500, FAILED_INSIDE)
    try:
        if record.status not in (SUCCESS, APPLICATION_ERROR):
            raise Problem(400, "There was an error processing your request.")
        value = record.result if record.status == SUCCESS else record.result["error"]
        response = render(extension, value)
    except Problem as problem:
        problem.headers[ACTIVATION_ID] = record.id
        raise
    response.headers[ACTIVATION_ID] = record.id
    return response
