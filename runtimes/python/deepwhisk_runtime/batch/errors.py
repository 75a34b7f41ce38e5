"""What ends an attempt before its model does.

Failed          it cannot be; names the phase
Interrupted     it was told to end
Away            the store did not answer, or not well: the same may succeed later
Shut            a link is not taken (any more): a new one may be
"""


class Failed(Exception):
    """Raised when an attempt cannot succeed; the message is for people, and holds no link."""

    def __init__(self, phase: str, message: str) -> None:
        super().__init__(message)
        self.phase = phase


class Interrupted(Exception):
    """Raised when the job was told to end, by a signal or by its service."""


class Away(Exception):
    """Raised when a store cannot be reached, or fails; to be tried again."""


class Shut(Exception):
    """Raised when a store does not take a link: it has expired, or was never right."""
