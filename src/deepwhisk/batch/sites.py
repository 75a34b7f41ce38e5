"""Where trainings can run, as `sites.yaml` says.

    sites:
      local:
        runner: "local:"
      cluster:
        runner: "slurm+ssh://me@login.example.org?key=~/.ssh/id_ed25519&known_hosts=~/.ssh/known_hosts"
        partition: gpu
        account: deep
        resources: {cpus: 64, memory_MB: 256000, gpus: 4, time: 2-00:00:00}
        cost: {cpu_hour: 0.01, gpu_hour: 0.5}
        near: [photographs]
        container: udocker

Law: a secret is named by its file and never written here; what is wrong is told with file and line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from deepwhisk.batch.wanted import wanted
from deepwhisk.errors import ManifestError, ProjectError, SettingsError, TrainingError
from deepwhisk.grammar import NAMES, TEXT, VALUE, Each, Keys, line, read

FILE = "sites.yaml"
LOCAL = "local"
SCHEMES = ("local", "slurm", "slurm+ssh", "slurm+rest", "kubernetes")
CONTAINERS = ("any", "docker", "udocker", "bubblewrap", "apptainer")
SITE = Keys(
    "a site",
    dict.fromkeys(("runner", "partition", "account", "container"), TEXT)
    | {"resources": Each(VALUE), "cost": Each(VALUE), "near": NAMES},
)
SITES = Keys("sites.yaml", {"sites": Each(SITE)})
PRICES = ("cpu_hour", "gpu_hour")
MOST_NAME = 63


@dataclass(frozen=True, slots=True)
class Site:
    """A runner, what may be asked of it, and what that costs."""

    name: str
    runner: str
    partition: str | None = None
    account: str | None = None
    container: str | None = None
    most: Mapping[str, int] | None = None  # cpus, memory, gpus, time; what is missing is not limited here
    cpu_hour: float = 0.0
    gpu_hour: float = 0.0
    near: tuple[str, ...] = ()  # buckets whose data are cheap to fetch there

    @property
    def shown(self) -> str:
        """The runner without what follows the question mark: names of files are nobody's affair."""
        parts = urlsplit(self.runner)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")) or self.runner


DEFAULT = (Site(LOCAL, "local:"),)


def read_sites(path: Path) -> tuple[Site, ...]:
    """The sites of a file, in its order; this machine alone where there is no file. Raises ProjectError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return DEFAULT
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from error
    return parse(text, path.name)


def parse(text: str, file: str = FILE) -> tuple[Site, ...]:
    """The sites that a text says."""
    said = read(text, file, SITES).get("sites") or {}
    if not said:
        raise ManifestError(f"{file}: it names no site; write one below `sites:`, or remove the file.")
    return tuple(_site(name, one, f"{file}:{line(said, name)}") for name, one in said.items())


def _site(name: str, said: Mapping[str, Any], at: str) -> Site:
    if not name.replace("-", "").isalnum() or not name.isascii() or len(name) > MOST_NAME:
        raise ManifestError(f"{at}: {name!r} cannot name a site; use letters, digits and hyphens.")
    container = said.get("container") or None
    if container not in (None, *CONTAINERS):
        raise ManifestError(f"{at}: the container {container!r} is none of {', '.join(CONTAINERS)}.")
    return Site(
        name,
        _runner(name, said, at),
        said.get("partition") or None,
        said.get("account") or None,
        container,
        _most(said.get("resources") or {}, at),
        _price(said.get("cost") or {}, "cpu_hour", at),
        _price(said.get("cost") or {}, "gpu_hour", at),
        tuple(filter(None, (said.get("near") or "").split(","))),
    )


def _runner(name: str, said: Mapping[str, Any], at: str) -> str:
    url = str(said.get("runner") or "")
    parts = urlsplit(url)
    if not url or parts.scheme not in SCHEMES:
        what = repr(url) if url else "missing"
        raise ManifestError(f"{at}: the runner of {name} is {what}; begin it with {':, '.join(SCHEMES)}:.")
    if parts.password is not None:
        raise ManifestError(f"{at}: the runner of {name} has a password in it; name a file that holds it.")
    return url


def _most(said: Mapping[str, Any], at: str) -> dict[str, int]:
    try:
        found = wanted({}, said).resources
    except TrainingError as error:
        raise ProjectError(f"{at}: {error}") from error
    names = {"cpus": found.cpus, "memory_MB": found.memory, "gpus": found.gpus, "time": found.time}
    if unknown := set(said) - set(names):
        raise ManifestError(f"{at}: resources has no key {min(unknown)!r}; it may have {', '.join(names)}.")
    return {key: names[key] for key in said}


def _price(said: Mapping[str, Any], key: str, at: str) -> float:
    if unknown := set(said) - set(PRICES):
        raise ManifestError(f"{at}: cost has no key {min(unknown)!r}; it may have {', '.join(PRICES)}.")
    value = said.get(key, 0)
    if type(value) not in (int, float) or value < 0:
        raise ManifestError(f"{at}: cost.{key} must be a number from 0 on, not {value!r}.")
    return float(value)
