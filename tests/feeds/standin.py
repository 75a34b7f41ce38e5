"""A small OpenWhisk that records what is fired and does what it is told, faults included.

It answers in the letter of the real one for what the feed asks, and in nothing else.
"""

import asyncio
import base64
import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from deepwhisk.cli.ports import hold_any
from deepwhisk.sockets import number

AUTH = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:" + "k" * 64
OTHER_AUTH = "789c46b1-71f6-4ed5-8c54-816aa4f8c502:" + "o" * 64
STATUS = ("success", "application error", "action developer error", "whisk internal error")


@dataclass
class Outcome:
    """What an action makes of a fire: status 0 to 3, and after how many seconds its record shows, if ever."""

    status: int = 0
    result: Any = field(default_factory=dict)
    after: float = 0.0
    recorded: bool = True


@dataclass
class Rule:
    """A rule of every trigger."""

    name: str = "guest/r"
    action: str = "guest/a"
    active: bool = True
    outcome: Callable[[dict[str, Any]], Outcome] = lambda payload: Outcome()
    error: str | None = None


@dataclass
class Fire:
    """One accepted fire."""

    at: float
    namespace: str
    trigger: str
    payload: dict[str, Any]

    @property
    def key(self) -> str:
        return str(self.payload["event"]["key"])


