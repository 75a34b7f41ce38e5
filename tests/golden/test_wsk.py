"""A session of the stock `wsk`: what it sends gets what Apache OpenWhisk answered."""

import json
from typing import Any

from fixtures.engine import Engine
from golden.accepted import DATA, judge, unknown
from golden.compare import Answer, comparable, differences, read_content
from golden.player import Player, repeated

EXCHANGES = [json.loads(line) for line in (DATA / "wsk.jsonl").read_text(encoding="utf-8").splitlines()]
LOOSE = ("own", "default-kind", "kinds")


def sent(player: Player, request: dict[str, Any]) -> Answer:
    authorization = Player.authorization(player.keys["guest"])
    headers = [
        authorization if value == "Basic {guest}" else (name, value) for name, value in request["headers"]
    ]
    body = request.get("body")
    if body is not None:
        body = "".join(repeated(body)).encode()
    return player.send(request["method"], request["path"], headers, body)


def recorded(answer: dict[str, Any]) -> Answer:
    return Answer(answer["status"], answer["headers"], read_content(answer["body"].encode()))


def test_a_session_is_answered_as_recorded(openwhisk: Engine) -> None:
    player = Player(openwhisk)
    player.clear()
    found = {}
    for exchange in EXCHANGES:
        here = sent(player, exchange["request"])
        one, other = comparable(recorded(exchange["answer"]), LOOSE), comparable(here, LOOSE)
        found[str(exchange["n"])] = list(differences(one, other))
    player.clear()

    assert "\n".join(judge("wsk", found, player.runtimes())) == ""


def test_every_accepted_difference_is_of_an_exchange_there_is() -> None:
    assert unknown("wsk", [str(exchange["n"]) for exchange in EXCHANGES]) == []
