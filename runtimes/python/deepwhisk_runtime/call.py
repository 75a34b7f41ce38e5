"""A model behind `/run`: the payload's members are the arguments, the answer is the result.

Members that begin with `$` or `__ow_` are no arguments; `$event` is handed on to the result, so that a later
action of a sequence knows what this was about. An invocation that carries `__ow_method` came through the web:
it is replayed, whole, on the REST application.
"""

import os
from typing import Any

import orjson

from deepwhisk_runtime.activation import Activation
from deepwhisk_runtime.answers import Outgoing, encode
from deepwhisk_runtime.direct import Application, Direct, Later
from deepwhisk_runtime.errors import Fault, Refused
from deepwhisk_runtime.jsontext import dumps
from deepwhisk_runtime.late import answers_later
from deepwhisk_runtime.references import LARGE, LARGEST_MESSAGE, Outbox
from deepwhisk_runtime.served import Asking, Served


class ModelAction:
    """The model of a container."""

    def __init__(self, service: Served) -> None:
        self._service = service
        self._late = answers_later(service.folder)
        whole = Later(self._whole)
        self._rest: Application = whole if self._late else Direct(service, whole)

    @property
    def together(self) -> int:
        """How many calls the model answers at once."""
        return self._service.together

    def run(self, value: Any, activation: Activation) -> bytes:
        """The JSON text of the answer, or of an error that names phase, cause and activation."""
        if not isinstance(value, dict):
            message = f"The payload of a model is an object of arguments (got {type(value).__name__})."
            raise Refused(400, Fault("arguments", message).as_object(activation.id))
        if "__ow_method" in value:
            return self._replay(value, activation)
        try:
            return self._predict(value, activation)
        except Fault as fault:
            return dumps({"error": fault.as_object(activation.id)})

    def _predict(self, payload: dict[str, Any], activation: Activation) -> bytes:
        given = {name: each for name, each in payload.items() if not name.startswith(("$", "__ow_"))}
        outbox = outbox_of(activation)
        place = outbox.place if outbox else Outgoing.inline
        text = self._service.predict(given, lambda result: encode(result, place), Asking(activation.gone))
        if outbox and len(text) > LARGE:
            text = leave(text, outbox)
        return with_event(text, payload["$event"]) if "$event" in payload else boxed(text)

    def _replay(self, payload: dict[str, Any], activation: Activation) -> bytes:
        from deepwhisk_runtime import replay  # noqa: PLC0415 — for who is asked through the web

        return dumps(replay.answer(self._rest, payload, activation, outbox_of(activation)))

    def _whole(self) -> Application:
        # Flask and what it brings cost 60 ms and 10 MB: only who is asked for more than JSON pays.
        from deepwhisk_runtime import jobs, rest  # noqa: PLC0415

        handed = jobs.Jobs(self._service)
        return rest.create_app(self._service, rest.Offers(trainings=handed, jobs=handed, late=self._late))


def outbox_of(activation: Activation) -> Outbox | None:
    """Where large results go; nowhere, when the call brought no key."""
    host = os.environ.get("__OW_API_HOST")
    return Outbox(host, activation.api_key, activation.id) if host and activation.api_key else None


def leave(text: bytes, outbox: Outbox) -> bytes:
    """A reference in the place of a large result; what still fits a message stays when the store fails."""
    try:
        return orjson.dumps(outbox.put(Outgoing(text, "application/json", "result.json")))
    except Fault:
        if len(text) > LARGEST_MESSAGE:
            raise
        return text


def boxed(text: bytes) -> bytes:
    """A result as OpenWhisk wants it: an object or an array."""
    return text + b"\n" if text[:1] in b"{[" else b'{"result":%b}\n' % text


def with_event(text: bytes, event: Any) -> bytes:
    """An object that carries the event on."""
    inside = text[:-1] if text[:1] == b"{" else b'{"result":' + text
    comma = b"," if inside != b"{" else b""
    return b'%b%b"$event":%b}\n' % (inside, comma, orjson.dumps(event))
