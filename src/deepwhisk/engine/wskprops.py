"""The files that tell `wsk` where the engine is and who one is.

Other keys, which `wsk property set` writes, are kept.
"""

import os
from pathlib import Path

from deepwhisk.engine.authentication import Identity


def write_wskprops(path: Path, apihost: str, identity: Identity) -> None:
    """Writes or updates PATH, readable by its owner only, in one step."""
    ours = {"APIHOST": apihost, "AUTH": identity.credentials, "NAMESPACE": identity.namespace}
    kept = [line for line in _lines(path) if line.partition("=")[0].strip() not in ours]
    text = "\n".join([*(f"{key}={value}" for key, value in ours.items()), *kept]) + "\n"
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
