"""Webhooks that share a commit: each is answered separately."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from tests.fakes.world import failure
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Event
from triggerbot.store import REPEATED, Outcome
from triggerbot.web.webhooks import WebhookBatches


class Poisoned:
    """An observer that answers on request, and fails whenever the poisoned job is in the batch."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.batches: list[list[str]] = []
        self.open: list[tuple[Future[Any], list[str]]] = []
        self.stored: set[str] = set()

    def observe_soon(self, heard: Sequence[Event], *, deliveries: Sequence[str]) -> "Future[Any]":
        """Queue a batch."""
        assert len(deliveries) == len(heard)
        jobs = [one.job for one in heard]
        self.batches.append(jobs)
        future: Future[Any] = Future()
        self.open.append((future, jobs))
        return future

    def answer(self) -> None:
        """Answer the open batches, as the store's thread would."""
        while self.open:
            future, jobs = self.open.pop(0)
            if "poison" in jobs:
                future.set_exception(self.error)
            else:
                future.set_result([REPEATED if job in self.stored else Outcome() for job in jobs])
                self.stored.update(jobs)


async def gather(observer: Poisoned, jobs: Sequence[str]) -> list[BaseException | bool]:
    """Send one request for each job at the same time."""
    gathering = WebhookBatches(observer)  # type: ignore[arg-type]
    tasks = [asyncio.create_task(gathering.observe([failure(job=job)], job)) for job in jobs]
    for _ in range(200):
        await asyncio.sleep(0)
        observer.answer()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_what_arrives_during_a_commit_shares_the_next_one() -> None:
    """The first goes at once, the others together."""
    observer = Poisoned(ValueError())

    answers = asyncio.run(gather(observer, ["a", "b", "c", "d"]))

    assert answers == [False] * 4
    assert observer.batches == [["a"], ["b", "c", "d"]]


def test_a_fault_of_one_request_is_no_fault_of_its_neighbours() -> None:
    """Of a batch that fails each request is tried alone, once; and after that they share commits again."""
    observer = Poisoned(ValueError("broken"))

    answers = asyncio.run(gather(observer, ["a", "b", "poison", "c"]))

    assert [type(answer) for answer in answers] == [bool, bool, ValueError, bool]
    assert observer.batches == [["a"], ["b", "poison", "c"], ["b"], ["poison"], ["c"]]


@pytest.mark.parametrize("count", [1, 3])
def test_a_store_that_is_down_is_reported_to_all_at_once(count: int) -> None:
    """Trying each alone would only take longer."""
    observer = Poisoned(StoreUnavailable("disk full"))

    answers = asyncio.run(gather(observer, ["a", *["poison"] * count]))

    assert [type(answer) for answer in answers] == [bool, *[StoreUnavailable] * count]
    assert len(observer.batches) == 2


def test_the_same_delivery_is_observed_once() -> None:
    """Whether its copies share a commit or come later: only the first is stored, and each answer says which it was."""
    observer = Poisoned(ValueError())

    answers = asyncio.run(gather(observer, ["a", "b", "a", "b", "c", "b"]))

    assert answers == [False, False, True, True, False, True]
    assert observer.batches == [["a"], ["b", "a", "c"]]


def test_a_copy_shares_the_fault_of_its_first() -> None:
    """None of them was stored, so each is tried alone and gets the error."""
    observer = Poisoned(ValueError("broken"))

    answers = asyncio.run(gather(observer, ["a", "poison", "poison", "b"]))

    assert [type(answer) for answer in answers] == [bool, ValueError, ValueError, bool]
