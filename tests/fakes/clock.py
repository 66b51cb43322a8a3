"""A clock that a test sets."""


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: float = 1_795_203_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time, in seconds since the epoch."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
