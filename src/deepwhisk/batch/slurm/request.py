"""A job, or several that are alike, as Slurm is asked for it.

Law: what people gave is in the script, quoted, and nowhere else: neither in an argument of a command, which
`ps` shows, nor in what Slurm shows to everybody. Words that name something of the cluster are checked.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from deepwhisk.batch.options import check_name
from deepwhisk.batch.runner import Job, Offer
from deepwhisk.batch.slurm.states import minutes
from deepwhisk.errors import RunnerRefused

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LOGS = "$HOME/.deepwhisk/log"
_COMMENT = 1024  # characters that Slurm keeps; there the names of an array stand
_WORD = re.compile(r"[\w.,@+-]{1,200}", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEPT_DAYS = 30

# What every job finds, also where Slurm hands on no variable: a home, a name, and a file for what it says.
_BEGINNING = """\
[ -n "${{HOME-}}" ] || HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
[ -n "${{USER-}}" ] || USER=$(id -un)
LOGNAME=$USER
export HOME USER LOGNAME
deepwhisk_logs={logs}
deepwhisk_log=${{SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}}${{SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}}.log
if mkdir -p -m 700 -- "$deepwhisk_logs" 2>/dev/null && [ -w "$deepwhisk_logs" ]; then
  find "$deepwhisk_logs" -name '*.log' -mtime +{days} -delete 2>/dev/null
  exec >>"$deepwhisk_logs/$deepwhisk_log" 2>&1
fi
case "${{SLURM_ARRAY_TASK_ID:-0}}" in
{cases}
esac
"""
_WARNING = "(sleep {seconds}; kill -TERM $$) >/dev/null 2>&1 </dev/null &\n"


def batches(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs that follow each other and differ only in name and variables, as many as one array can name."""
    for _, alike in groupby(jobs, lambda job: (job.script, job.resources, job.grace, job.image)):
        batch: list[Job] = []
        for job in alike:
            if len(comment([*batch, job])) > _COMMENT:
                yield batch
                batch = []
            batch.append(job)
        yield batch


def comment(batch: Sequence[Job]) -> str:
    """The names of an array's elements, in their order; Slurm has one name for all."""
    return " ".join(job.name for job in batch)


def check(batch: Sequence[Job], offer: Offer) -> None:
    """Raises RunnerRefused for what Slurm would never give, or keep waiting for ever."""
    asked = batch[0].resources
    for what, wanted, most in (
        ("CPUs", asked.cpus, offer.cpus),
        ("MB of memory", asked.memory, offer.memory),
        ("GPUs", asked.gpus, offer.gpus),
        ("seconds", asked.time, offer.time),
    ):
        if most is not None and wanted > most:
            raise RunnerRefused(f"{wanted} {what} are wanted; this cluster gives at most {most} to a job.")
    if asked.partition and not set(asked.partition.split(",")) <= set(offer.partitions):
        there = ", ".join(offer.partitions)
        raise RunnerRefused(f"There is no partition {asked.partition!r} in this cluster; there are {there}.")
    for what, word in (("partition", asked.partition), ("account", asked.account)):
        if word and not _WORD.fullmatch(word):
            raise RunnerRefused(
                f"No {what} is called {word!r}; letters, digits and . , _ @ + - may be in it."
            )
    for job in batch:
        check_name(job.name)


def script(batch: Sequence[Job], logs: str, *, warned: bool = False) -> str:
    """What /bin/sh runs on the node; the variables of each are chosen by its place in the array.

    With WARNED it tells itself to end before its time is up, where Slurm cannot be asked to.
    """
    job = batch[0]
    cases = "\n".join(f"{index}) {_exports(each.variables)} ;;" for index, each in enumerate(batch))
    folder = f'"{LOGS}"' if logs == LOGS else shlex.quote(logs)
    beginning = _BEGINNING.format(logs=folder, days=_KEPT_DAYS, cases=cases)
    if warned and job.grace < job.resources.time:
        beginning += _WARNING.format(seconds=minutes(job.resources.time) * 60 - job.grace)
    return "#!/bin/sh\n" + beginning + job.script


def _exports(variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise RunnerRefused(f"No variable can be called {name!r}, or its value cannot be one.")
    quoted = (f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return f"export {' '.join(quoted)}" if variables else ":"


def options(batch: Sequence[Job]) -> list[str]:
    """What sbatch is told; only names and numbers."""
    job, asked = batch[0], batch[0].resources
    told = {
        "job-name": job.name,
        "comment": comment(batch),
        "nodes": 1,
        "ntasks": 1,
        "cpus-per-task": asked.cpus,
        "mem": f"{asked.memory}M",
        "time": minutes(asked.time),
        "chdir": "/tmp",
        "output": "/dev/null",
        "export": "ALL",
        "array": f"0-{len(batch) - 1}" if len(batch) > 1 else None,
        "signal": f"B:TERM@{job.grace}" if job.grace < asked.time else None,
        "gres": f"gpu:{asked.gpus}" if asked.gpus else None,
        "partition": asked.partition,
        "account": asked.account,
    }
    return ["--requeue", *(f"--{name}={value}" for name, value in told.items() if value is not None)]


def handles(number: str, batch: Sequence[Job]) -> list[str]:
    """The elements of an array, or the one job."""
    return [f"{number}_{index}" for index in range(len(batch))] if len(batch) > 1 else [number]
