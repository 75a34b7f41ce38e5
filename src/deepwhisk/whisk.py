"""The REST client of an OpenWhisk endpoint.

It speaks only what every OpenWhisk speaks, whichever server answers. Names are `action`, `package/action` or
`/namespace/package/action`. An answer that is not 2xx is raised as `WhiskError` in the server's own words.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import requests

from deepwhisk.errors import WhiskError, WhiskUnreachable
from deepwhisk.sockets import is_loopback

CONNECT_SECONDS = 10.0
PAGE = 200  # the most entities that a server lists at once
LOST_UPDATE = "Concurrent modification to resource detected."
LOST_UPDATE_TRIES = 3
UNAUTHORIZED, NOT_FOUND = 401, 404
POLL_SECONDS = 0.5


class Whisk:
    """A namespace of an OpenWhisk endpoint, as the holder of `auth` sees it; one connection per thread."""

    def __init__(self, apihost: str, auth: str, timeout: float = 65.0, verify: bool | str = True) -> None:
        self.apihost = (apihost if "://" in apihost else f"https://{apihost}").rstrip("/")
        self.auth = auth
        self._timeout = timeout
        self._verify = verify
        self._threads = threading.local()

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Send one request; `path` is relative to the namespace, or absolute below `/api/v1/namespaces`."""
        base = "/" if path.startswith("/") else "/_/"
        return self.send(method, f"/api/v1/namespaces{base}{quote(path.lstrip('/'))}", body, query)

    def web(self, method: str, action: str, body: Any = None, **query: Any) -> Any:
        """Call a web action, `namespace/package/name.extension`, with the namespace's key."""
        return self.send(method, f"/api/v1/web/{quote(action)}", body, query)

    def namespace(self) -> str:
        """The name that `_` stands for."""
        names = self.send("GET", "/api/v1/namespaces", None, {})
        return str(names[0])

    def about(self) -> dict[str, Any]:
        """What the server says of itself: limits and runtimes."""
        answer = self.send("GET", "/", None, {})
        return answer if isinstance(answer, dict) else {}

    def list(self, collection: str, **query: Any) -> list[dict[str, Any]]:
        """All entities of a collection (`actions`, `actions/package/`, …), or a page if `limit` is given."""
        if "limit" in query:
            return list(self.request("GET", collection, **query))
        return list(self.pages(collection, **query))

    def get(self, collection: str, name: str, **query: Any) -> dict[str, Any]:
        return dict(self.request("GET", _path(collection, name), **query))

    def put(
        self, collection: str, name: str, body: dict[str, Any], *, overwrite: bool = True
    ) -> dict[str, Any]:
        """Create or update an entity; an update that another one overtook is tried again."""
        for attempt in range(1, LOST_UPDATE_TRIES + 1):
            try:
                return dict(self.request("PUT", _path(collection, name), body, overwrite=overwrite))
            except WhiskError as error:
                if LOST_UPDATE not in str(error) or attempt == LOST_UPDATE_TRIES:
                    raise
                time.sleep(1)
        raise AssertionError("the last attempt returns or raises")

    def delete(self, collection: str, name: str, **query: Any) -> dict[str, Any]:
        return dict(self.request("DELETE", _path(collection, name), **query))

    def invoke(
        self, name: str, args: dict[str, Any] | None = None, *, blocking: bool = True, result: bool = False
    ) -> Any:
        """The activation, its result only, or `{"activationId": …}` when the answer is not waited for."""
        return self.request("POST", _path("actions", name), args or {}, blocking=blocking, result=result)

    def fire(self, trigger: str, args: dict[str, Any] | None = None) -> str | None:
        """Fire a trigger: the activation's id, or None when no active rule listens."""
        answer = self.request("POST", _path("triggers", trigger), args or {})
        return None if answer is None else str(answer["activationId"])

    def activation(self, activation_id: str) -> dict[str, Any]:
        return dict(self.request("GET", f"activations/{activation_id}"))

    def finished(self, activation_id: str, seconds: float = 600.0) -> dict[str, Any]:
        """An activation once it ended; it has no record before. Raises WhiskError when it takes too long."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self.activation(activation_id)
            except WhiskError as error:
                if error.status != NOT_FOUND:
                    raise
                if time.monotonic() > end:
                    raise WhiskError(
                        f"The activation {activation_id} did not end within {seconds:g} s."
                    ) from error
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Close this thread's connection."""
        session = self._threads.__dict__.pop("session", None)
        if session is not None:
            session.close()

    def pages(self, collection: str, **query: Any) -> Iterator[dict[str, Any]]:
        """As `list`, asking for the next page only when somebody wants it."""
        skip = 0
        while True:
            page = self.request("GET", collection, **query, limit=PAGE, skip=skip)
            yield from page
            if len(page) < PAGE:
                return
            skip += PAGE

    def send(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """Send one request to an absolute path; the answer, as JSON or text."""
        try:
            response = self._session().request(
                method,
                f"{self.apihost}{path}",
                params={key: _text(value) for key, value in sorted((query or {}).items())},
                json=body,
                timeout=(CONNECT_SECONDS, self._timeout),
            )
        except requests.exceptions.RequestException as error:
            raise WhiskUnreachable(self._unreachable(error)) from error
        return _answer(response, f"{method} {path}")

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            user, _, key = self.auth.partition(":")
            session = requests.Session()
            session.auth = (user, key)
            session.verify = self._verify
            # A proxy of the environment cannot reach this machine's loopback.
            session.trust_env = not is_loopback(self.apihost)
            self._threads.session = session
        return session

    def _unreachable(self, error: Exception) -> str:
        if isinstance(error, requests.exceptions.ReadTimeout):
            return f"OpenWhisk at {self.apihost} did not answer within {self._timeout:g} s."
        if isinstance(error, requests.exceptions.SSLError):
            return f"The certificate of OpenWhisk at {self.apihost} is not trusted: {error}"
        return f"No OpenWhisk answers at {self.apihost}; start one with `deepwhisk up`, or check APIHOST."


def _answer(response: requests.Response, request: str) -> Any:
    if not response.ok:
        raise _error(response, request)
    if not response.content:
        return None
    if "json" not in response.headers.get("Content-Type", ""):
        return response.text
    try:
        return response.json()
    except ValueError as error:
        raise WhiskError(f"The answer to {request} is not JSON: {response.text[:200]!r}") from error


def _error(response: requests.Response, request: str) -> WhiskError:
    try:
        body = response.json()
    except ValueError:
        body = None
    code = body.get("code") if isinstance(body, dict) else None
    message = _message(body) or response.text[:200].strip() or response.reason or "no reason given"
    said = f"{message} (HTTP {response.status_code}, {request}){_advice(response.status_code, message)}"
    return WhiskError(said, response.status_code, code, body)


def _advice(status: int, message: str) -> str:
    """What to do next, where the server's words leave that open."""
    if status == UNAUTHORIZED:
        return "; check --auth, or AUTH in wskprops"
    if "exceeds allowed threshold" in message:
        return (
            "; that is a limit of this server: ask for less in the action's limits, or its operator for more"
        )
    return ""


def _message(body: Any) -> str:
    """The server's own words: of an API error, an activation, or a bare result."""
    if not isinstance(body, dict):
        return ""
    activation = body.get("response")
    result = activation.get("result") if isinstance(activation, dict) else body
    error = result.get("error") if isinstance(result, dict) else None
    if isinstance(error, dict):
        error = error.get("message") or error.get("error") or json.dumps(error, ensure_ascii=False)
    return "" if error is None else str(error)


def _path(collection: str, name: str) -> str:
    """`actions/pkg/a`; a name that begins with a slash carries its own namespace."""
    if not name.startswith("/"):
        return f"{collection}/{name}"
    namespace, _, rest = name[1:].partition("/")
    return f"/{namespace}/{collection}/{rest}"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
