"""The REST API's routes: a namespace, a collection, an entity, a verb.

A verb that a resource does not know is a resource that does not exist: 404, as OpenWhisk answers.
"""

from collections.abc import Awaitable, Callable
from types import ModuleType
from urllib.parse import unquote

from aiohttp.web import BaseRequest, Response

from deepwhisk.engine import actions, history, packages, rules, triggers
from deepwhisk.engine.authentication import Identity
from deepwhisk.engine.exchange import Exchange, read_query, reply
from deepwhisk.engine.invoke import invoke
from deepwhisk.engine.names import Name, check_name, check_namespace
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import no_route

Answer = Callable[[Platform, Exchange, Name], Awaitable[Response]]

COLLECTIONS: dict[str, ModuleType] = {
    "actions": actions,
    "packages": packages,
    "triggers": triggers,
    "rules": rules,
    "activations": history,
}
ENTITIES: dict[tuple[str, str], Answer] = {
    ("actions", "POST"): invoke,
    ("actions", "GET"): actions.get,
    ("actions", "PUT"): actions.put,
    ("actions", "DELETE"): actions.delete,
    ("packages", "GET"): packages.get,
    ("packages", "PUT"): packages.put,
    ("packages", "DELETE"): packages.delete,
    ("triggers", "POST"): triggers.fire,
    ("triggers", "GET"): triggers.get,
    ("triggers", "PUT"): triggers.put,
    ("triggers", "DELETE"): triggers.delete,
    ("rules", "POST"): rules.set_state,
    ("rules", "GET"): rules.get,
    ("rules", "PUT"): rules.put,
    ("rules", "DELETE"): rules.delete,
}


async def answer_rest(
    platform: Platform, request: BaseRequest, transaction_id: str, caller: Identity, path: str, query: str
) -> Response:
    """Answers what is below `/api/v1/namespaces`; PATH begins with the slash after it, or is empty."""
    segments = path.split("/")[1:]
    if not segments or segments == [""]:
        return _namespaces(request, caller)
    if len(segments) == 1:
        raise no_route()
    asked = unquote(segments[0])
    namespace = caller.namespace if asked == "_" else check_namespace(asked)
    exchange = Exchange(request, transaction_id, caller, namespace, read_query(query), platform.identities)
    collection, rest = segments[1], segments[2:]
    if collection == "limits" and not rest and request.method == "GET":
        exchange.own()
        return reply(platform.tables.of(namespace).as_json())
    if collection not in COLLECTIONS:
        raise no_route()
    return await _collection(platform, exchange, collection, rest)


def _namespaces(request: BaseRequest, caller: Identity) -> Response:
    if request.method != "GET":
        raise no_route()
    return reply([caller.namespace])


async def _collection(platform: Platform, exchange: Exchange, collection: str, rest: list[str]) -> Response:
    verb = exchange.request.method
    if not rest or rest == [""]:
        if verb != "GET":
            raise no_route()
        listed: Response = await COLLECTIONS[collection].list_all(platform, exchange)
        return listed
    if collection == "activations":
        return await _activation(platform, exchange, rest)
    if collection == "actions" and len(rest) == 2:
        return await _packaged(platform, exchange, rest)
    if len(rest) > 1 and (collection == "actions" or rest[1:] != [""]):
        raise no_route()
    return await _entity(platform, exchange, collection, exchange.name(_segment(rest[0])))


async def _packaged(platform: Platform, exchange: Exchange, rest: list[str]) -> Response:
    """An action in a package; with nothing after the slash, all of them."""
    package = _segment(rest[0])
    if rest[1]:
        return await _entity(platform, exchange, "actions", exchange.name(_segment(rest[1]), package))
    if exchange.request.method != "GET":
        raise no_route()
    return await actions.list_package(platform, exchange, package)


async def _entity(platform: Platform, exchange: Exchange, collection: str, name: Name) -> Response:
    answer = ENTITIES.get((collection, exchange.request.method))
    if answer is None:
        raise no_route()
    return await answer(platform, exchange, name)


async def _activation(platform: Platform, exchange: Exchange, rest: list[str]) -> Response:
    part = rest[1] if len(rest) > 1 else ""
    if exchange.request.method != "GET" or len(rest) > 2 or part not in ("", "logs", "result"):
        raise no_route()
    return await history.get(platform, exchange, unquote(rest[0]), part)


def _segment(text: str) -> str:
    return check_name(unquote(text))
