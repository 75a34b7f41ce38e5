"""Starts zygotes: a Python that imports the libraries of an environment, and then waits for orders."""

import asyncio
import socket
import subprocess
from pathlib import Path

from deepwhisk.engine.containers.orphans import MARK
from deepwhisk.engine.containers.zygote import SEARCH, Zygote


async def start(
    python: Path, runtime: Path, folder: Path, variables: dict[str, str], distributions: list[str]
) -> Zygote:
    """Start a zygote in its own session, so that Ctrl-C reaches only the engine."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    folder.mkdir()
    told = _variables(python, runtime, folder) | variables
    launching = asyncio.create_task(asyncio.to_thread(_launch, python, folder, told, theirs))
    try:
        process = await asyncio.shield(launching)
    except BaseException:
        ours.close()
        await _undone(launching)
        raise
    zygote = Zygote(folder, process, ours, loop)
    loop.add_reader(ours.fileno(), zygote.on_readable)
    try:
        await zygote.load(distributions)
    except BaseException:
        await zygote.close()
        raise
    return zygote


async def _undone(launching: "asyncio.Task[subprocess.Popen[bytes]]") -> None:
    """Nobody waits for it any more: what it starts yet ends at once."""
    await asyncio.wait([launching])
    if launching.exception() is None:
        process = launching.result()
        process.kill()
        await asyncio.to_thread(process.wait)


def _launch(
    python: Path, folder: Path, variables: dict[str, str], control: socket.socket
) -> "subprocess.Popen[bytes]":
    with control, (folder / "zygote.log").open("wb") as log:
        return subprocess.Popen(
            [str(python), "-P", "-m", "deepwhisk_runtime.zygote", str(control.fileno())],
            pass_fds=[control.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=variables,
            start_new_session=True,
        )


def _variables(python: Path, runtime: Path, folder: Path) -> dict[str, str]:
    return {
        MARK: str(folder),
        "PATH": f"{python.parent}:{SEARCH}",
        "VIRTUAL_ENV": str(python.parent.parent),
        "PYTHONPATH": str(runtime),
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        # ONNX Runtime's telemetry is a thread, and a fork copies only the thread that asks for it.
        "ORT_DISABLE_TELEMETRY": "1",
        # What a model leaves unused after its load goes back: half the memory, for 3 % of the time of a call.
        "MALLOC_TRIM_THRESHOLD_": str(1 << 20),
        "MALLOC_MMAP_THRESHOLD_": str(1 << 18),
    }
