"""`slurm:`, the cluster that this machine submits to with sbatch.

Law: a command gets its words as they are, no shell between.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from deepwhisk.batch.options import file, known
from deepwhisk.batch.slurm.commands import Said, SlurmCommands
from deepwhisk.errors import RunnerUnreachable

OPTIONS = ("conf", "output")
SECONDS = 60.0


def open_one(url: SplitResult, options: Mapping[str, Any], folder: Path) -> SlurmCommands:
    """`slurm:`, with the file slurm.conf where it is not the usual one."""
    known("slurm:", options, OPTIONS)
    return SlurmCommands(Here(file("slurm:", options, "conf")), str(options.get("output", "")))


class Here:
    """Runs commands on this machine."""

    def __init__(self, conf: Path | None) -> None:
        self._before = ["env", f"SLURM_CONF={conf}"] if conf else ["env"]

    def __call__(self, words: Sequence[str], given: str = "") -> Said:
        try:
            done = subprocess.run(
                [*self._before, *words],
                input=given.encode(),
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RunnerUnreachable(f"Slurm's {words[0]} has not answered for {SECONDS:g} s.") from None
        return Said(
            done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )
