"""`…/activations`: what was invoked, and what came of it.

`usage=true`, which OpenWhisk does not know, adds to each record what its call used.
"""

from aiohttp.web import Response

from deepwhisk.engine.activations import whole
from deepwhisk.engine.exchange import Exchange, reply, reply_bytes
from deepwhisk.engine.lists import LONG, number, read_limit, read_skip
from deepwhisk.engine.names import check_activation_id, is_name
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import Problem, bad_query
from deepwhisk.engine.tallies import Filter


async def list_all(platform: Platform, exchange: Exchange) -> Response:
    exchange.own()
    full, count, usage = exchange.flag("docs"), exchange.flag("count"), exchange.flag("usage")
    limit, skip = read_limit(exchange, "activations"), read_skip(exchange, "activations")
    which = _filter(exchange)
    if not count:
        return reply(await platform.activations.newest(which, limit, skip, full=full, usage=usage))
    if full:
        raise Problem(400, "The parameter 'docs' is not permitted with 'count'.")
    return reply({"activations": max(0, await platform.activations.count(which) - skip)})


def _filter(exchange: Exchange) -> Filter:
    return Filter(
        exchange.namespace,
        exchange.value("name", _path, None),
        exchange.value("since", lambda text: _moment("since", text), None),
        exchange.value("upto", lambda text: _moment("upto", text), None),
    )


def _path(text: str) -> str | None:
    segments = [segment for segment in text.strip().split("/") if segment]
    if len(segments) > 2 or not all(is_name(segment) for segment in segments):
        detail = f"Parameter may be a 'simple' name or 'package-name/simple' name: {text}"
        raise bad_query("name", detail)
    return "/".join(segments) or None


def _moment(key: str, text: str) -> int:
    value = number(text, LONG)
    if value is None:
        raise bad_query(key, f"Parameter is not a valid value for epoch seconds: {text}")
    return value


async def get(platform: Platform, exchange: Exchange, activation_id: str, part: str = "") -> Response:
    exchange.own(activation_id)
    check_activation_id(activation_id)
    head, response, logs, usage = platform.activations.get(exchange.namespace, activation_id)
    if part == "logs":
        return reply_bytes(b'{"logs":%b}' % logs)
    if part == "result":
        return reply_bytes(response)
    return reply_bytes(whole(head, response, logs, usage if exchange.flag("usage") else None))
