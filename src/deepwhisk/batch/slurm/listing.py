"""What Slurm lists, by our names.

Law: an element of an array is a job like any other. Slurm forgets at once those that are cancelled while they
wait, and what it did not take it lists as failed: neither is told as Slurm does.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from deepwhisk.batch.runner import State, Status


@dataclass(frozen=True, slots=True)
class Row:
    """One line of Slurm's list; the comment names the elements of an array."""

    name: str
    comment: str
    status: Status

    @property
    def array(self) -> str:
        return self.status.handle.partition("_")[0]

    @property
    def index(self) -> int | None:
        index = self.status.handle.partition("_")[2]
        return int(index) if index else None

    def element(self, index: int) -> str:
        names = self.comment.split()
        return names[index] if index < len(names) else f"{self.name}-{index}"


def by_name(rows: Iterable[Row], withdrawn: Collection[str]) -> dict[str, Status]:
    """All jobs; WITHDRAWN are the handles of elements that were cancelled while they waited."""
    found: dict[str, Status] = {}
    rows = [row for row in rows if not _never_was(row.status)]
    for row in rows:
        name = row.name if row.index is None else row.element(row.index)
        if name not in found or _rank(row.status) > _rank(found[name]):
            found[name] = row.status
    for row in rows:
        for index, name in enumerate(row.comment.split()):
            handle = f"{row.array}_{index}"
            if _is_whole(row) and (name not in found or found[name] is row.status):
                found[name] = replace(row.status, handle=handle)
            elif handle in withdrawn and name not in found:
                found[name] = Status(handle, State.CANCELLED, "before it began")
    return found


def _is_whole(row: Row) -> bool:
    """An array of which nothing has begun is listed as one once it is over."""
    return row.index is None and row.status.state.over and len(row.comment.split()) > 1


def _never_was(status: Status) -> bool:
    return status.state is State.FAILED and status.reason.startswith("BadConstraints")


def _rank(status: Status) -> tuple[bool, int]:
    """Of several with one name the one that is not over, else the newest."""
    return not status.state.over, int(status.handle.partition("_")[0])
