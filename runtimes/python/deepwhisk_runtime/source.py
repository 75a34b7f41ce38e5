"""Where a model on its own comes from: a folder, or an installed package with an entry point of DEEPaaS."""

from importlib.metadata import entry_points
from pathlib import Path

from deepwhisk_runtime import model, modules
from deepwhisk_runtime.errors import Fault
from deepwhisk_runtime.held import held_model
from deepwhisk_runtime.served import Served
from deepwhisk_runtime.service import Provision, load


def loaded(folder: Path | None, module: str | None = None) -> Served:
    """The model of a folder, named after it, or an installed module from outside."""
    if folder is None:
        return modules.load(None, None, str(module))
    folder = folder.resolve()
    return load(folder, folder.name, Provision.of_environment())


def again(folder: Path, name: str) -> Served:
    """The model that is known by its folder and name, in another process."""
    if model.is_model(folder):
        return load(folder, name, Provision.of_environment())
    return modules.load(None, None, name)


def named(given: str | None) -> Served:
    """The model that a command line names: a folder, a module, or neither where there is only one."""
    if given is None and not model.is_model(Path()):
        held = held_model()
        return loaded(held, None if held else only_installed())
    folder = Path(given or ".")
    return loaded(folder) if folder.is_dir() else loaded(None, given)


def only_installed() -> str:
    """The name of the one installed module; a Fault names them when there is not one."""
    names = sorted({point.name for point in entry_points(group=modules.GROUP)})
    if len(names) == 1:
        return names[0]
    there = f"several modules are installed: {', '.join(names)}" if names else "no module is installed"
    raise Fault("load", f"Which model? There is no model.py here, and {there}. Say --model-name NAME|FOLDER.")
