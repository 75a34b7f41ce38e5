"""Where things are and whom to ask: values read once, at the edge, by the command line.

Nothing below `cli` reads an environment variable; what a part needs reaches it as one of these values.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deepwhisk.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenWhisk endpoint and the key of one namespace there."""

    apihost: str
    auth: str
    gateway_token: str = ""  # APIGW_ACCESS_TOKEN and APIGW_TENANT_ID, where a cluster's gateway wants them
    gateway_tenant: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """The folder of one running deepwhisk; only its owner may read it."""

    folder: Path

    @property
    def wskprops(self) -> Path:
        """What `wsk` reads when WSK_CONFIG_FILE names it: the namespace guest."""
        return self.folder / "wskprops"

    @property
    def wskprops_system(self) -> Path:
        """The same for the namespace whisk.system."""
        return self.folder / "wskprops.system"

    @property
    def running(self) -> Path:
        """The addresses of the parts, while `up` runs (JSON)."""
        return self.folder / "up.json"

    @property
    def lock(self) -> Path:
        """Held by the one `up` that uses this folder."""
        return self.folder / "up.lock"

    def log(self, part: str) -> Path:
        """Where a part writes what it has to say."""
        return self.folder / "logs" / f"{part}.log"

    def make(self) -> None:
        """Make the folder, for its owner only. Raises SettingsError where that cannot be."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            (self.folder / "logs").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"The folder {self.folder} cannot be written to: {error.strerror}; name another with --state."
            ) from error


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Environments and weights, shared by all projects of a user: DEEPWHISK_CACHE or XDG_CACHE_HOME."""
    if named := environ.get("DEEPWHISK_CACHE"):
        return Path(named).expanduser().absolute()
    base = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "deepwhisk"


def default_state(here: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """`.deepwhisk` in the project that `here` lies in; outside of any, a folder of the user's own."""
    for folder in (here, *here.parents):
        if (folder / "catalog").is_dir() or (folder / "manifest.yaml").is_file():
            return folder / ".deepwhisk"
    base = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "deepwhisk"


def read_wskprops(path: Path) -> dict[str, str]:
    """The `KEY=value` lines of a wskprops file, as the `wsk` client writes them."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip().upper(): value.strip() for key, value in pairs}


def write_wskprops(path: Path, apihost: str, auth: str, namespace: str) -> None:
    """Write or update a wskprops file, readable by its owner only, in one step; other keys are kept."""
    ours = {"APIHOST": apihost, "AUTH": auth, "NAMESPACE": namespace}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if line.partition("=")[0].strip() not in ours]
    text = "\n".join([*(f"{key}={value}" for key, value in ours.items()), *kept]) + "\n"
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def find_endpoint(
    apihost: str | None, auth: str | None, state: State, environ: Mapping[str, str] = os.environ
) -> Endpoint:
    """The endpoint to speak to: flags, then WSK_CONFIG_FILE, then the running `up`, then ~/.wskprops.

    Raises SettingsError when nothing names an address and a key.
    """
    named = environ.get("WSK_CONFIG_FILE")
    candidates = [Path(named)] if named else [state.wskprops, Path("~/.wskprops").expanduser()]
    found = next((path for path in candidates if path.is_file()), None)
    properties = read_wskprops(found) if found else {}
    host, key = apihost or properties.get("APIHOST"), auth or properties.get("AUTH")
    if not host or not key:
        missing = "address (--apihost)" if not host else "key (--auth)"
        raise SettingsError(
            f"No {missing} of an OpenWhisk endpoint is known: looked in {', '.join(map(str, candidates))}. "
            "Start one here with `deepwhisk up`, or name one with --apihost and --auth."
        )
    if ":" not in key:
        raise SettingsError("The key has no colon; give --auth UUID:KEY, as in the line AUTH= of wskprops.")
    gateway = (properties.get(name, "") for name in ("APIGW_ACCESS_TOKEN", "APIGW_TENANT_ID"))
    return Endpoint(host, key, *gateway)
