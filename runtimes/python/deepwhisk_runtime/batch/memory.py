"""How often the kernel has killed a process of this job for its memory, by the job's control group."""

import re
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def kills(groups: Path = Path("/proc/self/cgroup"), root: Path = ROOT) -> int:
    """The count; 0 where nobody counts."""
    for file in counters(groups, root):
        try:
            found = COUNT.search(file.read_text())
        except OSError:
            continue
        if found:
            return int(found[1])
    return 0


def counters(groups: Path, root: Path) -> list[Path]:
    """The files that may hold it: of control groups version 2, and of version 1."""
    try:
        lines = [line.split(":", 2) for line in groups.read_text().splitlines()]
    except OSError:
        return []
    files = []
    for _, controllers, path in lines:
        if not controllers:
            files.append(root / path.lstrip("/") / "memory.events")
        elif "memory" in controllers.split(","):
            files.append(root / "memory" / path.lstrip("/") / "memory.oom_control")
    return files
