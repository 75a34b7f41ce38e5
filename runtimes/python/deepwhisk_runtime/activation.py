"""What a call carries beside its payload, and the environment variables made of it."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from deepwhisk_runtime.jsontext import dumps

SECRET = "api_key"
Gone: TypeAlias = Callable[[], bool]  # whether nobody waits for the answer any more


def never() -> bool:
    """That of a call whose caller cannot be seen to leave."""
    return False


@dataclass(frozen=True, slots=True)
class Activation:
    """The members of a `/run` body beside `value`."""

    id: str = ""
    name: str = ""
    deadline: str = ""
    api_key: str | None = None
    gone: Gone = never

    @classmethod
    def of(cls, message: dict[str, Any], gone: Gone = never) -> "Activation":
        """Read them from a message."""
        return cls(
            str(message.get("activation_id", "")),
            str(message.get("action_name", "")),
            str(message.get("deadline", "")),
            message.get(SECRET),
            gone,
        )


class Variables:
    """The process' environment, as `/init` and each `/run` fill it.

    A model never finds the key of its namespace in there: its code needs none, and prints of it end in logs.
    """

    def __init__(self, keep_secret: bool) -> None:
        self._secret = frozenset((SECRET,)) if keep_secret else frozenset()
        self._told: dict[str, Any] = {}

    def init(self, env: dict[str, Any]) -> None:
        """Set the variables of `/init`, which carry their full names."""
        secret = {f"__OW_{name.upper()}" for name in self._secret}
        self._set((name, value) for name, value in env.items() if name not in secret)

    def run(self, message: dict[str, Any]) -> None:
        """Set `__OW_<NAME>` for all members of `/run`; most are those of the call before."""
        told = self._told
        if changed := [
            each for each in message.items() if told.get(each[0]) != each[1] and each[0] not in self._secret
        ]:
            told.update(changed)
            self._set((f"__OW_{name.upper()}", value) for name, value in changed)

    def _set(self, pairs: Iterable[tuple[str, Any]]) -> None:
        for name, value in pairs:
            text = value if isinstance(value, str) else dumps(value).decode().rstrip()
            if name and "=" not in name and "\0" not in name + text:
                os.environ[name] = text
