"""A store on a real Redis."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.fakes.redis_server import RedisServer
from tests.fakes.store_items import FAILURE, operation, own, seen
from tests.fakes.world import event, failure, push
from triggerbot.core.claim import Claim
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import FailureRecord, Store, Summary
from triggerbot.store.redis import RedisEngine

PUSH = push()


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    """Have an empty Redis."""
    redis_server.client().flushall()
    return redis_server


def at(address: str, **more: Any) -> Store:
    """Open a store at an address."""
    return Store(RedisEngine.at(address, **more))


@contextmanager
def opened(server: RedisServer, **more: Any) -> Iterator[Store]:
    """Open a store, and close it."""
    store = at(server.url(), **more)
    try:
        yield store
    finally:
        store.close()


def claimed(store: Store) -> Claim:
    """Let a job fail of a push that asks for something."""
    store.observe([seen(failure(push=PUSH), asks=PushOptions())], 1.0, dry=False)
    return own(store)


def owed(store: Store) -> Claim:
    """Decide to retrigger it."""
    store.claims.decide(claimed(store), FAILURE, Budget(), 2.0)
    return own(store)


def sending(store: Store) -> Claim:
    """Begin its request."""
    claim = owed(store)
    store.claims.begin(operation(claim), PUSH, "asks", 3.0)
    return own(store)


def judge(store: Store) -> None:
    """Record how its push was judged."""
    summary = Summary(PUSH, "failing", "1 job failed", None, "", None, 0.0, 0.0, {"failed": 1})
    store.reports.judged(summary, [FailureRecord(PUSH, "job", 1.0, 1, 0, ("a line",))], [("job", "it failed")], 4.0)


def why(store: Store) -> str:
    """Say why the store is distrusted, once it is met."""
    store.observe([seen(event("probe"))], 1.0, dry=False)
    found = store.distrust()
    assert found is not None
    return found.why
