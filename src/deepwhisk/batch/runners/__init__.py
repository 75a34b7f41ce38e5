"""The drivers of `Runner`, one file each, chosen by the scheme of a site's URL.

Law: a driver inherits nothing and imports no other driver; each is loaded only when it is chosen.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from deepwhisk.batch.runner import Runner
from deepwhisk.errors import SettingsError

DRIVERS = {
    "local": "local",
    "slurm": "slurm",
    "slurm+ssh": "ssh",
    "slurm+rest": "rest",
    "kubernetes": "kubernetes",
}


def open_runner(url: str, options: Mapping[str, Any], folder: Path) -> Runner:
    """The runner that a URL names; its query is read as options too. FOLDER is the driver's own.

    Raises SettingsError for a URL or an option that no driver knows.
    """
    parts = urlsplit(url)
    if parts.scheme not in DRIVERS:
        known = ", ".join(DRIVERS)
        raise SettingsError(f"No runner is called {parts.scheme!r} (in {url!r}); choose one of {known}.")
    if parts.password:
        raise SettingsError("A runner's URL holds no password; give a key or a token as a file.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    driver = import_module(f"{__name__}.{DRIVERS[parts.scheme]}")
    runner: Runner = driver.open_one(parts, {**options, **dict(parse_qsl(parts.query))}, folder)
    return runner
