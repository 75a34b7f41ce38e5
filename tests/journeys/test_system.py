"""What every OpenWhisk has in its namespace whisk.system, on a whole machine."""

import shutil

from fixtures.machine import Machine


def test_the_table_of_kinds_says_what_this_machine_can_run(machine: Machine) -> None:
    kinds = machine.whisk.about()["runtimes"]

    assert kinds.keys() == {"python", *(["nodejs"] if shutil.which("node") else [])}


def test_the_packages_of_the_system_can_be_used(machine: Machine) -> None:
    whisk = machine.whisk

    assert "utils" in [package["name"] for package in whisk.request("GET", "/whisk.system/packages")]
    assert whisk.invoke("/whisk.system/utils/echo", {"x": [1]}, result=True) == {"x": [1]}
