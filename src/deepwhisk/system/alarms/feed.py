"""A feed of `/whisk.system/alarms`: it tells the feed service what is asked of a trigger's alarm.

It forwards CREATE, READ, UPDATE, DELETE, PAUSE and UNPAUSE to the package's `feed_url`, where authKey is
checked, and says what that answered.
"""

import json
import urllib.error
import urllib.request
from typing import Any

EVENTS = ("CREATE", "READ", "UPDATE", "DELETE", "PAUSE", "UNPAUSE")
SECONDS = 50
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main(args: dict[str, Any]) -> dict[str, Any]:
    if args.get("lifecycleEvent") not in EVENTS:
        return {"error": "unsupported lifecycleEvent"}
    url = str(args.get("feed_url") or "").rstrip("/")
    if not url:
        return failure("no feed service is set; the package alarms says in feed_url where one is")
    wanted = {
        name: value for name, value in args.items() if name != "feed_url" and not name.startswith("__ow_")
    }
    request = urllib.request.Request(
        f"{url}/alarms", json.dumps(wanted).encode(), {"Content-Type": "application/json"}
    )
    try:
        with DIRECT.open(request, timeout=SECONDS) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        return refused(error, url)
    except OSError as error:
        return failure(f"the feed service at {url} does not answer ({error}); is it running?")


def refused(error: urllib.error.HTTPError, url: str) -> dict[str, Any]:
    """What the service says is wrong."""
    try:
        return failure(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        return failure(f"{url} is no feed service: it answered {error.code} without JSON")


def failure(message: str) -> dict[str, Any]:
    """An error in the shape of OpenWhisk's own alarms, whose feeds pass on what their service answered."""
    return {"error": {"error": message}}
