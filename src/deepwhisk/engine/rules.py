"""`…/rules`: a trigger and an action, joined while the rule is active.

The status of a rule is kept in its trigger, so the two are always stored together.
"""

from dataclasses import replace
from typing import Any

from aiohttp.web import Response

from deepwhisk.engine.changes import check_overwrite, new_annotations, read_common
from deepwhisk.engine.entities import Link, Rule, Trigger
from deepwhisk.engine.exchange import Exchange, reply, reply_text
from deepwhisk.engine.lists import list_entities
from deepwhisk.engine.names import Name, resolve
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import Problem, forbidden, malformed
from deepwhisk.engine.targets import find_action

INACTIVE = "inactive"
STATES = {"active": True, INACTIVE: False}


async def list_all(platform: Platform, exchange: Exchange) -> Response:
    exchange.own()
    return list_entities(exchange, "rules", platform.registry.newest(Rule, exchange.namespace))


async def get(platform: Platform, exchange: Exchange, name: Name) -> Response:
    exchange.own(name.name)
    rule = platform.registry.get(Rule, name)
    link = _link(platform, rule)
    return reply(rule.as_json(link.status if link else INACTIVE))


async def delete(platform: Platform, exchange: Exchange, name: Name) -> Response:
    exchange.own(name.name)
    rule = platform.registry.get(Rule, name)
    platform.registry.delete([rule], *_detached(platform, rule))
    return reply(rule.as_json(INACTIVE))


async def put(platform: Platform, exchange: Exchange, name: Name) -> Response:
    body = await exchange.content()
    exchange.own(name.name)
    old = platform.registry.find(Rule, name)
    check_overwrite(exchange, old)
    rule = replace(_joined(platform, exchange, body, name, old), **read_common(body, old))
    annotations = new_annotations(body, platform.tables.of(name.namespace))
    if annotations is not None:
        rule = replace(rule, annotations=annotations)
    link = _link(platform, old) if old else None
    active = link.active if link else old is None
    stored = _store(platform, rule, old, active)
    return reply(stored.as_json("active" if active else INACTIVE))


def _store(platform: Platform, rule: Rule, old: Rule | None, active: bool) -> Rule:
    """The rule, with the trigger it leaves and the one it joins."""
    left = _detached(platform, old) if old and old.trigger != rule.trigger else []
    trigger = _trigger(platform, rule.trigger)
    joined = [_with_link(trigger, rule, active)] if trigger else []
    return platform.registry.put(rule, None, *left, *joined)


async def set_state(platform: Platform, exchange: Exchange, name: Name) -> Response:
    body = await exchange.content()
    exchange.own(name.name)
    state = body.get("status")
    if "status" not in body:
        raise malformed("key not found: status")
    if not isinstance(state, str) or state not in STATES:
        raise malformed(f"requirement failed: {state} is not a recognized rule state")
    rule = platform.registry.get(Rule, name)
    trigger = _trigger(platform, rule.trigger)
    if trigger is not None and rule.name.id in (trigger.rules or {}):
        platform.registry.keep(_with_link(trigger, rule, STATES[state]))
    elif trigger is not None and STATES[state]:
        platform.registry.keep(_with_link(trigger, rule, True))
    elif STATES[state]:
        raise Problem(404, "Only rules with existing triggers can be activated")
    return reply_text("OK")


def _joined(
    platform: Platform, exchange: Exchange, body: dict[str, Any], name: Name, old: Rule | None
) -> Rule:
    """The rule with the trigger and the action that the body names; both must be there."""
    caller = exchange.caller.namespace
    trigger, action = (
        resolve(body[member], caller) if body.get(member) is not None else None
        for member in ("trigger", "action")
    )
    if old is None and (trigger is None or action is None):
        raise Problem(400, "rule requires a valid trigger and a valid action")
    if trigger is not None:
        _check_trigger(platform, trigger, caller)
    if action is not None:
        _check_action(platform, action, caller)
    if old is not None:
        return replace(old, trigger=trigger or old.trigger, action=action or old.action)
    assert trigger is not None
    assert action is not None
    return Rule(name=name, trigger=trigger, action=action)


def _check_trigger(platform: Platform, trigger: Name, caller: str) -> None:
    if trigger.namespace != caller:
        raise forbidden(trigger.id)
    try:
        found = platform.registry.find(Trigger, trigger)
    except Problem:
        raise Problem(400, f"/{trigger.id} is not a trigger") from None
    if found is None:
        raise Problem(400, f"trigger /{trigger.id} does not exist")


def _check_action(platform: Platform, action: Name, caller: str) -> None:
    try:
        find_action(platform.registry, action, caller)
    except Problem as problem:
        if problem.status == 409:
            raise Problem(400, f"/{action.id} is not an action") from None
        if problem.status == 404 and action.package is None:
            raise Problem(400, f"action /{action.id} does not exist") from None
        raise


def _trigger(platform: Platform, name: Name) -> Trigger | None:
    """The trigger NAME, unless it has gone or something else has its name now."""
    try:
        return platform.registry.find(Trigger, name)
    except Problem:
        return None


def _link(platform: Platform, rule: Rule) -> Link | None:
    trigger = _trigger(platform, rule.trigger)
    return (trigger.rules or {}).get(rule.name.id) if trigger else None


def _with_link(trigger: Trigger, rule: Rule, active: bool) -> Trigger:
    return replace(trigger, rules={**(trigger.rules or {}), rule.name.id: Link(rule.action, active)})


def _detached(platform: Platform, rule: Rule) -> list[Trigger]:
    """The trigger of RULE without it, if there is one that knows it."""
    trigger = _trigger(platform, rule.trigger)
    if trigger is None or rule.name.id not in (trigger.rules or {}):
        return []
    left = {name: link for name, link in (trigger.rules or {}).items() if name != rule.name.id}
    return [replace(trigger, rules=left)]
