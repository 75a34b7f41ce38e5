"""Other actions, asked over OpenWhisk's REST API with somebody's key."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from deepwhisk_runtime.errors import describe
from deepwhisk_runtime.references import endpoint

SECONDS = 30
ACCEPTED, UNREACHABLE = 202, 503


class Unanswered(Exception):
    """Raised when an action gives no result; `status` is what HTTP, or the action's own error, says."""

    def __init__(
        self, message: str, status: int, *, transient: bool = False, of_action: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.transient = transient
        self.of_action = of_action  # else of OpenWhisk, before it


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a key, and the namespace whose actions are asked."""

    api_host: str
    namespace: str
    authorization: str = field(repr=False)  # the value of the header

    @classmethod
    def of_key(cls, api_host: str, namespace: str, api_key: str) -> "Caller":
        """Who has a namespace's key."""
        return cls(api_host, namespace, f"Basic {base64.b64encode(api_key.encode()).decode()}")

    def ask(self, action: str, args: Mapping[str, Any], seconds: float = SECONDS) -> dict[str, Any]:
        """The result of an action, `package/name`; Unanswered says why there is none."""
        path = f"/api/v1/namespaces/{self.namespace}/actions/{action}?blocking=true&result=true"
        headers = {"Authorization": self.authorization, "Content-Type": "application/json"}
        request = urllib.request.Request(endpoint(self.api_host) + path, json.dumps(args).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                status, found = answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            raise _refused(action, error) from error
        except (OSError, HTTPException, ValueError) as error:
            said = f"{action} at {self.api_host} cannot be asked: {describe(error)}"
            raise Unanswered(said, UNREACHABLE, transient=True) from error
        if status == ACCEPTED or not isinstance(found, dict):
            raise Unanswered(f"{action} has not answered in time", UNREACHABLE, transient=True)
        return found


def _refused(action: str, error: urllib.error.HTTPError) -> Unanswered:
    """What an action, or OpenWhisk before it, said."""
    with error:
        content = error.read(100_000)
    try:
        found = json.loads(content)
        said = found.get("error") if isinstance(found, dict) else None
    except ValueError:
        said = None
    if isinstance(said, dict):
        status = said.get("status")
        message, transient = str(said.get("message") or said), bool(said.get("transient"))
        told = status if isinstance(status, int) else error.code
        return Unanswered(message, told, transient=transient, of_action=True)
    message = f"{action} is answered {error.code} {said or error.reason}"
    return Unanswered(message, error.code, transient=error.code >= 500 or error.code == 429)
