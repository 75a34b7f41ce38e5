"""The text of every job: it finds a Python and lets it fetch the program of the node.

Law: nothing of a training stands in it, neither an argument nor a link: a job is told by DEEPWHISK_JOB where
to read what it is to do, and no shell ever sees that.
"""

import functools

from deepwhisk.environments import runtime_package

_END = "END_OF_BOOTSTRAP"
_SCRIPT = """\
#!/bin/sh
# A job of deepwhisk. What it is to do stands behind the link in DEEPWHISK_JOB.
new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
for python in "${{DEEPWHISK_PYTHON:-}}" python3 python3.14 python3.13 python3.12 python3.11; do
  if [ -n "$python" ] && "$python" -c "$new_enough" 2>/dev/null; then found=$python; break; fi
done
if [ -z "${{found:-}}" ] && command -v uv >/dev/null; then found=$(uv python find '>=3.11' 2>/dev/null); fi
if [ -z "${{found:-}}" ]; then
  echo "deepwhisk: $(hostname) has no Python 3.11: name one in DEEPWHISK_PYTHON, or put uv on PATH." >&2
  exit 1
fi
exec "$found" -I - <<'{end}'
{bootstrap}{end}
"""


@functools.cache
def job_script() -> str:
    """The text, for /bin/sh; the same for all jobs."""
    bootstrap = (runtime_package() / "batch" / "bootstrap.py").read_text(encoding="utf-8")
    return _SCRIPT.format(end=_END, bootstrap=bootstrap)
