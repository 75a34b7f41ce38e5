"""`…/triggers`: named events; to fire one invokes the actions of its active rules.

A fire is accepted as one unit: the trigger's record and every activation of its rules, or nothing.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp.web import BaseRequest, Response

from deepwhisk.engine.activations import Record, new_activation_id
from deepwhisk.engine.changes import check_overwrite, new_annotations, new_parameters, read_common
from deepwhisk.engine.codec import dumps
from deepwhisk.engine.entities import Link, Trigger
from deepwhisk.engine.exchange import Exchange, readable, reply
from deepwhisk.engine.invoke import accepted
from deepwhisk.engine.lists import list_entities
from deepwhisk.engine.names import Name, is_name
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import Problem
from deepwhisk.engine.sequences import check_rights
from deepwhisk.engine.steps import Step
from deepwhisk.engine.targets import target
from deepwhisk.engine.work import Work, accept


async def list_all(platform: Platform, exchange: Exchange) -> Response:
    exchange.own()
    return list_entities(exchange, "triggers", platform.registry.newest(Trigger, exchange.namespace))


async def get(platform: Platform, exchange: Exchange, name: Name) -> Response:
    exchange.own(name.name)
    return reply(platform.registry.get(Trigger, name).as_json())


async def delete(platform: Platform, exchange: Exchange, name: Name) -> Response:
    exchange.own(name.name)
    trigger = platform.registry.get(Trigger, name)
    platform.registry.delete([trigger])
    return reply(trigger.as_json())


async def put(platform: Platform, exchange: Exchange, name: Name) -> Response:
    body = await exchange.content()
    exchange.own(name.name)
    parameters = new_parameters(body, platform.tables.of(name.namespace))
    annotations = new_annotations(body, platform.tables.of(name.namespace))
    old = platform.registry.find(Trigger, name)
    check_overwrite(exchange, old)
    if old is None and annotations and "feed" in annotations:
        _check_feed(annotations["feed"])
    kept = old or Trigger(name=name)
    trigger = replace(
        kept,
        parameters=kept.parameters if parameters is None else parameters,
        annotations=kept.annotations if annotations is None else annotations,
        **read_common(body, old),
    )
    return reply(platform.registry.put(trigger).as_json())


def _check_feed(feed: Any) -> None:
    segments = feed.strip("/").split("/") if isinstance(feed, str) else []
    if not segments or not all(is_name(segment) for segment in segments):
        raise Problem(400, "Feed name is not valid")


async def fire(platform: Platform, exchange: Exchange, name: Name) -> Response:
    platform.throttles.fire(exchange.caller.namespace)
    exchange.own(name.name)
    trigger = platform.registry.get(Trigger, name)
    payload = await exchange.payload(platform.tables.of(name.namespace).max_payload)
    rules = trigger.rules or {}
    if not any(link.active for link in rules.values()):
        return Response(status=204)
    arguments = {
        **{key: parameter.value for key, parameter in trigger.parameters.items()},
        "__ow_headers": _headers(exchange.request),
        **payload,
    }
    logs, works = _activate(platform, exchange, rules, arguments)
    record = _record(exchange, trigger, payload, logs)
    stores = platform.tables.of(exchange.caller.namespace).stores
    await accept(platform, works, *([record.statement()] if stores else []))
    return accepted(record.id)


def lowered_headers(request: BaseRequest) -> dict[str, str]:
    """Names in lower case, the last of repeated ones; what belongs to the transport is left out."""
    headers = {key.lower(): readable(value) for key, value in request.headers.items()}
    for hop in ("content-length", "transfer-encoding"):
        headers.pop(hop, None)
    return headers


def _headers(request: BaseRequest) -> dict[str, str]:
    """What a fire hands on; the type of its body is not among it."""
    return {key: value for key, value in lowered_headers(request).items() if key != "content-type"}


def _activate(
    platform: Platform, exchange: Exchange, rules: Mapping[str, Link], arguments: dict[str, Any]
) -> tuple[list[str], list[Work]]:
    """One line for each rule, and the work of those that are active."""
    logs, works = [], []
    for rule, link in rules.items():
        line: dict[str, Any] = {"statusCode": 0, "success": True, "rule": rule, "action": link.action.id}
        try:
            works.append(_work(platform, exchange, rule, link, arguments))
            line["activationId"] = works[-1].step.id
        except Problem as problem:
            code = 3 if problem.status >= 500 else 1
            line.update({"statusCode": code, "success": False, "error": problem.message})
        logs.append(dumps(line).decode())
    return logs, works


def _work(platform: Platform, exchange: Exchange, rule: str, link: Link, arguments: dict[str, Any]) -> Work:
    if not link.active:
        text = f"Rule '{rule}' is inactive, action '{link.action.id}' was not activated."
        raise Problem(400, text)
    platform.throttles.invoke(exchange.caller.namespace)
    reached = target(platform.registry, link.action, exchange.caller)
    check_rights(platform.registry, reached.action, exchange.caller.namespace)
    reached.check_overrides(arguments)
    platform.throttles.begin(exchange.caller.namespace)
    step = Step(new_activation_id(), link.action, exchange.caller, exchange.transaction_id, arguments)
    return Work(step, reached)


def _record(exchange: Exchange, trigger: Trigger, payload: dict[str, Any], logs: list[str]) -> Record:
    return Record(
        id=new_activation_id(),
        namespace=exchange.caller.namespace,
        subject=exchange.caller.subject,
        name=trigger.name.name,
        path=trigger.name.name,
        version=trigger.version,
        start=int(time.time() * 1000),
        result=payload,
        logs=logs,
    )
