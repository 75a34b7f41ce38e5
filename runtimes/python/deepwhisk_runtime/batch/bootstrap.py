"""What a job begins with: it fetches the program of the node, verifies it, and becomes it.

Law: its text is all that a job's script carries, so it imports nothing of ours, and signals that come
meanwhile are kept for that program.
"""

import hashlib
import io
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile

PATIENCE = 600.0  # seconds in which a store may be away
PAUSES = (0.5, 1, 2, 4, 8)
KEPT = {signal.SIGTERM, signal.SIGUSR1, signal.SIGINT}


def fetch(url: str) -> bytes:
    """What a link points to; SystemExit says why there is nothing."""
    until = time.monotonic() + PATIENCE
    where = url.partition("?")[0]
    for attempt in range(1_000):
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            error.close()
            reason = f"answers {error.code}"
            final = error.code < 500 and error.code not in (408, 429)
        except (OSError, ValueError) as error:
            reason, final = (
                f"cannot be reached: {getattr(error, 'reason', error)}",
                isinstance(error, ValueError),
            )
        told = signal.sigpending() & KEPT
        if final or told or time.monotonic() > until:
            raise SystemExit(
                f"deepwhisk: {where} {reason}" + (", and the job is told to end" if told else "")
            )
        time.sleep(PAUSES[min(attempt, len(PAUSES) - 1)])
    raise SystemExit(f"deepwhisk: {where} cannot be had")


def program(runtime: "dict[str, str]", cache: str) -> str:
    """The folder of the program with this digest, fetched unless it is there."""
    folder = os.path.join(cache, "runtime", runtime["sha256"])
    if os.path.isdir(folder):
        return folder
    content = fetch(runtime["url"])
    found = hashlib.sha256(content).hexdigest()
    if found != runtime["sha256"]:
        raise SystemExit(f"deepwhisk: the program has the digest {found}, not {runtime['sha256']}: refused")
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    new = tempfile.mkdtemp(prefix=".new-", dir=os.path.dirname(folder))
    zipfile.ZipFile(io.BytesIO(content)).extractall(new)
    try:
        os.rename(new, folder)
    except OSError:  # another job was quicker
        shutil.rmtree(new, ignore_errors=True)
    return folder


def cached() -> str:
    """Where programs, environments and weights are kept, as settings of the tool say it."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    named = os.environ.get("DEEPWHISK_CACHE") or os.path.join(base, "deepwhisk")
    return os.path.abspath(os.path.expanduser(named))


def main() -> None:
    """Become the program; it takes the signals that wait, since what is blocked stays blocked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, KEPT)
    job = json.loads(fetch(os.environ["DEEPWHISK_JOB"]))
    os.environ["PYTHONPATH"] = program(job["runtime"], cached())
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.execv(sys.executable, [sys.executable, "-P", "-m", "deepwhisk_runtime.batch"])


if __name__ == "__main__":
    main()
