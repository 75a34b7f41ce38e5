"""How an action says no: in a sentence, with its cause and whether to try again."""

import functools
import os
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

Json = dict[str, Any]


class Refused(Exception):
    """Raised when a call cannot be served; `later` says that the same call may succeed then."""

    def __init__(self, message: str, status: int = 422, *, later: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.later = later


def sentences(action: Callable[[Json], Json]) -> Callable[[Json], Json]:
    """Answer a refusal with an application error that names cause, phase and activation."""

    @functools.wraps(action)
    def told(args: Json) -> Json:
        try:
            return action(args)
        except (Refused, BotoCoreError, ClientError) as error:
            where = {
                "phase": f"training/{action.__name__}",
                "activation": os.environ.get("__OW_ACTIVATION_ID"),
            }
            return {"error": {**_about(error), **where}}

    return told


def _about(error: Refused | BotoCoreError | ClientError) -> Json:
    refused = error if isinstance(error, Refused) else Refused(f"The store refused: {error}", 503, later=True)
    cause = type(error.__cause__ or error).__name__
    said = {"message": str(refused), "cause": cause, "status": refused.status}
    return {**said, "transient": True} if refused.later else said
