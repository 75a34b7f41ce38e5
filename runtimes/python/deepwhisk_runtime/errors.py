"""What the shim raises on purpose.

Refused        an answer other than 200, with the text OpenWhisk's own proxy gives
└── Exited     … because the action meant to end its process
Fault          a model could not do what it was asked; names cause and phase
├── Unstored   … because the store did not take its result
└── Invalid    … because of the arguments; names every field with its value and limit
"""

from collections.abc import Callable
from typing import Any


class Refused(Exception):
    """Raised when `/init` or `/run` is answered with another status than 200."""

    def __init__(self, status: int, error: Any) -> None:
        super().__init__(error if isinstance(error, str) else error.get("message", error))
        self.status = status
        self.error = error


class Exited(Refused):
    """Raised when an action meant to end its process: what is left of it is not called again."""


class Fault(Exception):
    """Raised when a model cannot be loaded, cannot predict, or returns what cannot leave the container.

    `phase` is one of load, arguments, predict, result, train. `transient` says that the same call may succeed
    later, since what failed was not the model but a store that did not answer: the storage feed tries again.
    """

    status = 500
    transient = False

    def __init__(
        self,
        phase: str,
        message: str,
        cause: BaseException | None = None,
        field: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status or self.status
        self.phase = phase
        self.message = message
        self.cause = cause
        self.field = field

    def as_object(self, activation: str | None = None) -> dict[str, Any]:
        """The error as it leaves the container."""
        told: dict[str, Any] = {"message": self.message, "phase": self.phase}
        if self.cause is not None:
            told["cause"] = describe(self.cause)
        if self.field is not None:
            told["field"] = self.field
        if activation:
            told["activation"] = activation
        return told | {"transient": True} if self.transient else told


class Unstored(Fault):
    """Raised when a result could not be put into the store."""

    transient = True


class Invalid(Fault):
    """Raised when the arguments of a call do not fit the signature; `fields` holds the messages of each.

    `phrases` holds them in the words of DEEPaaS V2, for those who ask over its API.
    """

    status = 422

    def __init__(
        self,
        fields: dict[str, list[str]],
        phrases: dict[str, list[str]] | None = None,
        *,
        transient: bool = False,
    ) -> None:
        name, messages = next(iter(fields.items()))
        super().__init__("arguments", f"{name}: {messages[0]}", field=name)
        self.fields = fields
        self.phrases = phrases or fields
        self.transient = transient

    def as_object(self, activation: str | None = None) -> dict[str, Any]:
        return super().as_object(activation) | {"status": self.status, "fields": self.fields}


def describe(error: BaseException) -> str:
    """`ValueError: what it says`; only the name when it says nothing."""
    text = shown(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shown(value: object, form: Callable[[object], str] = str) -> str:
    """The text of what a model made, which may not be able to give one."""
    try:
        return form(value)
    except Exception as error:  # noqa: BLE001 — its code is the model's
        return f"(it cannot be shown: {type(error).__name__})"
