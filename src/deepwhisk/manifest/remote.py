"""What a manifest takes from elsewhere: code at an address, projects of GitHub.

An archive of somebody else is unpacked with care: no file leaves its folder, no link is made, and what would
become too large is refused before it is written.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import requests

from deepwhisk.errors import ManifestError

SECONDS = 60.0
LARGEST = 256 * 1024 * 1024  # bytes of an archive, packed and unpacked
LOCATION = re.compile(
    r"(?:(https?)://)?([^/]*github[^/]*)/([^/]+)/([^/]+?)(?:\.git)?(?:/(.+?))?/?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Repository:
    """A place on GitHub, or on a GitHub of one's own."""

    address: str  # https://github.com/owner/name
    folder: str  # below it, where the manifest lies; empty for the root

    def archive(self, version: str) -> str:
        """Where a branch, tag or commit is found as a zip."""
        return f"{self.address}/zipball/{version}"


def repository(location: str) -> Repository | None:
    """What `github.com/owner/name/folder` names; None when it is nothing of GitHub."""
    match = LOCATION.fullmatch(location)
    if match is None:
        return None
    scheme, host, owner, name, folder = match.groups()
    return Repository(f"{scheme or 'https'}://{host}/{owner}/{name}", folder or "")


@lru_cache(maxsize=8)
def fetch(address: str) -> bytes:
    """What an address holds, asked once in a process. Raises ManifestError in words that say what to do."""
    try:
        with requests.get(address, timeout=SECONDS, stream=True) as response:
            if not response.ok:
                raise ManifestError(f"{address} answers {response.status_code} {response.reason}.")
            return _body(response, address)
    except requests.exceptions.RequestException as error:
        raise ManifestError(
            f"{address} cannot be fetched ({type(error).__name__}); "
            "put a copy into the project and name its path."
        ) from error


def unpack(archive: bytes, folder: Path) -> Path:
    """Unpack a zip of GitHub, which has one folder at its top; returns that folder."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as found:
            _check(found, folder)
            found.extractall(folder)
    except zipfile.BadZipFile as error:
        raise ManifestError(f"What was fetched is not a zip: {error}.") from error
    tops = [path for path in folder.iterdir() if path.is_dir()]
    return tops[0] if len(tops) == 1 else folder


def _body(response: requests.Response, address: str) -> bytes:
    content = bytearray()
    for chunk in response.iter_content(1 << 20):
        content += chunk
        if len(content) > LARGEST:
            raise ManifestError(f"{address} holds more than {LARGEST >> 20} MB, which is no project.")
    return bytes(content)


def _check(found: zipfile.ZipFile, folder: Path) -> None:
    if sum(member.file_size for member in found.infolist()) > LARGEST:
        raise ManifestError(f"The archive unpacks to more than {LARGEST >> 20} MB, which is no project.")
    for member in found.infolist():
        target = (folder / member.filename).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise ManifestError(f"The archive holds {member.filename!r}, which lies outside of it.")
