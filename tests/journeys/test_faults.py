"""Every part is killed in turn while photographs arrive: each has one result object, none is missing."""

import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deepwhisk.errors import ObjectExists, StoreError
from fixtures.machine import ROOT, Machine, command_line, start, until

UPLOADS = 500
COFFEE = (ROOT / "catalog" / "image-classification" / "example" / "coffee.jpg").read_bytes()


@pytest.fixture
def own_machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine of one's own, since it is going to be hurt."""
    machine = start(tmp_path)
    yield machine
    machine.stop()


def upload(machine: Machine, numbers: Iterator[int]) -> None:
    """Put photographs; one that was not acknowledged is put again, unless it was taken all the same."""
    store = machine.store
    for number in numbers:
        for _attempt in range(1000):
            try:
                key, photo = f"photo-{number:03}.jpg", COFFEE + b"%d" % number
                store.put("uploads", key, photo, content_type="image/jpeg", if_absent=True)
                break
            except ObjectExists:
                break
            except StoreError:
                time.sleep(0.1)
        else:
            raise AssertionError(f"photo {number} was never taken")
        time.sleep(0.02)


def containers(machine: Machine) -> list[int]:
    """The processes that run actions."""
    below = machine.processes()
    return [pid for pid in below if "deepwhisk_runtime" in command_line(pid)]


def results(machine: Machine) -> Counter[str]:
    """How many result objects each photograph has."""
    try:
        stored = list(machine.store.list("results", "image-classification/"))
    except StoreError:
        return Counter()
    return Counter(entry.key.split("/")[1] for entry in stored)


@pytest.mark.timeout(420)
def test_nothing_is_lost_or_doubled_when_every_part_is_killed_in_turn(own_machine: Machine) -> None:
    machine = own_machine
    uploads = threading.Thread(target=upload, args=(machine, iter(range(UPLOADS))))
    uploads.start()
    for part in itertools.islice(itertools.cycle(["engine", "feed", "container", "store"]), 8):
        time.sleep(1.5)
        victims = containers(machine)[:3] if part == "container" else [machine.part(part)]
        for pid in victims:
            with suppress(ProcessLookupError):  # a container ends with its engine, which may be just now
                os.kill(pid, signal.SIGKILL)
    uploads.join()

    until(lambda: len(results(machine)) == UPLOADS, 180)

    counted = results(machine)
    missing = {f"photo-{number:03}.jpg" for number in range(UPLOADS)} - counted.keys()
    assert not missing
    assert set(counted.values()) == {1}
