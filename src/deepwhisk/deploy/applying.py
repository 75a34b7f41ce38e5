"""Making the changes of a plan, one request after another.

A failure names the entity and how far the deployment came; the same plan made again continues there.
"""

from collections.abc import Callable, Iterable
from typing import Any

from deepwhisk.deploy.comparing import FEED_DIGEST
from deepwhisk.deploy.planning import Change, FeedCall
from deepwhisk.errors import WhiskError, WhiskUnreachable
from deepwhisk.whisk import NOT_FOUND, Whisk

CONFLICT = 409


def _silent(change: Change) -> None:
    """Tell nobody."""


def apply(
    changes: Iterable[Change], whisk: Whisk, on_step: Callable[[Change], None] = _silent
) -> tuple[str, ...]:
    """Make the changes; `on_step` hears of each one made. Returns sentences on what was passed over."""
    todo = [change for change in changes if change.verb != "keep"]
    notes: list[str] = []
    for done, change in enumerate(todo):
        try:
            notes += _make(change, whisk)
        except WhiskError as error:
            raise _told(error, change, done, len(todo)) from error
        on_step(change)
    return tuple(notes)


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
    """The digest that says `the feed knows` is written last, when it does."""
    creates = any(call.event == "CREATE" for call in change.feed)
    if creates:
        whisk.put("triggers", change.name, _without_digest(change))
    notes = []
    for call in change.feed:
        try:
            notes += _tell(call, change.name, whisk)
        except WhiskError:
            if change.verb == "create":
                whisk.delete("triggers", change.name)
            raise
    whisk.put("triggers", change.name, dict(change.body))
    return notes


def _without_digest(change: Change) -> dict[str, Any]:
    annotations = [pair for pair in change.body["annotations"] if pair["key"] != FEED_DIGEST]
    return {**change.body, "annotations": annotations}


def _tell(call: FeedCall, trigger: str, whisk: Whisk) -> list[str]:
    """Invoke a feed as `wsk` does; one that fails to forget a trigger does not keep it alive."""
    told = {"lifecycleEvent": call.event, "triggerName": f"/_/{trigger}", "authKey": whisk.auth}
    try:
        _finish(whisk.invoke(call.feed.removeprefix("/_/"), {**call.inputs, **told}), whisk)
    except WhiskError as error:
        if call.event != "DELETE" or isinstance(error, WhiskUnreachable):
            raise
        return (
            [] if error.status == NOT_FOUND else [f"The feed {call.feed} did not forget {trigger}: {error}"]
        )
    return []


def _finish(activation: dict[str, Any], whisk: Whisk) -> None:
    """Wait for a feed that a server does not wait for: the first call may have to make an environment."""
    if "response" not in activation:
        activation = whisk.finished(activation["activationId"])
    response = activation["response"]
    if not response.get("success"):
        raise WhiskError(f"{response.get('result')} (activation {activation['activationId']})", 502)


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