class StandIn:
    """The server, in a thread of its own."""

    def __init__(self) -> None:
        self.namespaces = {AUTH: "guest", OTHER_AUTH: "other"}
        self.rules = [Rule()]
        self.fires: list[Fire] = []
        self.answers: Counter[str] = Counter()
        self.activations: dict[str, dict[str, Any]] = {}
        self.fires_per_minute = 1_000_000
        self.faults: dict[str, float] = {}
        self.script: list[int | str] = []
        self.action_timeout = 60_000
        self.gone: list[str] = []  # rules/NAME and triggers/NAME, in the order of their deletion
        self.deletions: list[int] = []  # what the next deletions are answered, before they are done
        self.requests: Counter[str] = Counter()
        self.visible_after = 0.0
        self._random = random.Random(7)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self._held = hold_any("127.0.0.1")  # nobody else listens there while this one is away
        self.port = number(self._held)

    @property
    def apihost(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def keys(self) -> set[str]:
        return {fire.key for fire in self.fires}

    def show(self) -> None:
        """What was not recorded is now."""
        for record in list(self.activations.values()):
            record["shown"] = 0.0

    def start(self) -> None:
        if not self._thread.is_alive():
            self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(60)

    def pause(self) -> None:
        """Nobody listens any more, as after kill -9."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(60)

    def stop(self) -> None:
        self.pause()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()
        self._held.close()

    async def _start(self) -> None:
        app = web.Application()
        root = "/api/v1/namespaces"
        app.router.add_get(root, self._namespaces)
        app.router.add_get(root + "/_/limits", self._limits)
        app.router.add_post(root + "/_/triggers/{trigger}", self._fire)
        app.router.add_get(root + "/_/triggers/{trigger}", self._trigger)
        app.router.add_delete(root + "/_/{collection}/{name}", self._delete)
        app.router.add_get(root + "/_/activations", self._list)
        app.router.add_get(root + "/_/activations/{id}", self._activation)
        app.router.add_get(root + "/{namespace}/actions/{name:.+}", self._action)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()

    async def _stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def _who(self, request: web.Request) -> str:
        self.requests[request.path.split("/")[5] if request.path.count("/") > 4 else "namespaces"] += 1
        given = request.headers.get("Authorization", "").removeprefix("Basic ")
        namespace = self.namespaces.get(base64.b64decode(given).decode())
        if namespace is None:
            raise web.HTTPUnauthorized(
                text=json.dumps({"error": "The supplied authentication is invalid", "code": "x"}),
                content_type="application/json",
            )
        return namespace

    async def _namespaces(self, request: web.Request) -> web.Response:
        return web.json_response([self._who(request)])

    async def _limits(self, request: web.Request) -> web.Response:
        self._who(request)
        return web.json_response({"firesPerMinute": self.fires_per_minute})

    async def _action(self, request: web.Request) -> web.Response:
        self._who(request)
        return web.json_response({"exec": {"kind": "python:3"}, "limits": {"timeout": self.action_timeout}})

    async def _trigger(self, request: web.Request) -> web.Response:
        namespace, name = self._who(request), request.match_info["trigger"]
        if f"triggers/{name}" in self.gone:
            return web.json_response({"error": "The requested resource does not exist."}, status=404)
        rules = {rule.name: {"status": "active"} for rule in self.rules}
        return web.json_response({"namespace": namespace, "name": name, "rules": rules})

    async def _delete(self, request: web.Request) -> web.Response:
        self._who(request)
        status = self.deletions.pop(0) if self.deletions else 200
        if status == 200:
            self.gone.append(f"{request.match_info['collection']}/{request.match_info['name']}")
        return web.json_response({} if status == 200 else {"error": "no"}, status=status)

    def _fault(self) -> int | str:
        if self.script:
            return self.script.pop(0)
        chance = self._random.random()
        for fault, share in self.faults.items():
            if chance < share:
                return int(fault) if fault.isdigit() else fault
            chance -= share
        return 202

    async def _fire(self, request: web.Request) -> web.Response:
        namespace, fault = self._who(request), self._fault()
        self.answers[str(fault)] += 1
        if fault == 204 or (fault == 202 and not any(rule.active for rule in self.rules)):
            return web.Response(status=204)
        if isinstance(fault, int) and fault != 202:
            return web.json_response({"error": "Too many requests", "code": "x"}, status=fault)
        payload = await request.json()
        self.fires.append(Fire(time.time(), namespace, request.match_info["trigger"], payload))
        activation = self._start_rules(namespace, request.match_info["trigger"], payload)
        if fault == "slow":
            await asyncio.sleep(0.5)
        if fault == "lost":
            assert request.transport
            request.transport.abort()
        return web.json_response({"activationId": activation}, status=202)

    def _start_rules(self, namespace: str, trigger: str, payload: dict[str, Any]) -> str:
        logs = [json.dumps(self._start_rule(namespace, rule, payload)) for rule in self.rules]
        return self._record(namespace, trigger, 0, payload, time.time() + self.visible_after, logs)

    def _start_rule(self, namespace: str, rule: Rule, payload: dict[str, Any]) -> dict[str, Any]:
        line: dict[str, Any] = {"statusCode": 0, "success": True, "rule": rule.name, "action": rule.action}
        if not rule.active:
            error = f"Rule '{rule.name}' is inactive, action '{rule.action}' was not activated."
            return {**line, "statusCode": 1, "success": False, "error": error}
        if rule.error:
            return {**line, "statusCode": 1, "success": False, "error": rule.error}
        outcome = rule.outcome(payload)
        shown = time.time() + outcome.after if outcome.recorded else float("inf")
        name = rule.action.rpartition("/")[2]
        return {**line, "activationId": self._record(namespace, name, outcome.status, outcome.result, shown)}

    def _record(
        self,
        namespace: str,
        name: str,
        status: int,
        result: Any,
        shown: float,
        logs: list[str] | None = None,
    ) -> str:
        identifier = uuid.uuid4().hex
        self.activations[identifier] = {
            "namespace": namespace,
            "name": name,
            "activationId": identifier,
            "start": int(time.time() * 1000),
            "response": {"status": STATUS[status], "success": status == 0, "result": result},
            "logs": logs or [],
            "statusCode": status,
            "shown": shown,
        }
        return identifier

    def _shown(self, namespace: str) -> list[dict[str, Any]]:
        now = time.time()
        records = reversed(list(self.activations.values()))
        return [one for one in records if one["namespace"] == namespace and one["shown"] <= now]

    async def _activation(self, request: web.Request) -> web.Response:
        namespace = self._who(request)
        record = self.activations.get(request.match_info["id"])
        if record is None or record["namespace"] != namespace or record["shown"] > time.time():
            return web.json_response({"error": "The requested resource does not exist."}, status=404)
        return web.json_response({name: value for name, value in record.items() if name != "statusCode"})

    async def _list(self, request: web.Request) -> web.Response:
        namespace, query = self._who(request), request.query
        records = [one for one in self._shown(namespace) if one["start"] >= int(query.get("since", 0))]
        if name := query.get("name"):
            records = [one for one in records if one["name"] == name]
        if query.get("docs") != "true":
            left_out = {"response", "logs"}
            records = [{name: one[name] for name in one.keys() - left_out} for one in records]
        skip, limit = int(query["skip"]), int(query["limit"])
        return web.json_response(records[skip : skip + limit])
