"""The trainings of a namespace, through its actions `training/*`.

Law: whatever can be asked of a training is asked of OpenWhisk, so that the command line needs an address and
a key and nothing else. What an action refuses is raised in the action's own sentence.
"""

import functools
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from deepwhisk.cli.common import connect
from deepwhisk.cli.options import endpoint_options
from deepwhisk.errors import SettingsError, TrainingRefused, WhiskError, WhiskUnreachable
from deepwhisk.settings import State
from deepwhisk.whisk import NOT_FOUND, Whisk

OVER = frozenset({"done", "error", "cancelled", "refused", "lost"})
UUID = re.compile(r"[0-9a-f]{32}")
START = re.compile(r"[0-9a-f]{4,32}")
SHORT = 8  # characters of a UUID that are shown
PAGE = 200
WAIT_SECONDS = 10  # that an action waits for something new before it says that there is nothing
REST_SECONDS = 0.25  # before asking again an action that did not wait

Training = dict[str, Any]


class Trainings:
    """What can be done with trainings, with the client of one namespace."""

    def __init__(self, whisk: Whisk) -> None:
        self.whisk = whisk

    def ask(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """The answer of one action. Raises TrainingRefused with what it said."""
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            answer = self.whisk.invoke(f"training/{verb}", given, result=True)
            if isinstance(answer, dict) and set(answer) == {"activationId"}:  # it takes longer than a call
                answer = self.whisk.finished(answer["activationId"])["response"]["result"]
        except WhiskUnreachable:
            raise
        except WhiskError as error:
            raise TrainingRefused(_said(error, self.whisk.apihost)) from error
        if "error" in answer:
            raise TrainingRefused(_sentence(answer["error"]))
        return dict(answer)

    def all(self, limit: int, **filters: Any) -> list[Training]:
        """The newest first, at most LIMIT."""
        found: list[Training] = []
        while len(found) < limit:
            wanted = min(PAGE, limit - len(found))
            page = self.ask("list", limit=wanted, skip=len(found) or None, **filters)["trainings"]
            found += page
            if len(page) < wanted:
                break
        return found

    def uuid(self, start: str) -> str:
        """The whole name of the one training that begins so. Raises SettingsError when that is not one."""
        if UUID.fullmatch(start):
            return start
        if not START.fullmatch(start):
            raise SettingsError(
                f"{start!r} is no training; give a UUID or its first 4 characters or more, "
                "as `deepwhisk trainings list` shows them."
            )
        found = [each["uuid"] for each in self.all(PAGE, prefix=start) if each["uuid"].startswith(start)]
        if len(found) != 1:
            raise SettingsError(_not_one(start, found))
        return str(found[0])

    def show(self, uuid: str) -> Training:
        return self.ask("show", uuid=uuid)

    def metrics(self, uuid: str) -> list[dict[str, Any]]:
        """All lines that there are."""
        lines: list[dict[str, Any]] = []
        while True:
            answer = self.ask("metrics", **{"uuid": uuid, "from": len(lines)})
            lines += answer["metrics"]
            if not answer["metrics"]:
                return lines

    def news(self, uuid: str) -> Iterator[tuple[list[dict[str, Any]], Training]]:
        """New lines of metrics with the training as it is then, as they come, until it is over."""
        training, seen = self.show(uuid), 0
        yield [], training
        while True:
            began = time.monotonic()
            answer = self.ask("metrics", **{"uuid": uuid, "from": seen, "wait": WAIT_SECONDS})
            seen += len(answer["metrics"])
            if answer["state"] != training["state"]:
                training = self.show(uuid)
            yield answer["metrics"], training
            if training["state"] in OVER and not answer["metrics"]:
                return
            if not answer["metrics"] and time.monotonic() - began < REST_SECONDS:
                time.sleep(REST_SECONDS)


def _not_one(start: str, found: list[str]) -> str:
    if not found:
        return f"No training begins with {start}; see `deepwhisk trainings list`."
    some = ", ".join(each[: len(start) + 4] for each in found[:5])
    return f"{len(found)} trainings begin with {start} ({some}{', …' if len(found) > 5 else ''}); give more."


def _said(error: WhiskError, apihost: str) -> str:
    """What an action refused, or that there is no such action."""
    if error.status == NOT_FOUND:
        return f"There is no package training at {apihost}; `deepwhisk up` has it, or `deepwhisk deploy` it."
    said = error.body.get("error") if isinstance(error.body, dict) and not error.code else None
    return str(error) if said is None else _sentence(said)


def _sentence(said: Any) -> str:
    if isinstance(said, dict):
        return str(said.get("message") or said.get("error") or said)
    return str(said)


def short(uuid: str) -> str:
    """A UUID as it is shown, and may be given."""
    return uuid[:SHORT]


def asks_trainings(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command that is given `calls`, the trainings of the endpoint that its options name."""

    @endpoint_options
    @functools.wraps(command)
    def called(*, state: State, apihost: str | None, auth: str | None, **given: Any) -> Any:
        return command(calls=Trainings(connect(apihost, auth, state)), **given)

    return called
