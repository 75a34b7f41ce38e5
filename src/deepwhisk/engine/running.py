"""One call in one container: initialize if that is new, run, collect the logs.

Law: what comes back says whether the container can be used again.
"""

import time
from typing import Any

from deepwhisk.engine import bodies, verdict
from deepwhisk.engine.codec import dumps
from deepwhisk.engine.container import Answer, Container, Lost, Reply
from deepwhisk.engine.invocation import (
    APPLICATION_ERROR,
    DEVELOPER_ERROR,
    WHISK_ERROR,
    Call,
    Executable,
    Outcome,
)
from deepwhisk.engine.kinds import PYTHON
from deepwhisk.engine.logs import UNEXPECTED, line
from deepwhisk.engine.verdict import Verdict
from deepwhisk.errors import ContainerFailed, DeepwhiskError, ImageMissing

_UNAVAILABLE = 503


def now() -> int:
    return time.time_ns() // 1_000_000


async def initialize(container: Container, executable: Executable, call: Call | None) -> Reply:
    return await container.post("/init", bodies.init_body(executable, call), executable.timeout / 1000)


async def run(container: Container, executable: Executable, call: Call) -> Reply:
    return await container.post("/run", bodies.run_body(executable, call), executable.timeout / 1000)


def refuses(reply: Reply) -> bool:
    """The container never took the call: another one can."""
    return reply is Lost.BEFORE or (isinstance(reply, Answer) and reply.status == _UNAVAILABLE)


async def outcome_of(
    container: Container, executable: Executable, reply: Reply, judged: Verdict, times: dict[str, Any]
) -> Outcome:
    status, result = judged
    end = now()
    broken = status > APPLICATION_ERROR
    logs = await container.logs(ended=isinstance(reply, Lost))
    if broken and executable.logs:
        said = [container.epitaph(), UNEXPECTED]
        logs += [line("stderr", text) for text in said if text]
    return Outcome(
        status,
        result,
        end=end,
        size=_size(reply, executable.kind, result),
        logs=logs,
        timed_out=reply is Lost.TIME,
        usage=reply.usage if isinstance(reply, Answer) else None,
        **times,
    )


def _size(reply: Reply, kind: str, result: Any) -> int | None:
    """Bytes of what was answered, by the container or by the proxy that OpenWhisk has in it."""
    if isinstance(reply, Answer):
        return reply.length
    return len(dumps(result)) + 1 if kind == PYTHON and reply is Lost.EXIT else None


def unstarted(fault: DeepwhiskError, executable: Executable, call: Call, arrived: int) -> Outcome:
    """No container could be had; the logs say why where OpenWhisk's text cannot."""
    end = now()
    status, error = _unstarted(fault, executable, call)
    said = [line("stderr", text) for text in str(fault).splitlines()] if executable.logs else []
    return Outcome(status, {"error": error}, end, end, end - arrived, logs=said)


def _unstarted(fault: DeepwhiskError, executable: Executable, call: Call) -> Verdict:
    if isinstance(fault, ImageMissing):
        return DEVELOPER_ERROR, f"Failed to pull container image '{fault.image}'."
    if isinstance(fault, ContainerFailed):
        return WHISK_ERROR, verdict.UNPROVISIONED
    first = str(fault).partition("\n")[0].removesuffix(" uv says:")
    return DEVELOPER_ERROR, {
        "message": f"The environment of the action could not be made: {first}",
        "cause": str(fault),
        "phase": "environment",
        "activation": call.activation_id,
    }
