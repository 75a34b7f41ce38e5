"""OpenWhisk as the feed sees it: fires, activations, limits and whose key it is, over REST.

Law: a key goes into the Authorization header and nowhere else. An answer is a value, whatever its status;
only no answer is an error.
"""

import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
import orjson

from deepwhisk.errors import WhiskUnreachable

DEFAULT_LIMIT = 60.0
LIMIT_KEPT = 60.0  # seconds that an action's limit is believed
PAGE = 200


class Answer(NamedTuple):
    """What an endpoint answered; `body` is None where it was no JSON."""

    status: int
    body: Any

    @property
    def words(self) -> str:
        """The server's own words for an error."""
        said = self.body.get("error") if isinstance(self.body, dict) else None
        return str(said) if said else f"HTTP status {self.status}"


@dataclass(slots=True)
class Limit:
    """An action's time limit, in seconds, and when it was asked for."""

    seconds: float
    asked: float


class Apihost:
    """One OpenWhisk endpoint, spoken to with the keys of many namespaces."""

    def __init__(self, url: str, session: aiohttp.ClientSession, timeout: float) -> None:
        self.url = (url if "://" in url else f"https://{url}").rstrip("/")
        self.last_outage = 0.0  # epoch; when nobody listened there, the last time
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._limits: dict[str, Limit] = {}

    async def namespace(self, auth: str) -> str | None:
        """The namespace whose key this is; None if it is nobody's."""
        answer = await self._send("GET", "", auth)
        if answer.status == 200 and isinstance(answer.body, list) and answer.body:
            return str(answer.body[0])
        if answer.status in (401, 403):
            return None
        raise WhiskUnreachable(f"{self.url} did not say whose key this is: {answer.words}", answer.status)

    async def fires_per_minute(self, auth: str) -> int | None:
        """How often the namespace may fire, if the endpoint says so."""
        answer = await self._send("GET", "/_/limits", auth)
        said = answer.body.get("firesPerMinute") if isinstance(answer.body, dict) else None
        return said if isinstance(said, int) and said > 0 else None

    async def fire(self, auth: str, trigger: str, payload: dict[str, Any]) -> Answer:
        return await self._send("POST", f"/_/triggers/{quote(trigger, safe='')}", auth, payload)

    async def trigger(self, auth: str, name: str) -> Answer:
        return await self._send("GET", f"/_/triggers/{quote(name, safe='')}", auth)

    async def delete(self, auth: str, collection: str, name: str) -> Answer:
        return await self._send("DELETE", f"/_/{collection}/{quote(name, safe='')}", auth)

    async def activation(self, auth: str, identifier: str) -> dict[str, Any] | None:
        """The record of an activation; None as long as there is none."""
        answer = await self._send("GET", f"/_/activations/{identifier}", auth)
        if answer.status == 200 and isinstance(answer.body, dict):
            return answer.body
        if answer.status == 404:
            return None
        raise WhiskUnreachable(f"activation {identifier} could not be read: {answer.words}", answer.status)

    async def activations(self, auth: str, *, skip: int, **query: str | int) -> list[dict[str, Any]]:
        """A page of activation records, the newest first."""
        words = {**query, "limit": PAGE, "skip": skip}
        text = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in sorted(words.items()))
        answer = await self._send("GET", f"/_/activations?{text}", auth)
        if answer.status == 200 and isinstance(answer.body, list):
            return answer.body
        raise WhiskUnreachable(f"activations could not be listed: {answer.words}", answer.status)

    async def time_limit(self, auth: str, action: str) -> float:
        """How long `namespace/[package/]action` may run, in seconds; a sequence, as all its actions."""
        known = self._limits.get(action)
        if known is None or known.asked < time.monotonic() - LIMIT_KEPT:
            known = Limit(await self._time_limit(auth, action), time.monotonic())
            self._limits[action] = known
        return known.seconds

    async def _time_limit(self, auth: str, action: str) -> float:
        namespace, _, name = action.strip("/").partition("/")
        answer = await self._send("GET", f"/{quote(namespace)}/actions/{quote(name)}?code=false", auth)
        body = answer.body if answer.status == 200 and isinstance(answer.body, dict) else {}
        components = body.get("exec", {}).get("components")
        if components:  # nested sequences end: OpenWhisk refuses circles
            limits = [await self.time_limit(auth, component) for component in components]
            return sum(limits)
        return float(body.get("limits", {}).get("timeout", DEFAULT_LIMIT * 1000)) / 1000

    async def _send(self, method: str, path: str, auth: str, body: Any = None) -> Answer:
        headers = {"Authorization": "Basic " + b64encode(auth.encode()).decode()}
        data = None
        if body is not None:
            data, headers["Content-Type"] = orjson.dumps(body), "application/json"
        try:
            async with self._session.request(
                method,
                f"{self.url}/api/v1/namespaces{path}",
                data=data,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                return Answer(response.status, _json(await response.read()))
        except (aiohttp.ClientError, TimeoutError) as error:
            if isinstance(error, aiohttp.ClientConnectorError):
                self.last_outage = time.time()
            raise WhiskUnreachable(f"{self.url} does not answer: {error or type(error).__name__}") from error


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
