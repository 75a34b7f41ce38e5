"""What a module from outside answers: coroutines and generators to their end, files in the type asked for."""

import asyncio
import inspect
import mimetypes
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deepwhisk_runtime.answers import Outgoing, encode, file_of, typed
from deepwhisk_runtime.calling import called
from deepwhisk_runtime.errors import Fault, Invalid, describe
from deepwhisk_runtime.fields import loaded
from deepwhisk_runtime.jsontext import loads
from deepwhisk_runtime.served import JSON

UNDECIDED = (None, "", JSON, "*/*")
NOT_OFFERED = 501


def asked(phase: str, function: Callable[..., Any] | None, arguments: Mapping[str, Any] | None = None) -> Any:
    """What a function of a module returns; a Fault of that phase says why there is nothing."""
    if function is None:
        raise Fault(phase, f"The module offers no {phase}.", status=NOT_OFFERED)
    try:
        return called(phase, lambda **named: settled(function(**named)), arguments or {})
    except Fault as fault:
        raise meant(phase, fault) from fault.cause


def meant(phase: str, fault: Fault) -> Fault:
    """The fault that a module meant."""
    error = fault.cause
    if isinstance(error, NotImplementedError):
        return Fault(phase, f"The module does not implement {phase}.", error, status=NOT_OFFERED)
    if error is not None and (told := error.__context__) is not None and (status := untold(error)):
        return Fault(phase, f"{phase} raised {describe(told)}", told, status=status)
    return fault


def untold(error: BaseException) -> int | None:
    """The status of an exception of aiohttp that could not be made, for its reason was no text.

    `except Exception as error: raise HTTPBadRequest(reason=error)` is what many modules say; aiohttp took
    that once, and now fails with an error about the reason.
    """
    if not isinstance(error, TypeError):
        return None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__") == "aiohttp.web_exceptions":
            status = getattr(frame.f_locals.get("self"), "status_code", None)
            return status if isinstance(status, int) and status >= 400 else 500
    return None


def settled(result: Any) -> Any:
    """A result that was waited for; what a generator yields, as a list."""
    if inspect.isawaitable(result):
        return settled(asyncio.run(waited(result)))
    if inspect.isasyncgen(result):
        return asyncio.run(gathered(result))
    return list(result) if inspect.isgenerator(result) else result


async def waited(result: Any) -> Any:
    """What is awaited."""
    return await result


async def gathered(result: Any) -> list[Any]:
    """What an asynchronous generator yields."""
    return [each async for each in result]


def answered(result: Any, accept: Any, schema: Any) -> Any:
    """A result as it leaves: a file of the type that was asked for, or JSON that its schema allows."""
    result = returned(result)
    if accept not in UNDECIDED:
        return filed(result, str(accept))
    if schema is None:
        return result
    if (file := file_of(result)) is not None:
        return file  # no schema can say anything of it
    hold_to(schema, result)
    return result


def returned(result: Any) -> Any:
    """The file behind DEEPaaS's own name for one."""
    is_named = type(result).__name__ == "ReturnedFile" and getattr(result, "filename", None)
    return Path(result.filename) if is_named else result


def filed(result: Any, accept: str) -> Outgoing:
    """A result as a file; of which type exactly says its name, where only a family was asked for."""
    if not accept.endswith("/*"):
        return typed(result, accept)
    file = file_of(result) or typed(result, accept)
    guessed = mimetypes.guess_type(file.name)[0] or file.content_type
    return replace(file, content_type="application/octet-stream" if "*" in guessed else guessed)


def hold_to(schema: Any, result: Any) -> None:
    """Refuse a result that the module's own schema forbids."""
    plain = loads(encode(result))
    try:
        loaded(schema, plain)
    except Invalid as error:
        faults = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in error.fields.items())
        raise Fault("result", f"The answer does not fit the module's schema: {faults}", error) from None
