"""`python -m deepwhisk_runtime.batch`: the supervisor, which a job's script becomes.

It reads its job behind the link in DEEPWHISK_JOB. Exit code 0: done; 1: it failed; 75: it was told to end,
and may be gone on with.
"""

import json
import os
import sys
from pathlib import Path

from deepwhisk_runtime.batch import transfer
from deepwhisk_runtime.batch.attempt import Attempt
from deepwhisk_runtime.batch.bootstrap import cached
from deepwhisk_runtime.batch.errors import Away, Failed, Interrupted, Shut
from deepwhisk_runtime.batch.order import Order
from deepwhisk_runtime.batch.patience import Stop

GRACE = 30.0
CODES = {"done": 0, "cancelled": 0, "interrupted": 75}


def main() -> int:
    """Do the job; the exit code says how it ended."""
    stop = Stop(GRACE)
    stop.listen()
    order = Order(os.environ.pop("DEEPWHISK_JOB"))
    try:
        order.read(stop)
    except (Failed, Interrupted) as fault:
        print(f"deepwhisk: {fault}", flush=True)
        return CODES["interrupted"] if isinstance(fault, Interrupted) else 1
    stop.grace = float(order.told.get("grace") or GRACE)
    if ended_before(order):
        return 0
    return CODES.get(Attempt(order, stop, Path(cached())).run(), 1)


def ended_before(order: Order) -> bool:
    """Whether this very attempt was done already: clusters start jobs again whose node they lost."""
    link = order.link("get", "result")
    try:
        content = transfer.read(link) if link else None
        return content is not None and json.loads(content)["state"] == "done"
    except (Away, Shut, ValueError, LookupError):
        return False


if __name__ == "__main__":
    sys.exit(main())
