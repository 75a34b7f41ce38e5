"""Lists: how many, from where, or only their number."""

import re
from collections.abc import Iterable
from itertools import islice

from aiohttp.web import Response

from deepwhisk.engine.entities import Entity
from deepwhisk.engine.exchange import Exchange, reply
from deepwhisk.engine.problems import bad_query

DEFAULT, MOST = 30, 200
INTEGER, LONG = 31, 63  # bits, beside the sign
_DIGITS = re.compile(r"[+-]?[0-9]{1,19}")


def read_limit(exchange: Exchange, collection: str) -> int:
    """How many at most; 0 means as many as there may be."""
    limit = exchange.value("limit", lambda text: _integer("limit", text, collection), DEFAULT)
    if not 0 <= limit <= MOST:
        raise bad_query("limit", f"The value '{limit}' is not in the range of 0 to {MOST} for {collection}.")
    return limit or MOST


def read_skip(exchange: Exchange, collection: str) -> int:
    skip = exchange.value("skip", lambda text: _integer("skip", text, collection), 0)
    if skip < 0:
        raise bad_query("skip", f"The value '{skip}' is not greater than or equal to 0 for {collection}.")
    return skip


def _integer(key: str, text: str, collection: str) -> int:
    value = number(text, INTEGER)
    if value is None:
        raise bad_query(key, f"The value '{text}' is not an integer for {collection}.")
    return value


def number(text: str, bits: int) -> int | None:
    """The whole number that TEXT is, if it is one and has no more than BITS."""
    value = int(text) if _DIGITS.fullmatch(text) else None
    return value if value is not None and -(1 << bits) <= value < 1 << bits else None


def list_entities(exchange: Exchange, collection: str, entities: Iterable[Entity]) -> Response:
    limit, skip = read_limit(exchange, collection), read_skip(exchange, collection)
    if exchange.flag("count"):
        return reply({collection: max(0, sum(1 for _ in entities) - skip)})
    return reply([entity.listed() for entity in islice(entities, skip, skip + limit)])
