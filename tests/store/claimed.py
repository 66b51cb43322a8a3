"""Shorthand for claims in a store."""

import threading
from collections.abc import Callable

from tests.fakes.store_items import FAILURE, own, seen
from tests.fakes.world import failure, push
from triggerbot.core.claim import Claim
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import Store

PUSH = push()
Reopen = Callable[[], Store]


def claimed(store: Store, job: str = "job", *, now: float = 0.0, dry: bool = False):
    """Let one job fail, and give back its claim."""
    store.observe([seen(failure(job, f"{job}-1"), asks=PushOptions())], now, dry=dry)
    return own(store, job)


def owed(store: Store, job: str = "job", *, now: float = 0.0) -> Claim:
    """A claim that was decided: two retriggers of it remain."""
    store.claims.decide(claimed(store, job, now=now), FAILURE, Budget(), 3.0)
    return own(store, job)


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run in so many threads at once, and tell what went wrong in any of them."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - it is raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors, errors
