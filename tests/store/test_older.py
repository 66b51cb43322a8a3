"""Stores written by an earlier version are read as they are, and worked on.

`older/sqlite-4.sql` and `older/redis-2.jsonl` (one command per line) are dumps of two stores to which the program at
commit 66aa07a made the same calls. A change that breaks these tests breaks users' stores.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.store_items import FAILURE, every, operation, own, seen
from tests.fakes.world import failure, push
from tests.store.older_stores import write_redis, write_sqlite
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Refusal
from triggerbot.core.model import Group, Result, RunKey, State
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.circuit_breaker import BreakerCause, BreakerKey, BreakerScope, Canary, Evidence
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import Pause, Search, Store
from triggerbot.store.factory import open_store

PUSH, OTHER = push(), push("abcdef2")


@pytest.fixture(params=["sqlite", "redis"])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store that the earlier version wrote."""
    if request.param == "sqlite":
        path = tmp_path / "state.db"
        write_sqlite(path, 4)
        store = open_store(f"sqlite:{path}", daemon=True)
    else:
        server = request.getfixturevalue("redis_server")
        write_redis(server, 2)
        store = open_store(server.url())
    yield store
    store.close()


def test_pushes_and_runs_are_read(older: Store) -> None:
    """Facts, options, every field of a run, and failure lines that were added later."""
    record = older.pushes.record(PUSH)
    assert record is not None
    facts = record.facts
    assert (facts.author, facts.message, facts.time, facts.fork) == ("ann", "a title\n\ntry: --rebuild 3", 50.0, True)
    assert record.asks == PushOptions({"*": 3}, retry=True, problems=("a problem",))
    assert (record.spent, record.spent_dry, record.last_heard) == (3, 1, 100.0)
    assert [job.job for job in record.jobs] == ["dry", "held", "job", "late", "passed", "sending", "wet"]
    run = own(older).run
    assert (run.key, run.state, run.result, run.url) == (
        RunKey("1", 1), State.FINISHED, Result.FAILURE, "https://ci/1/x",
    )  # fmt: skip
    assert (run.time, run.started, run.pool, run.step, run.batch, run.failures) == (
        100.0, 90.0, "linux", "build", "g1", ("boom in test_a",),
    )  # fmt: skip
    assert run.event is None
    assert own(older, "late").run.failures == ("a late line",)
    assert not run.allowed_to_fail
    assert run.needs == ()
    assert (older.pushes.recent(5), older.pushes.previous(OTHER)) == ([OTHER, PUSH], PUSH)
    assert older.pushes.find("try", "abcdef1") == [PUSH]


def test_claims_and_operations_are_read(older: Store) -> None:
    """In each state that a claim can be in, with the request that is in doubt."""
    claims = {(claim.job, claim.origin): claim for claim in every(older, PUSH)}
    assert {name: claim.state for (name, origin), claim in claims.items() if not origin} == {
        "job": ClaimState.DONE, "late": ClaimState.REFUSED, "held": ClaimState.OWED, "sending": ClaimState.UNKNOWN,
        "dry": ClaimState.OPEN, "wet": ClaimState.WOULD, "passed": ClaimState.OPEN,
    }  # fmt: skip
    done = claims["job", ""]
    assert (done.cause, done.wanted, done.asked, done.known_runs) == (Cause.FAILURE, 2, 2, 1)
    assert (claims["late", ""].refusal, claims["late", ""].note) == (Refusal.NO_RETRY, "it says so")
    assert (claims["held", ""].behind, claims["held", ""].due) == ("pool/ci/linux", 900.0)
    assert (claims["passed", "person-1"].wanted, claims["passed", "person-1"].manual) == (2, True)
    doubted = claims["sending", ""]
    request = doubted.operation
    assert request is not None
    assert (request.id, request.claims, request.count, request.started) == ("op-open", (doubted.id,), 1, 106.0)
    assert (request.baseline, request.sends, request.misses) == ({"sending": (RunKey("4", 1),)}, 1, 1)
    assert older.pushes.work(PUSH).operations == {"op-done", "op-open"}
    assert [entry.what for entry in older.pushes.timeline(PUSH, "sending")] == [
        "note",
        "trigger",
        "send",
        "doubt",
        "doubt",
    ]
    assert [entry.reason for entry in older.pushes.timeline(OTHER)] == ["job_excluded"]


