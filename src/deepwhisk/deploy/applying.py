"""Making the changes of a plan, one request after another.

A failure names what failed and how far the deployment came; the same plan made again continues there.
"""

from collections.abc import Callable, Iterable
from typing import Any

from deepwhisk.deploy.change import Change
from deepwhisk.deploy.feeding import FEED_DIGEST, FeedCall, digest, read_feed, remembered, tell
from deepwhisk.deploy.gateway import Gateway
from deepwhisk.deploy.managed import pairs, values
from deepwhisk.errors import WhiskError, WhiskUnreachable
from deepwhisk.whisk import NOT_FOUND, Whisk

CONFLICT = 409


def _silent(change: Change) -> None:
    """Tell nobody."""


def apply(
    changes: Iterable[Change],
    whisk: Whisk,
    on_step: Callable[[Change], None] = _silent,
    gateway: Gateway | None = None,
) -> tuple[str, ...]:
    """Make the changes; `on_step` hears of each one made. Returns sentences on what was passed over."""
    todo = [change for change in changes if change.verb != "keep"]
    notes: list[str] = []
    for done, change in enumerate(todo):
        try:
            if change.kind == "api":
                _make_route(change, gateway or Gateway(whisk))
            else:
                notes += _make(change, whisk)
        except WhiskError as error:
            raise _told(error, change, done, len(todo)) from error
        on_step(change)
    return tuple(notes)


def _make_route(change: Change, gateway: Gateway) -> None:
    namespace = gateway.whisk.namespace()
    if change.api is None:
        gateway.load(change.body["swagger"], namespace)
    elif change.verb == "delete":
        gateway.delete(change.api)
    else:
        gateway.create(change.api, namespace, change.body.get("secret"))


def _make(change: Change, whisk: Whisk) -> list[str]:
    if change.verb == "delete":
        return _delete(change, whisk)
    if change.kind == "trigger" and change.feed:
        return _put_fed_trigger(change, whisk)
    whisk.put(change.collection, change.name, dict(change.body))
    if change.kind == "rule":
        _activate(change.name, whisk)
    return []


def _activate(rule: str, whisk: Whisk) -> None:
    """A rule that somebody disabled, or whose trigger was made anew, is inactive."""
    whisk.request("POST", f"rules/{rule}", {"status": "active", "trigger": None, "action": None})


def _put_fed_trigger(change: Change, whisk: Whisk) -> list[str]:
    """The annotation that says `the feed knows` is written last, when it does."""
    creates = any(call.event == "CREATE" for call in change.feed)
    if creates:
        whisk.put("triggers", change.name, _remembering(change, None))
    notes = []
    for call in change.feed:
        try:
            notes += _tell(call, change.name, whisk)
        except WhiskError:
            if change.verb == "create":
                whisk.delete("triggers", change.name)
            raise
    last = change.feed[-1]
    if last.event == "DELETE":
        whisk.put("triggers", change.name, dict(change.body))
    else:
        reading = read_feed(last.feed, change.name, whisk)
        known = remembered(last.inputs, reading, digest(whisk.auth))
        whisk.put("triggers", change.name, _remembering(change, known))
    return notes


def _remembering(change: Change, known: dict[str, Any] | None) -> dict[str, Any]:
    annotations = values(change.body["annotations"])
    annotations.pop(FEED_DIGEST, None)
    return {
        **change.body,
        "annotations": pairs({**annotations, **({FEED_DIGEST: known} if known else {})}),
    }


def _tell(call: FeedCall, trigger: str, whisk: Whisk) -> list[str]:
    """A feed that fails to forget a trigger does not keep it alive."""
    try:
        tell(call, trigger, whisk)
    except WhiskError as error:
        if call.event != "DELETE" or isinstance(error, WhiskUnreachable):
            raise
        return (
            [] if error.status == NOT_FOUND else [f"The feed {call.feed} did not forget {trigger}: {error}"]
        )
    return []


def _delete(change: Change, whisk: Whisk) -> list[str]:
    notes = [note for call in change.feed for note in _tell(call, change.name, whisk)]
    try:
        whisk.delete(change.collection, change.name)
    except WhiskError as error:
        if change.kind == "package" and error.status == CONFLICT:
            return [*notes, f"The package {change.name} stays: it holds actions of others. {error}"]
        if error.status != NOT_FOUND:
            raise
    return notes


def _told(error: WhiskError, change: Change, done: int, todo: int) -> WhiskError:
    far = f"{done} of {todo} changes are made; deploy again to make the others." if done else ""
    message = f"Could not {change}: {error} {far}".rstrip()
    return type(error)(message, error.status, error.code, error.body)
