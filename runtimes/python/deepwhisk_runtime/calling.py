"""How code of a model is called: whatever it raises becomes a Fault that names phase and cause.

A Fault carries what was raised as it is and only within this process: an exception that cannot be pickled, or
not be made again from its pickle, harms nobody.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from deepwhisk_runtime.action import print_traceback
from deepwhisk_runtime.errors import Fault, describe, shown

Handed = TypeVar("Handed")
# Where models written for DEEPaaS say with which status a call is to be refused.
HTTP_ERRORS = (
    ("aiohttp.web_exceptions", "HTTPException", "status"),
    ("werkzeug.exceptions", "HTTPException", "code"),
)


def within(phase: str, act: Callable[..., Handed], *given: Any) -> Handed:
    """Act; what the model's own types raise (validators, serializers) is a fault of that phase."""
    try:
        return act(*given)
    except Fault:
        raise
    except Exception as error:
        print_traceback(error)
        raise Fault(phase, f"The {phase} cannot be handled: {describe(error)}", error) from error


def called(phase: str, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """What a function of the model returns; what it raises is a fault of that phase."""
    try:
        return function(**arguments)
    except (Exception, SystemExit) as error:
        raise raised(phase, error) from error


def raised(phase: str, error: BaseException) -> Fault:
    """What a function of the model raised, as a fault of that phase."""
    if isinstance(error, SystemExit):
        return Fault(phase, f"{phase} ended the program: sys.exit({shown(error.code, repr)}).", error)
    print_traceback(error)
    return Fault(phase, f"{phase} raised {describe(error)}", error, status=status_of(error))


def status_of(error: BaseException) -> int | None:
    """The status that an exception of a web framework asks for."""
    for framework, name, member in HTTP_ERRORS:
        kind = getattr(sys.modules.get(framework), name, None)
        if kind is not None and isinstance(error, kind):
            status = getattr(error, member, None)
            return status if isinstance(status, int) and 400 <= status <= 599 else None
    return None


def spent(result: Any, note: Callable[[Any], None]) -> Any:
    """What a function returned; a generator is run to its end, and each thing that it yields noted."""
    if not isinstance(result, Iterator):
        return result
    last = None
    while True:
        try:
            last = next(result)
        except StopIteration as end:
            return last if end.value is None else end.value
        note(last)
