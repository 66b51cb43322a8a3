"""Shorthand for what is kept of a push that was judged."""

from collections.abc import Callable

from tests.fakes.store_items import seen
from tests.fakes.world import failure, push
from triggerbot.core.model import Push
from triggerbot.store import FailureRecord, Store, Summary

PUSH = push()
OTHER = push("fedcba9", branch="other")
Reopen = Callable[[], Store]


def hear(store: Store, *jobs: str, where: Push = PUSH, now: float = 0.0) -> None:
    """Let jobs of a push fail."""
    store.observe([seen(failure(job, f"{job}-1", push=where)) for job in jobs or ("job",)], now, dry=False)


def summary(where: Push = PUSH, health: str = "failed", sentence: str = "1 job failed", **counts: int) -> Summary:
    """How a push was judged."""
    return Summary(where, health, sentence, None, "", None, 0.0, 0.0, counts, to_look_at=3)


def sighting(job: str = "job", at: float = 5.0, where: Push = PUSH) -> FailureRecord:
    """A job that failed."""
    return FailureRecord(where, job, at, 2, 1, ("a line", "漢字"), ("warning",))
