"""What only Redis can do wrong with reports: runs that an older triggerbot wrote, expiry, and text that separates."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.redis_server import RedisServer
from tests.fakes.store_items import said, seen
from tests.fakes.world import event, failure, push
from triggerbot.core.model import CommentCommand, Push, RunKey
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import FailureRecord, PendingCommand, Ran, Search, Summary
from triggerbot.store.redis import RedisStore
from triggerbot.store.redis.connection import PREFIX

PUSH = push()
RETENTION = 14 * 86_400


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    """Have an empty Redis."""
    redis_server.client().flushall()
    return redis_server


@pytest.fixture
def store(server: RedisServer) -> Iterator[RedisStore]:
    """Open it."""
    store = RedisStore.at(server.url(), retention=RETENTION)
    yield store
    store.close()


def judge(store: RedisStore, where: Push, job: str, now: float) -> None:
    """Judge a push of which one job failed."""
    summary = Summary(where, "failing", "1 job failed", None, "", None, 0.0, 0.0, {"failed": 1})
    store.judged(summary, [FailureRecord(where, job, now, 1, 0, ("a line",))], [(job, "it failed")], now)


def expire(server: RedisServer, numbers: set[str]) -> None:
    """Let the time of some pushes come."""
    client: Any = server.client()
    for key in client.scan_iter(f"{PREFIX}?:*"):
        kind, _, name = key.decode().removeprefix(PREFIX).partition(":")
        if name in numbers or (kind == "n" and client.get(key).decode() in numbers):
            assert 0 < client.pttl(key) <= RETENTION * 1000, key
            client.delete(key)


def without_start(server: RedisServer) -> None:
    """Write runs as they were before it was kept when they began."""
    client: Any = server.client()
    for key in client.scan_iter(f"{PREFIX}j:*"):
        for job, runs in client.hgetall(key).items():
            groups, *found = runs.split(b"\x1e")
            client.hset(key, job, b"\x1e".join([groups, *(run.rpartition(b"\x1f")[0] for run in found)]))


def test_runs_that_an_older_triggerbot_wrote_are_read(store: RedisStore, server: RedisServer) -> None:
    """And go on: when they began is learned where it is said."""
    store.observe(
        [seen(event("a", state="running", batch="b", time=1.0)), seen(failure("b", batch="b"))], 1.0, dry=False
    )
    before = store.record(PUSH)
    without_start(server)

    assert store.record(PUSH) == before
    assert store.statistics(0.0)["machine"] == {"seconds": 0.0, "runs": 0}
    assert store.ran("try", ["a", "b"]).at == {"a": 0, "b": 1}
    store.add_failure_lines(PUSH, "b", RunKey("1", 1), ["a line"])
    for job, started in (("a", None), ("c", 3.0)):
        store.observe([seen(event(job, result="success", time=9.0, started=started))], 2.0, dry=False)

    record = store.record(PUSH)
    assert record is not None
    assert [(run.started, run.batch, run.failures) for job in record.jobs for run in job.runs] == [
        (None, "b", ()), (None, "b", ("a line",)), (3.0, "", ()),
    ]  # fmt: skip


def test_what_has_expired_is_shown_nowhere(store: RedisStore, server: RedisServer) -> None:
    """And what names it in lists of many pushes goes by and by."""
    pushes = [push(f"{number:07x}") for number in range(8)]
    for now, where in enumerate(pushes, 1):
        store.observe([seen(event(result="success", push=where), asks=PushOptions())], float(now), dry=False)
        judge(store, where, "job", float(now))
    expire(server, {"2", "3", "4"})

    assert [one.push for one in store.search(Search(), 9)] == [*pushes[:3:-1], pushes[0]]
    assert [one.push for one in store.failure_records("try")] == [*pushes[:3:-1], pushes[0]]
    assert store.judged_since(1.0, 2) == [(5.0, pushes[4]), (6.0, pushes[5])]
    assert store.previous(pushes[4]) == pushes[0]
    assert store.ran("try", ["job"]) == Ran({"job": 5})
    assert [store.take_report(100.0, 60.0) for _ in range(6)] == [pushes[0], *pushes[4:], None]

    expire(server, {"1"})
    for now in range(10, 14):
        where = push(f"{now:07x}")
        store.observe([seen(event(push=where), asks=PushOptions())], float(now), dry=False)
        judge(store, where, "job", float(now))
    client = server.client()
    assert [client.zcard(f"{PREFIX}{name}") for name in ("judged", "sighted:try", "b:ci\x1ftry\x1ftry")] == [8, 8, 8]


def test_what_is_kept_beside_a_push_expires_with_it(store: RedisStore, server: RedisServer) -> None:
    """Whether it was made before the push was left alone or after."""
    store.observe([seen(event())], 1.0, dry=False)
    client = server.client()
    client.pexpire(f"{PREFIX}p:1", 5_000_000)
    judge(store, PUSH, "job", 2.0)
    store.set_metadata(PUSH, "name", "value")

    assert all(0 < client.pttl(f"{PREFIX}{part}:1") <= 5_000_000 for part in "pew")


def test_separators_in_what_is_told_are_text(store: RedisStore) -> None:
    """Whatever projects, branches, jobs and comments are called."""
    odd = "a\x1eb\x1fc\x1bd\x1ae%s\n\u2028\U0001f600"
    first, second = (push(revision, project=odd, branch=odd) for revision in ("abcdef1", "abcdef2"))
    for now, where in enumerate((first, second), 1):
        store.observe([said(PushOptions(), where, message=odd, author=odd)], float(now), dry=False)
        store.observe([seen(failure(odd, odd, push=where, failures=(odd,)))], float(now), dry=False)
        judge(store, where, odd, float(now))
    wish = CommentCommand(odd, odd, odd, odd, odd)
    store.observe([wish], 1.0, dry=False)
    store.set_metadata(first, odd, odd)
    store.add_failure_lines(first, odd, RunKey(odd, 1), [odd, odd + odd])

    assert store.previous(second) == first
    assert [(one.push, one.job) for one in store.failure_records(odd)] == [(second, odd), (first, odd)]
    assert store.ran(odd, [odd]).at == {odd: 2}
    assert [one.push for one in store.search(Search(odd, odd, odd, odd), 9)] == [second, first]
    assert store.metadata(first) == {odd: odd}
    record = store.record(first)
    assert record is not None
    assert record.jobs[0].runs[0].failures == (odd, odd + odd)
    assert [one.job for one in store.timeline(first, odd) if one.what == "verdict"] == [odd]
    assert store.take_report(9.0, 60.0) == first
    assert store.take_command(9.0, 60.0) == PendingCommand(wish, 1.0)
    store.end_command(wish, 10.0)
    assert store.take_command(10.0, 60.0) == PendingCommand(wish, 1.0, 1)
