"""Which environments the actions of a deployment want, by the names that an engine gives them."""

import base64
import binascii
import io
import zipfile
from collections.abc import Iterable

from deepwhisk.deploy import Change
from deepwhisk.environments import digest_of

REQUIREMENTS = "requirements.txt"


def wanted_environments(changes: Iterable[Change]) -> set[str]:
    """The digests of what the code of these actions asks for. A zip that cannot be read asks for nothing."""
    codes = (change.body.get("exec", {}).get("code", "") for change in changes if change.verb != "delete")
    return {digest_of(text) for code in codes if (text := _requirements(code)) is not None}


def _requirements(code: str) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(code, validate=True))) as archive:
            return (
                archive.read(REQUIREMENTS).decode("utf-8-sig") if REQUIREMENTS in archive.namelist() else None
            )
    except (binascii.Error, ValueError, zipfile.BadZipFile, RuntimeError):
        return None
