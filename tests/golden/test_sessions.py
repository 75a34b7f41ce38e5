"""Sessions of the stock `wsk` and `wskdeploy`: what they send gets what Apache OpenWhisk answered."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.engine import Engine, wait_until
from golden.accepted import DATA, judge, unknown
from golden.compare import ID, Answer, comparable, differences, read_content
from golden.player import Player, overtaken, repeated

CLIENTS = ("wsk", "wskdeploy")
LOOSE = ("own", "default-kind", "kinds", "/runtimes", "/support", "/description")
ACTIVATION = re.compile(r"/activations/[0-9a-f]{32}")


def exchanges(client: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / f"{client}.jsonl").read_text(encoding="utf-8").splitlines()]


class Session:
    """A client's requests, with the credentials and the activation ids of this engine in place of theirs."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.guest = Player.authorization(player.keys["guest"])
        self.ids: dict[str, str] = {}

    def differences(self, exchange: dict[str, Any]) -> list[str]:
        recorded = read_answer(exchange["answer"])
        here = wait_until(lambda: not overtaken(answer := self._answer(exchange), recorded) and answer)
        self.ids.update(zip(ids(recorded.content), ids(here.content), strict=False))
        return list(differences(comparable(recorded, LOOSE), comparable(here, LOOSE)))

    def _answer(self, exchange: dict[str, Any]) -> Answer:
        """A record that was there in the recording may take a moment here too."""
        request, status = exchange["request"], exchange["answer"]["status"]
        if status != 200 or not ACTIVATION.search(request["path"]):
            return self._sent(request)
        return wait_until(lambda: (answer := self._sent(request)).status == 200 and answer)

    def _sent(self, request: dict[str, Any]) -> Answer:
        headers = [
            self.guest if text == "Basic {guest}" else (name, text) for name, text in request["headers"]
        ]
        path = ID.sub(lambda match: self.ids.get(match[0], match[0]), request["path"])
        body = "".join(repeated(request["body"])).encode() if "body" in request else None
        return self.player.send(request["method"], path, headers, body)


def read_answer(answer: dict[str, Any]) -> Answer:
    return Answer(answer["status"], answer["headers"], read_content(answer["body"].encode()))


def ids(content: Any) -> Iterator[str]:
    """Activation ids in an answer, in an order that is the same for equal answers."""
    return (match[0] for match in ID.finditer(json.dumps(content, sort_keys=True)))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_session_is_answered_as_recorded(client: str, openwhisk: Engine) -> None:
    player = Player(openwhisk)
    player.clear()
    session = Session(player)
    found = {str(exchange["n"]): session.differences(exchange) for exchange in exchanges(client)}
    player.clear()

    assert "\n".join(judge(client, found, player.runtimes())) == ""


@pytest.mark.parametrize("client", CLIENTS)
def test_every_accepted_difference_is_of_an_exchange_there_is(client: str) -> None:
    assert unknown(client, [str(exchange["n"]) for exchange in exchanges(client)]) == []
