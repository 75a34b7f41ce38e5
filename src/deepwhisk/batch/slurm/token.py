"""The JSON Web Token of a user of Slurm, in a file that somebody renews."""

import base64
import binascii
import json
import time
from pathlib import Path

from deepwhisk.errors import RunnerUnreachable


def read_token(path: Path) -> str:
    """The token, read again each time; a line `SLURM_JWT=…`, as `scontrol token` prints it, is one too.

    Raises RunnerUnreachable when it is not there or has expired, which slurmrestd itself says of nothing.
    """
    try:
        token = path.read_text(encoding="utf-8").strip().removeprefix("SLURM_JWT=")
    except OSError as error:
        raise RunnerUnreachable(f"The token in {path} cannot be read: {error.strerror}.") from error
    expiry = _expiry(token)
    if expiry is not None and expiry <= time.time():
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(expiry))
        raise RunnerUnreachable(
            f"The token in {path} expired at {when}; `scontrol token lifespan=SECONDS` makes another one."
        )
    return token


def _expiry(token: str) -> float | None:
    """When it ends; None when that cannot be told."""
    middle = token.split(".")[1:2]
    try:
        claims = json.loads(base64.urlsafe_b64decode(middle[0] + "==")) if middle else {}
    except (binascii.Error, ValueError):
        return None
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    return float(expiry) if isinstance(expiry, int | float) else None
