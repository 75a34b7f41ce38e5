"""Files as a module is given them, and as it may give them back."""

from typing import NamedTuple


class UploadedFile(NamedTuple):
    """A file of a call; `filename` is where it lies, until the call ends."""

    name: str | None = None
    filename: str | None = None
    content_type: str | None = None
    original_filename: str | None = None


class ReturnedFile(NamedTuple):
    """A file of an answer."""

    name: str | None = None
    filename: str | None = None
    content_type: str | None = None
    original_filename: str | None = None
