"""Locks on files."""

import fcntl
from pathlib import Path

from deepwhisk.locks import taken


def test_one_has_a_file_alone_or_several_together(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as first, path.open() as second, path.open() as third:
        assert taken(first.fileno(), fcntl.LOCK_SH)
        assert taken(second.fileno(), fcntl.LOCK_SH)
        assert not taken(third.fileno())

    with path.open() as fourth:
        assert taken(fourth.fileno())
