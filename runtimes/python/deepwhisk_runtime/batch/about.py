"""Where an attempt runs: its machine, its GPUs, what the scheduler said of it, and the packages it has.

Nothing secret is among it: of the variables only those that describe the job are told.
"""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VISIBLE = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
NONE = ("", "-1", "none", "void", "nodevfiles")
TOLD = re.compile(
    r"SLURM_(JOB|ARRAY|CLUSTER|CPUS|MEM|NTASKS|NNODES|NODE|RESTART|SUBMIT_HOST|GPUS|TASKS)\w*"
    r"|KUBERNETES_SERVICE_(HOST|PORT)|HOSTNAME|POD_NAME|POD_NAMESPACE|NODE_NAME|JOB_NAME"
    r"|DEEPWHISK_(MODEL|IMAGE)|OMP_NUM_THREADS|(CUDA|NVIDIA|ROCR|HIP)_VISIBLE_DEVICES"
)
SECRET = re.compile(r"TOKEN|SECRET|PASS|JWT|KEY|CREDENTIAL|COMMENT", re.IGNORECASE)


def machine(variables: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The node, as far as it can be told without the model's environment."""
    told = {
        name: value for name, value in variables.items() if TOLD.fullmatch(name) and not SECRET.search(name)
    }
    return {
        "host": platform.node(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cpu": cpu(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_MB": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "gpus": gpus(variables),
        "scheduler": dict(sorted(told.items())),
    }


def cpu() -> str:
    """What the processor calls itself."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor()


def gpus(variables: Mapping[str, str]) -> list[str]:
    """The GPUs that this job may use: as its scheduler says, else as the driver does."""
    for name in VISIBLE:
        if name in variables:
            value = variables[name]
            return [] if value.strip().lower() in NONE else [each.strip() for each in value.split(",")]
    return listed()


def listed() -> list[str]:
    """The GPUs that the driver lists."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.partition(" (UUID")[0] for line in done.stdout.splitlines() if line.startswith("GPU ")]


def gpu(asked: Mapping[str, Any], variables: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """What was asked of GPUs and what is there, in numbers and in a sentence."""
    count, required, there = int(asked.get("count") or 0), bool(asked.get("required")), gpus(variables)
    if not count:
        said = "No GPU was asked for."
    elif not there:
        said = f"No GPU can be seen on {platform.node()}, where {count} should be: the CPU is used."
    else:
        said = f"GPUs that can be seen on {platform.node()}: {', '.join(there)}."
    return {
        "asked": count,
        "required": required,
        "visible": there,
        "used": bool(count and there),
        "said": said,
    }


def packages() -> dict[str, Any]:
    """The interpreter, and each package with its version."""
    found = {
        each.metadata["Name"]: each.version
        for each in importlib.metadata.distributions()
        if each.metadata["Name"]
    }
    return {
        "python": sys.version.split()[0],
        "implementation": sys.implementation.name,
        "packages": dict(sorted(found.items(), key=lambda pair: pair[0].lower())),
    }
