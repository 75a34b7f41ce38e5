"""Trainings on a real Slurm whose nodes die, that holds jobs and is away; all other parts are real too."""

from collections.abc import Iterator

import pytest

from deepwhisk.batch.layout import Place
from deepwhisk.batch.training import Training
from fixtures.engine import wait_until
from fixtures.house import House
from fixtures.slurm import Slurm


@pytest.fixture
def address(house: House, slurm: Slurm, request: pytest.FixtureRequest) -> Iterator[str]:
    """A service whose only site is the cluster; its jobs are ended with it."""
    ways = {"here": slurm.here_url, "ssh": slurm.login_url, "rest": slurm.rest_url}
    url = ways[getattr(request, "param", "here")]()
    (house.folder / "sites.yaml").write_text(f'sites:\n  cluster:\n    runner: "{url}"\n')
    yield house.service()
    house.end_services()
    if handles := house.handles():
        slurm.command("scancel", *handles, check=False)


def waits_in(house: House, place: Place) -> None:
    """Wait until a training is in the middle: it is seen to run, has a checkpoint, and waits."""
    wait_until(lambda: house.begun() and house.found(place).has("checkpoint.zip"), 120)
    wait_until(lambda: "running" in phases(house.found(place)), 120)


def phases(training: Training) -> list[str]:
    return [entry.phase.value for entry in training.history]


@pytest.mark.parametrize("address", ["here", "ssh", "rest"], indirect=True)
def test_a_training_runs_on_slurm_by_every_way_to_it(house: House, address: str) -> None:
    house.gate.touch()
    place = house.accepted(address)

    training = house.ends(place)

    assert phases(training)[0] == "submitted"
    assert phases(training)[-1] == "done", house.said
    assert (house.begun(), house.epochs(place)) == ([0], [1, 2, 3])
    assert training.has("artifact.zip")


def test_a_training_whose_node_dies_goes_on_from_its_checkpoint(
    house: House, address: str, slurm: Slurm
) -> None:
    place = house.accepted(address, resources={"partition": "frail"})
    waits_in(house, place)
    handle = house.found(place).handle

    slurm.die(3)
    state = ("squeue", "--noheader", f"--jobs={handle}", "-o%T")
    wait_until(lambda: slurm.command(*state).strip() == "PENDING")
    slurm.command("scontrol", "update", f"jobid={handle}", "partition=batch")
    slurm.hurry(handle, lambda: len(house.begun()) == 2)
    house.gate.touch()
    training = house.ends(place)
    slurm.start_node(3)
    slurm.command("scontrol", "update", f"nodename={slurm.name}3", "state=resume", check=False)
    slurm.await_nodes()

    assert phases(training)[-1] == "done", house.said
    assert "requeued" in phases(training)
    assert house.begun() == [0, 1]  # from the first epoch on, on another node


def test_while_the_controller_is_away_a_run_goes_on_and_its_end_is_seen(
    house: House, address: str, slurm: Slurm
) -> None:
    place = house.accepted(address)
    waits_in(house, place)

    slurm.kill("slurmctld")
    house.gate.touch()
    wait_until(lambda: "does not answer" in house.said, 120)
    slurm.start_controller()

    training = house.ends(place)
    assert phases(training)[-1] == "done", house.said
    assert house.begun() == [0]


def test_what_takes_more_memory_than_it_asked_for_is_told_so(house: House, address: str) -> None:
    place = house.accepted(address, resources={"memory_MB": 200}, eats=1000)

    training = house.ends(place)

    assert training.phase.value == "error", house.said
    assert "memory" in training.history[-1].reason


def test_a_job_that_is_held_is_said_to_be_and_goes_on_when_it_is_released(
    house: House, address: str, slurm: Slurm
) -> None:
    blocker = house.accepted(address, resources={"cpus": 8})
    wait_until(lambda: "running" in phases(house.found(blocker)))
    place = house.accepted(address, resources={"cpus": 8})
    slurm.command("scontrol", "hold", house.found(place).handle)

    wait_until(lambda: any("held: JobHeld" in entry.reason for entry in house.found(place).history))
    slurm.command("scontrol", "release", house.found(place).handle)
    house.gate.touch()

    assert [house.ends(one).phase.value for one in (blocker, place)] == ["done", "done"]


def test_a_sweep_is_one_array_of_trainings(house: House, address: str) -> None:
    house.gate.touch()
    places = [house.request(epochs=1) for _ in range(3)]
    asked = [{"model": place.model, "uuid": place.uuid} for place in places]

    house.ask("POST", f"{address}/trainings", asked)

    ended = [house.ends(place) for place in places]
    assert {training.phase.value for training in ended} == {"done"}, house.said
    assert len({training.handle.partition("_")[0] for training in ended}) == 1
    assert len({training.handle for training in ended}) == 3


def test_a_cancelled_run_ends_there_too(house: House, address: str, slurm: Slurm) -> None:
    place = house.accepted(address, epochs=4000, gate="/")
    waits_in(house, place)

    house.ask("POST", f"{address}/trainings/{place.uuid}/cancel", {"by": "me"})

    training = house.ends(place)
    assert training.phase.value == "cancelled"
    assert training.has("metrics.jsonl")
    running = ("squeue", "--noheader", "--states=RUNNING", f"--jobs={training.handle}")
    wait_until(lambda: not slurm.command(*running).strip())
