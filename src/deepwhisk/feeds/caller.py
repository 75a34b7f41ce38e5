"""Who asks something of a feed, and about which trigger.

Law: whoever asks shows the namespace's key, and OpenWhisk says whose it is.
"""

from typing import Any, NamedTuple

from deepwhisk.errors import FeedError
from deepwhisk.feeds.apihost import Apihost


class Caller(NamedTuple):
    """A trigger, and the key that proves whose it is."""

    namespace: str
    trigger: str
    auth: str

    @property
    def name(self) -> str:
        return f"{self.namespace}/{self.trigger}"


async def identify(apihost: Apihost, arguments: dict[str, Any]) -> Caller:
    """The trigger that is meant, in the namespace whose key was given. Raises FeedError."""
    auth, trigger = arguments.get("authKey"), arguments.get("triggerName")
    if not isinstance(auth, str) or not auth:
        raise FeedError("authKey is missing; it proves that the trigger is yours", 401)
    if not isinstance(trigger, str) or not trigger.strip("/"):
        raise FeedError("triggerName is missing; give /_/NAME")
    namespace = await apihost.namespace(auth)
    if namespace is None:
        raise FeedError(f"authKey is nobody's at {apihost.url}", 401)
    *before, name = trigger.strip("/").split("/")
    if before not in ([], ["_"], [namespace]):
        raise FeedError(f"the trigger {trigger} is not in {namespace}, whose key authKey is", 403)
    return Caller(namespace, name, auth)
