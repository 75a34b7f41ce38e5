"""Trainings from request to end, and through deaths: real store, engine, service, runner and node."""

import signal
from contextlib import suppress
from pathlib import Path

import requests

from deepwhisk.batch.training import Training
from fixtures.engine import wait_until
from fixtures.house import House


def states(training: Training) -> list[str]:
    return [entry.phase.value for entry in training.history]


def test_a_training_goes_on_though_the_service_is_killed_at_every_turn(house: House) -> None:
    place = house.request()
    address = house.service("submit")
    with suppress(requests.RequestException):  # the loop of the service may be at it already, and die later
        house.ask("POST", f"{address}/trainings/counting/{place.uuid}")
    house.dies()
    assert states(house.found(place)) == ["submitted"]

    house.service("running")
    house.dies()
    assert "running" not in states(house.found(place))

    house.service()
    wait_until(lambda: "running" in states(house.found(place)))
    house.processes[-1].send_signal(signal.SIGKILL)
    house.dies()
    house.gate.touch()
    house.service("done")
    house.dies()
    assert not house.found(place).phase.ended

    house.service()
    training = house.ends(place)
    assert states(training)[-2:] == ["running", "done"], house.said
    assert house.begun() == [0]
    assert training.has("artifact.zip")
    assert house.epochs(place) == [1, 2, 3]


def test_the_store_may_be_away_while_a_run_writes_into_it(house: House) -> None:
    address = house.service()
    place = house.request()
    one = f"{address}/trainings/{place.uuid}"
    house.ask("POST", f"{address}/trainings/counting/{place.uuid}")
    wait_until(house.begun, 120)

    house.seaweed.stop()
    house.gate.touch()
    assert "no object store answered" in house.ask("GET", one)["error"]
    house.seaweed.start()

    training = house.ends(place)
    assert states(training)[-1] == "done", house.said
    assert house.begun() == [0]
    assert house.epochs(place) == [1, 2, 3]


def test_two_services_by_mistake_run_every_training_once(house: House) -> None:
    addresses = [house.service(), house.service()]
    house.gate.touch()
    places = [house.request(epochs=1) for _ in range(3)]
    for number, place in enumerate(places):
        for address in (addresses[number % 2], addresses[1 - number % 2]):
            house.ask("POST", f"{address}/trainings/counting/{place.uuid}")

    ended = [house.ends(place) for place in places]

    assert [training.phase.value for training in ended] == ["done"] * 3, house.said
    assert house.begun() == [0, 0, 0]
    assert {training.attempt for training in ended} == {1}


def test_a_cancelled_run_ends_and_keeps_what_it_has_though_the_service_is_killed(house: House) -> None:
    address = house.service()
    place = house.accepted(address, epochs=4000, gate="/")
    metrics = f"{address}/trainings/{place.uuid}?metrics=0&wait=5"
    wait_until(lambda: house.ask("GET", metrics)["metrics"], 120)

    house.ask("POST", f"{address}/trainings/{place.uuid}/cancel", {"by": "me"})
    house.processes[-1].send_signal(signal.SIGKILL)
    house.dies()
    house.service()

    training = house.ends(place)
    assert training.phase.value == "cancelled"
    assert training.has("metrics.jsonl")
    wait_until(lambda: not running_jobs(house.folder))


def running_jobs(folder: Path) -> list[str]:
    """Processes that work in a folder of ours."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in line and "deepwhisk.keeper.job" in line:
            found.append(line)
    return found
