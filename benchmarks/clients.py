"""Clients of an engine that may be killed at any moment, and the ledger of what it acknowledged.

Law: what was acknowledged is expected; what was sent and not answered may have happened or not, until
somebody looks.
"""

import asyncio
import base64
import itertools
import random
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import aiohttp
import orjson

ECHO = "def main(args):\n    return {'n': args.get('n')}\n"
CODE = "def main(args):\n    return {{'n': {}}}\n"
GONE = None  # the value of an entity that is not there
AT_LEISURE = 0.01  # seconds after what is answered before it is done, or there would be ever more to do
PATHS = ("actions/a{}", "packages/p{}", "triggers/t{}")


@dataclass
class Ledger:
    """What clients know. An entity has one of its values; activations have what was sent to them."""

    entities: dict[str, set[int | None]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    fires: dict[str, int] = field(default_factory=dict)
    chains: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    edits: int = 0
    over: bool = False


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Client:
    """One namespace of an engine, over a few connections."""

    def __init__(self, apihost: str, auth: str) -> None:
        self._base = f"{apihost}/api/v1/namespaces/_/"
        self._headers = {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"}

    async def __aenter__(self) -> "Client":
        connector = aiohttp.TCPConnector(limit=16)
        self._session = aiohttp.ClientSession(headers=self._headers, connector=connector)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ask(self, method: str, path: str, body: Any = None) -> Answer | None:
        """The answer; nothing when the engine was gone before it was whole."""
        try:
            async with self._session.request(method, self._base + path, json=body) as answer:
                return Answer(answer.status, await answer.read())
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)
            return None


async def edit(client: Client, ledger: Ledger, number: int) -> None:
    """Makes, changes and deletes an action, a package and a trigger of its own."""
    chance = random.Random(number)
    paths = [path.format(number) for path in PATHS]
    ledger.entities.update({path: {GONE} for path in paths})
    for value in itertools.count(1):
        if ledger.over:
            break
        path = chance.choice(paths)
        if chance.random() < 0.2:
            answer = await client.ask("DELETE", path)
            change: int | None = GONE
        else:
            answer = await client.ask("PUT", f"{path}?overwrite=true", _body(path, value))
            change = value
        ledger.edits += answer is not None
        if answer is None:
            ledger.entities[path].add(change)
            for each in paths:
                await _look(client, ledger, each)
        elif answer.status == 200 or (change is GONE and answer.status == 404):
            ledger.entities[path] = {change}
        else:
            ledger.faults.append(f"{path}: {answer.status} {answer.body!r}")
    for path in paths:
        await _look(client, ledger, path)


def _body(path: str, value: int) -> dict[str, Any]:
    body: dict[str, Any] = {"parameters": [{"key": "n", "value": value}], "version": f"0.0.{value}"}
    if path.startswith("actions/"):
        body["exec"] = {"kind": "python:3", "code": CODE.format(value)}
    return body


async def _look(client: Client, ledger: Ledger, path: str) -> None:
    """Whether an entity is one of those it may be, and whole; from now on it is that one."""
    while (answer := await client.ask("GET", path)) is None:
        continue
    value = GONE if answer.status == 404 else answer.json["parameters"][0]["value"]
    if value not in ledger.entities[path]:
        ledger.faults.append(f"{path} is {value} and not one of {ledger.entities[path]}")
    ledger.entities[path] = {value}
    if value is GONE:
        return
    if answer.json["version"] != f"0.0.{value}":
        ledger.faults.append(f"{path} is torn: {answer.body!r}")
    if path.startswith("actions/") and answer.json["exec"]["code"] != CODE.format(value):
        ledger.faults.append(f"{path} has the code of another version: {answer.body!r}")


async def link(client: Client, ledger: Ledger, number: int) -> None:
    """Joins a rule to a trigger and takes it off again: each always knows of the other."""
    trigger, rule = f"triggers/linked{number}", f"rules/linking{number}"
    while await client.ask("PUT", f"{trigger}?overwrite=true", {}) is None:
        continue
    for value in itertools.count():
        if ledger.over:
            return
        body = {"trigger": f"/_/linked{number}", "action": "/_/echo"}
        asked = ("DELETE", rule) if value % 2 else ("PUT", f"{rule}?overwrite=true", body)
        ledger.edits += await client.ask(*asked) is not None
        there, seen = await client.ask("GET", rule), await client.ask("GET", trigger)
        if there is not None and seen is not None and (there.status == 200) != bool(seen.json.get("rules")):
            ledger.faults.append(f"{rule} and {trigger} differ: {there.body!r} {seen.body!r}")


async def call(client: Client, ledger: Ledger, number: int) -> None:
    """Blocking calls, each with its answer."""
    await _repeat(client, ledger, number, "actions/echo?blocking=true", 200, ledger.calls)


async def post(client: Client, ledger: Ledger, number: int) -> None:
    """Calls that nobody waits for."""
    await _repeat(client, ledger, number, "actions/echo", 202, ledger.calls)


async def fire(client: Client, ledger: Ledger, number: int) -> None:
    await _repeat(client, ledger, number, "triggers/bell", 202, ledger.fires)


async def chain(client: Client, ledger: Ledger, number: int) -> None:
    """Blocking calls of a sequence."""
    await _repeat(client, ledger, number, "actions/chain?blocking=true", 200, ledger.chains)


async def _repeat(
    client: Client, ledger: Ledger, number: int, path: str, expected: int, kept: dict[str, int]
) -> None:
    for sent in itertools.count(number * 1_000_000):
        if ledger.over:
            return
        answer = await client.ask("POST", path, {"n": sent})
        if answer is None:
            continue
        if expected == 202:
            await asyncio.sleep(AT_LEISURE)
        if answer.status == expected:
            kept[answer.json["activationId"]] = sent
        else:
            ledger.faults.append(f"{path}: {answer.status} {answer.body!r}")
