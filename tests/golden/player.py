"""Plays recorded requests against an engine: a request says whose it is, and may name what came before."""

import base64
import http.client
import json
import re
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

from fixtures.engine import Engine, wait_until
from golden.compare import Answer, read_content

API = "/api/v1/namespaces/_"
COLLECTIONS = ("rules", "triggers", "actions", "packages")
JSON = ("Content-Type", "application/json")
LIMIT = re.compile(r"exceeded its time limits of \d+ milliseconds( during initialization)?")


def repeated(value: Any) -> Any:
    """VALUE with its long runs of one letter, which are kept as `{"$repeat": [letter, count]}`."""
    if isinstance(value, dict):
        if "$repeat" in value:
            letter, count = value["$repeat"]
            return letter * count
        return {key: repeated(member) for key, member in value.items()}
    return [repeated(member) for member in value] if isinstance(value, list) else value


def overtaken(here: Answer, recorded: Answer) -> bool:
    """Whether a time limit struck here that had room in the recording: this machine stood still meanwhile."""
    struck = LIMIT.search(json.dumps(here.content))
    return struck is not None and struck[0] not in json.dumps(recorded.content)


class Player:
    """One client of ENGINE, and what it remembers."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.saved: dict[str, str] = {}
        self.keys = {"guest": engine.auth, "other": engine.auth_system}

    def send(self, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes | None) -> Answer:
        """Headers go out as they are, and nothing else does but the length of the body."""
        connection = http.client.HTTPConnection(urlsplit(self.engine.apihost).netloc, timeout=90)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body is not None or method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(body or b"")))
            with suppress(BrokenPipeError, ConnectionResetError):  # it answers before it has read everything
                connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), read_content(answer.read()))
        finally:
            connection.close()

    def ask(self, method: str, path: str, auth: str = "guest", body: Any = None) -> Answer:
        """A request of our own."""
        headers = [self.authorization(self.keys[auth]), JSON]
        return self.send(method, API + path, headers, None if body is None else json.dumps(body).encode())

    @staticmethod
    def authorization(credentials: str, scheme: str = "Basic") -> tuple[str, str]:
        return "Authorization", f"{scheme} {base64.b64encode(credentials.encode()).decode()}"

    def runtimes(self) -> Collection[str]:
        """The families of kinds that run here."""
        return set(self.send("GET", "/", [], None).content["runtimes"])

    def clear(self) -> None:
        """Leaves both namespaces without entities."""
        for auth in self.keys:
            for collection in COLLECTIONS:
                for entity in self.ask("GET", f"/{collection}?limit=200", auth).content:
                    path = [*entity["namespace"].split("/")[1:], entity["name"]]
                    self.ask("DELETE", f"/{collection}/{'/'.join(quote(part) for part in path)}", auth)

    def play(self, step: Mapping[str, Any]) -> Answer | None:
        """The answer, if STEP is a request."""
        if "method" in step:
            return self._request(step)
        if "mark" in step:
            self.saved[step["mark"]] = str(int(time.time() * 1000) - 5)
        elif "sleep" in step:
            time.sleep(step["sleep"])
        elif "wait_for" in step:
            self._wait_for(step["wait_for"])
        else:
            self._wait_for_named(step["wait_for_named"], step["count"], step["since"])
        return None

    def _request(self, step: Mapping[str, Any]) -> Answer:
        headers = [
            *self._authorization(step["auth"]),
            *((name, value) for name, value in step.get("headers", ())),
        ]
        answer = self.send(step["method"], self._filled(step["path"]), headers, _body(step))
        if "save" in step:
            self.saved[step["save"]] = _activation_id(answer)
        return answer

    def _authorization(self, auth: Any) -> list[tuple[str, str]]:
        if auth is None:
            return []
        if isinstance(auth, str):
            return [self.authorization(self.keys[auth])]
        if "literal" in auth:
            return [("Authorization", auth["literal"])]
        uuid, key = self.keys["guest"].split(":")
        return [self.authorization(auth["credentials"].format(uuid=uuid, key=key), auth["scheme"])]

    def _filled(self, path: str) -> str:
        return re.sub(r"\{([\w.-]+)\}", lambda match: self.saved[match[1]] or "0" * 32, path)

    def _wait_for(self, name: str) -> None:
        """Until the record of a saved activation can be read; its start and its components are saved too."""
        if not self.saved[name]:
            return
        path = f"/activations/{self.saved[name]}"
        record = wait_until(lambda: (answer := self.ask("GET", path)).status == 200 and answer.content)
        self.saved[f"{name}.start"] = str(record.get("start"))
        self.saved.update({f"{name}c{number}": line for number, line in enumerate(record.get("logs", ()))})

    def _wait_for_named(self, name: str, count: int, since: str) -> None:
        path = self._filled(f"/activations?name={quote(name)}&since={since}&limit=200")
        wait_until(lambda: len(self.ask("GET", path).content) >= count)


def _body(step: Mapping[str, Any]) -> bytes | None:
    if "body" in step:
        return json.dumps(repeated(step["body"])).encode()
    if "body_text" in step:
        return str(step["body_text"]).encode()
    return base64.b64decode(step["body_b64"]) if "body_b64" in step else None


def _activation_id(answer: Answer) -> str:
    if isinstance(answer.content, dict) and "activationId" in answer.content:
        return str(answer.content["activationId"])
    return {name.lower(): value for name, value in answer.headers}.get("x-openwhisk-activation-id", "")
