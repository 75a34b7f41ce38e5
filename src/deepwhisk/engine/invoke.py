"""`POST …/actions/NAME`: call an action, and wait for its result or not."""

from aiohttp.web import Response

from deepwhisk.engine.activations import Record, new_activation_id, whole
from deepwhisk.engine.codec import dumps
from deepwhisk.engine.exchange import ACTIVATION_ID, SERVER_TIMING, Exchange, reply, reply_bytes
from deepwhisk.engine.invocation import SUCCESS, WHISK_ERROR
from deepwhisk.engine.lists import INTEGER, number
from deepwhisk.engine.names import Name
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import FAILED_INSIDE, Problem, bad_query
from deepwhisk.engine.sequences import check_rights
from deepwhisk.engine.steps import Step
from deepwhisk.engine.targets import target
from deepwhisk.engine.work import Work, accept, wait


async def invoke(platform: Platform, exchange: Exchange, name: Name) -> Response:
    platform.throttles.invoke(exchange.caller.namespace)
    blocking, bare = exchange.flag("blocking"), exchange.flag("result")
    timeout = _timeout(exchange, platform.limits.max_wait)
    reached = target(platform.registry, name, exchange.caller)
    payload = await exchange.payload(platform.tables.of(exchange.caller.namespace).max_payload)
    check_rights(platform.registry, reached.action, exchange.caller.namespace)
    reached.check_overrides(payload)
    platform.throttles.begin(exchange.caller.namespace)
    step = Step(new_activation_id(), name, exchange.caller, exchange.transaction_id, payload)
    work = Work(step, reached)
    if not blocking:
        await accept(platform, [work])
        return accepted(step.id)
    record = await wait(platform, work, timeout / 1000)
    if record is None:
        return accepted(step.id)
    return _answer(record, bare, {SERVER_TIMING: step.progress.timing()})


def accepted(activation_id: str) -> Response:
    return reply({"activationId": activation_id}, 202, {ACTIVATION_ID: activation_id})


def _answer(record: Record, bare: bool, timing: dict[str, str]) -> Response:
    if "conductor" in record.annotations and record.result == {"error": FAILED_INSIDE}:
        raise Problem(500, FAILED_INSIDE)
    headers = {ACTIVATION_ID: record.id} | _used(record) | timing
    if bare or isinstance(record.result, list):
        return reply_bytes(dumps(record.result), _status(record), headers)
    logs = dumps(record.logs) if record.annotations.get("kind") == "sequence" else b"[]"
    return reply_bytes(whole(record.head, record.response, logs), _status(record), headers)


def _used(record: Record) -> dict[str, str]:
    """What `usage=true` says of an activation, as headers: seconds, bytes."""
    if record.container is None:
        return {}
    if record.usage is None:
        return {"X-OW-Container": record.container}
    return {
        "X-OW-Container": record.container,
        "X-OW-CPU-Time": f"{record.usage.cpu:.6f}",
        "X-OW-Memory-Peak": str(record.usage.memory),
    }


def _status(record: Record) -> int:
    if record.status == SUCCESS:
        return 200
    return 500 if record.status == WHISK_ERROR else 502


def _timeout(exchange: Exchange, most: int) -> int:
    text = exchange.query.get("timeout")
    if text is None:
        return most
    value = number(text, INTEGER)
    if value is None or not 0 < value <= most:
        raise bad_query("timeout", f"Timeout must be number of milliseconds up to {most}.")
    return value
