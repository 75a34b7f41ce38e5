"""Results that are too large for a message leave as references.

OpenWhisk fixes 1 MB a message. The action `objects/link` of the container's own namespace gives a place to
put the content and the reference that stands for it; the model never sees a key of the store, nor this one.
"""

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deepwhisk_runtime.answers import Outgoing
from deepwhisk_runtime.errors import Unstored, describe

LARGE = 512 * 1024  # bytes of JSON
LARGE_FILE = 256 * 1024
LARGEST_MESSAGE = 1_000_000
LINK = "/api/v1/namespaces/_/actions/objects/link?blocking=true&result=true"
SECONDS = 30


@dataclass(frozen=True, slots=True)
class Outbox:
    """Where the large results of one call go."""

    api_host: str
    api_key: str
    activation: str

    def put(self, file: Outgoing) -> dict[str, Any]:
        """Put a file into the store; gives its reference."""
        try:
            given = self._link(file)
            put = given["put"]
            request = urllib.request.Request(put["url"], file.content, put.get("headers") or {}, method="PUT")
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                answer.read()
            reference: dict[str, Any] = given["reference"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            message = f"The result of {len(file.content)} bytes could not be put into the store"
            raise Unstored("result", f"{message}: {_reason(error)}.", error) from error
        return reference

    def place(self, file: Outgoing) -> dict[str, Any]:
        """What stands for a file in an answer: a reference when it is large, else its content."""
        return self.put(file) if len(file.content) > LARGE_FILE else file.inline()

    def _link(self, file: Outgoing) -> dict[str, Any]:
        asked = {
            "contentType": file.content_type,
            "size": len(file.content),
            "filename": file.name,
            "activation": self.activation,
        }
        key = base64.b64encode(self.api_key.encode()).decode()
        headers = {"Authorization": f"Basic {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(endpoint(self.api_host) + LINK, json.dumps(asked).encode(), headers)

        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            given: dict[str, Any] = json.load(answer)
        return given


def endpoint(api_host: str) -> str:
    """`__OW_API_HOST` as a URL; OpenWhisk gives it with or without a scheme."""
    return (api_host if urlsplit(api_host).netloc else f"https://{api_host}").rstrip("/")


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        with error:
            return f"{error.code} {error.read(300).decode('utf-8', 'replace')}"
    if isinstance(error, LookupError):
        return f"objects/link does not say {error}"
    return describe(error)
