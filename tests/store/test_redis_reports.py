"""What only Redis can do wrong with reports: text that separates."""

from collections.abc import Iterator

import pytest

from tests.fakes.redis_server import RedisServer
from tests.fakes.store_items import said, seen
from tests.fakes.world import failure, push
from tests.store.on_redis import at
from triggerbot.core.model import CommentCommand, Push, RunKey
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import FailureRecord, PendingCommand, Search, Store, Summary

PUSH = push()


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    """Have an empty Redis."""
    redis_server.client().flushall()
    return redis_server


@pytest.fixture
def store(server: RedisServer) -> Iterator[Store]:
    """Open it."""
    store = at(server.url())
    yield store
    store.close()


def judge(store: Store, where: Push, job: str, now: float) -> None:
    """Judge a push of which one job failed."""
    summary = Summary(where, "failing", "1 job failed", None, "", None, 0.0, 0.0, {"failed": 1})
    store.reports.judged(summary, [FailureRecord(where, job, now, 1, 0, ("a line",))], [(job, "it failed")], now)


def test_separators_in_what_is_told_are_text(store: Store) -> None:
    """Whatever projects, branches, jobs and comments are called."""
    odd = "a\x1eb\x1fc\x1bd\x1ae%s\n\u2028\U0001f600"
    first, second = (push(revision, project=odd, branch=odd) for revision in ("abcdef1", "abcdef2"))
    for now, where in enumerate((first, second), 1):
        store.observe([said(PushOptions(), where, message=odd, author=odd)], float(now), dry=False)
        store.observe([seen(failure(odd, odd, push=where, failures=(odd,), time=float(now)))], float(now), dry=False)
        judge(store, where, odd, float(now))
    wish = CommentCommand(odd, odd, odd, odd, odd)
    store.observe([wish], 1.0, dry=False)
    store.facts.set_metadata(first, odd, odd)
    store.facts.add_failure_lines(first, odd, RunKey(odd, 1), [odd, odd + odd])

    assert store.pushes.previous(second) == first
    assert [(one.push, one.job) for one in store.reports.failure_records(odd)] == [(second, odd), (first, odd)]
    assert store.reports.ran(odd, [odd]).at == {odd: 2}
    assert [one.push for one in store.pushes.search(Search(odd, odd, odd, odd), 9)] == [second, first]
    assert store.facts.metadata(first) == {odd: odd}
    record = store.pushes.record(first)
    assert record is not None
    assert record.jobs[0].runs[0].failures == (odd, odd + odd)
    assert [one.job for one in store.pushes.timeline(first, odd) if one.what == "verdict"] == [odd]
    assert store.reports.take(9.0, 60.0) == first
    assert store.commands.take(9.0, 60.0) == PendingCommand(wish, 1.0)
    store.commands.end(wish, 10.0)
    assert store.commands.take(10.0, 60.0) == PendingCommand(wish, 1.0, 1)
