"""A time of day that tests set."""

from deepwhisk.feeds.feed import Feed

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z


class Day:
    """The time of day."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now

    def passes(self, feed: Feed, seconds: float) -> None:
        """Set it, and let the feed's clock look."""
        self.now += seconds
        feed.clock.turn()
