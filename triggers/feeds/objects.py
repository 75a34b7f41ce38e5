"""The feed `feeds/objects`: objects that arrive in a bucket fire a trigger.

It forwards what `wsk` or `wskdeploy` ask (CREATE, READ, UPDATE, DELETE, PAUSE, UNPAUSE) to the feed
service at the package's `feed_url`, and says what that answered. The service checks authKey.
"""

from typing import Any

import requests

SECONDS = 280


def main(args: dict[str, Any]) -> dict[str, Any]:
    """Forward one lifecycle event; an error names what was refused and why."""
    url = args.get("feed_url")
    if not url:
        return failure("feed_url is not set; deploy the package `feeds` with DEEPWHISK_FEED_URL")
    wanted = {
        name: value for name, value in args.items() if name != "feed_url" and not name.startswith("__ow_")
    }
    try:
        response = requests.post(f"{str(url).rstrip('/')}/subscriptions", json=wanted, timeout=SECONDS)
        answer = response.json()
    except requests.JSONDecodeError:
        return failure(f"{url} is no feed service: it answered {response.status_code} without JSON")
    except requests.RequestException as error:
        return failure(
            f"the feed service at {url} does not answer: {type(error).__name__}; is `deepwhisk up` running?"
        )
    return answer if response.ok else failure(answer.get("error", f"HTTP status {response.status_code}"))


def failure(message: str) -> dict[str, Any]:
    """An application error."""
    return {"error": message}
