"""The batch service, which holds all logic of trainings, asked over HTTP.

Law: a person's mistake is refused in the service's own sentence; a service that is away, or too busy, is
a reason to try again.
"""

import os
import re
from typing import Any

import requests
from refusing import Refused

SERVICE = ("batch_url", "batch_token")
MODEL = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
UUID = re.compile(r"[0-9a-f]{32}")
SECONDS = (3, 50)  # to connect, to answer: the action's own time is longer
LATER = (429, 502, 503, 504)
Json = dict[str, Any]


def asked(args: Json, verb: str, path: str, *filters: str, body: Json | None = None, **query: Any) -> Json:
    """What the service answers; FILTERS are members of the call that go into the query."""
    url, token = service_of(args)
    if verb == "POST":
        body = {"by": os.environ.get("__OW_NAMESPACE", ""), **(body or {})}
    query |= {name: args[name] for name in filters if args.get(name) is not None}
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = requests.request(
            verb, f"{url.rstrip('/')}{path}", params=query, json=body, headers=headers, timeout=SECONDS
        )
    except requests.RequestException as error:
        said = (
            f"the batch service at {url} does not answer: {type(error).__name__}; is `deepwhisk up` running?"
        )
        raise Refused(said, 503, later=True) from error
    return _read(answer, url)


def service_of(args: Json) -> tuple[str, str]:
    """Where the service is, and what it wants to be shown."""
    url, token = (args.get(name) for name in SERVICE)
    if not url:
        raise Refused("batch_url is not set; deploy the package training with DEEPWHISK_BATCH_URL", 503)
    return str(url), str(token or "")


def _read(answer: requests.Response, url: str) -> Json:
    try:
        found = answer.json()
    except requests.JSONDecodeError as error:
        said = f"{url} is no batch service: it answered {answer.status_code} without JSON"
        raise Refused(said, 503) from error
    if answer.ok:
        return dict(found)
    said = found.get("error") if isinstance(found, dict) else None
    later = answer.status_code in LATER
    raise Refused(
        str(said or f"the batch service answered {answer.status_code}"), answer.status_code, later=later
    )


def model_of(args: Json) -> str:
    """The model that a call is about."""
    name = args.get("model")
    if not isinstance(name, str) or not MODEL.fullmatch(name):
        raise Refused(
            f"model is {str(name)[:80]!r}; give the name of a model, as `deepwhisk models` lists it"
        )
    return name


def uuid_of(args: Json) -> str:
    """The training that a call is about."""
    name = args.get("uuid")
    if not isinstance(name, str) or not UUID.fullmatch(name):
        raise Refused(f"uuid is {str(name)[:80]!r}; give the 32 hexadecimal digits of a training", 404)
    return name