def test_limits_are_read(older: Store) -> None:
    """Breakers with their evidence and canary, claims held behind them, and what counts against caps."""
    (breaker,) = older.limits.breakers()
    assert breaker.place == BreakerKey(BreakerScope.POOL, "ci", "linux")
    assert (breaker.trouble, breaker.version, breaker.tries, breaker.probe) == (BreakerCause.RUNS, 1, 1, 200.0)
    assert breaker.evidence == (Evidence(59.0, BreakerCause.RUNS, PUSH, "job", "boom"),)
    assert breaker.canary == Canary(PUSH, "job", own(older).id, 61.0, 2)
    assert older.limits.held() == {"pool/ci/linux": 1}
    assert older.limits.sent(120.0) == {"service": 3, "author ann": 2}
    assert older.limits.paused() == Pause(113.0, "ann", "a note")


def test_reports_and_failure_records_are_read(older: Store) -> None:
    """The last verdict, what it rests on, the metadata of reports, and which pushes are due to be judged."""
    (found,) = older.pushes.search(Search(health="failing"), 5)
    assert (found.push, found.title, found.sentence) == (PUSH, "a title", "1 job failed once")
    assert (found.judged, found.counts) == (111.0, {"failed": 1, "passed": 1})
    assert older.pushes.judged_since(0.0) == [(111.0, PUSH)]
    (record,) = older.reports.failure_records("try")
    assert (record.push, record.job, record.at, record.failed, record.passed) == (PUSH, "job", 100.0, 1, 0)
    assert (record.shapes, record.passing) == (("boom in test_a",), ("fine",))
    assert older.facts.metadata(PUSH) == {"github": "42"}
    assert [older.reports.take(1000.0, 60.0) for _ in range(3)] == [PUSH, OTHER, None]


def test_queues_are_read(older: Store) -> None:
    """Comment commands, open and settled, leads, cursors, deliveries, dead letters and crashes."""
    command = older.commands.take(1000.0, 60.0)
    assert command is not None
    assert (command.wish.id, command.wish.text, command.wish.pull) == ("77", "rebuild 2\nwhy job", 5)
    assert (command.since, command.tries) == (101.0, 1)
    assert older.commands.take(1000.0, 60.0) is None
    leads = older.leads.read(Group("ci", "grp"))
    assert [(lead.run_id, lead.attempt, lead.failed, lead.time) for lead in leads.leads] == [
        ("run", 2, True, 101.0), ("other", 1, False, None),
    ]  # fmt: skip
    assert (leads.tries, leads.since, older.cursor("poll:ci")) == (1, 101.0, "7.0")
    (again,) = older.observe([seen(failure("new", "9"))], 120.0, dry=False, deliveries=["d1"])
    assert again.repeated
    (letter,) = older.letters.read()
    assert (letter.at, letter.reason, letter.body, letter.headers) == (114.0, "not JSON", b"\x00\xff{", {"a": "b"})
    (crash,) = older.crashes.read()
    assert (crash.worker, crash.ended, crash.error, crash.trace) == ("host/2", "SIGKILL", "boom", "at x")


def test_it_is_worked_on(older: Store) -> None:
    """What the earlier version began is carried on: a request in doubt, a held claim, a decision, and new events."""
    older.limits.pause(None)
    doubted = own(older, "sending")
    assert doubted.operation is not None
    older.claims.accepted(doubted.operation, "listed", 200.0)
    assert (own(older, "sending").asked, own(older, "sending").state) == (1, ClaimState.OWED)
    (breaker,) = older.limits.breakers()
    assert older.limits.release_held("pool/ci/linux", 5, 201.0) == 1
    assert older.limits.save_breaker(breaker, 202.0)
    held = own(older, "held")
    assert older.claims.begin(operation(held, "op-new", 2), PUSH, "", 203.0, caps={"service": 100})
    assert older.claims.decide(own(older, "passed"), FAILURE, Budget(100, 10), 204.0) is not None

    (outcome,) = older.observe([seen(failure("new", "9"))], 205.0, dry=False)

    assert (outcome.claimed, outcome.asks) == (True, PushOptions({"*": 3}, retry=True, problems=("a problem",)))
    assert own(older, "new").id > max(claim.id for claim in every(older, PUSH) if claim.job != "new")
    assert older.statistics.read(0.0)["pushes"] == 2
    assert older.purge(10_000.0) == 1
