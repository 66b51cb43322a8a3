"""Stores of every earlier version are taken over as a whole, once, or not at all.

The dumps in `older` are of random work on a few pushes, with what the program answered afterwards: at commit 530d503
(SQLite 6 and Redis 3) and at 8b1c4ae (SQLite 5); and at 66aa07a (SQLite 4 and Redis 2, see `test_older`). Those of
SQLite 1 to 3 are the tables of these versions as 8b1c4ae makes them, with rows by hand.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.redis_server import RedisServer
from tests.fakes.store_items import FAILURE, every, operation, own, seen
from tests.fakes.world import failure, push
from tests.store.older_stores import META, OLD_CHECK, Make, agrees, expected, make, of_push, path
from triggerbot.core.claim import ClaimState
from triggerbot.core.errors import StoreUnusable
from triggerbot.core.model import Group, Push, RunKey
from triggerbot.core.policy.budget import Budget
from triggerbot.store import Pause
from triggerbot.store.factory import open_store

__all__ = ["make", "path"]

ALL = [*(f"sqlite-{version}" for version in range(1, 7)), *(f"redis-{layout}" for layout in range(1, 4))]
#: The last versions before documents.
SQLITE_BEFORE, REDIS_BEFORE = 6, 3


@pytest.mark.parametrize("name", ["sqlite-5", "sqlite-6", "redis-3"])
def test_it_answers_as_the_earlier_version_did(make: Make, name: str) -> None:
    """Facts, runs, claims and requests in every state, timelines, verdicts, limits, statistics."""
    address = make(name)
    for _ in range(2):
        store = open_store(address)
        agrees(store, expected(name))
        store.close()


@pytest.mark.parametrize("name", ALL)
def test_it_is_worked_on(make: Make, name: str) -> None:
    """Failures are claimed, decided and asked for, what was begun is ended; and in the end all of it is forgotten."""
    store = open_store(make(name), daemon=True)
    now = 1_800_000_000.0
    store.limits.pause(None)
    pushes = store.pushes.recent(100)
    for where in pushes:
        last = max((claim.id for claim in every(store, where)), default=0)
        (outcome,) = store.observe([seen(failure("new", "99", push=where))], now, dry=False)
        assert outcome.claimed
        claim = own(store, "new", where)
        assert claim.id == last + 1
        assert store.claims.decide(claim, FAILURE, Budget(100, 100), now) is not None
        request = operation(own(store, "new", where), f"op-{where.revision}")
        assert store.claims.begin(request, where, "", now, caps={"service": 1000})
        store.claims.accepted(request, "HTTP 201", now)
        assert own(store, "new", where).state is ClaimState.DONE
        for _ in range(3):
            for claim in store.pushes.work(where).claims:
                if claim.operation is None:
                    store.claims.finish(claim, "", now)
                else:
                    store.claims.accepted(claim.operation, "", now)
        store.facts.put_off(where, None)
    for group in (Group("ci", "g 1"), Group("ci", "g2"), Group("ci", "grp")):
        store.leads.settle(group, store.leads.read(group).leads)
    assert store.due.next() is None
    assert store.purge(now + 1.0) == len(pushes)
    assert (store.pushes.recent(100), store.statistics.read(0.0)["claims"], store.limits.held()) == ([], {}, {})
    store.close()


@pytest.mark.parametrize("name", ["sqlite-1", "sqlite-2", "sqlite-3"])
def test_the_first_versions_are_read(make: Make, name: str) -> None:
    """Each has what it could have."""
    store = open_store(make(name))
    record = store.pushes.record(push())
    assert record is not None
    assert (record.facts.author, record.facts.message, record.facts.fork, record.spent) == ("ann", "a title", False, 2)
    assert record.asks is not None
    job, owed = record.jobs
    assert [(run.run_id, run.time, run.failures) for run in job.runs] == [("1", 9.0, ("a line",)), ("2", 12.0, ())]
    (done,), (doubted,) = job.claims, owed.claims
    assert (done.id, done.state, done.asked, doubted.id, doubted.state) == (1, ClaimState.DONE, 2, 2, "unknown")
    request = doubted.operation
    assert request is not None
    assert (request.push, request.claims, request.sends, request.misses) == (push(), (2,), 2, 1)
    assert request.baseline == {"owed": (RunKey("3", 1),)}
    assert [entry.what for entry in store.pushes.timeline(push())] == ["trigger", "send", "note"]
    assert store.pushes.work(push()).operations == {"op-1", "op-2"}
    (waits,) = store.pushes.work(push("abcdef2")).claims
    assert (waits.id, waits.due, store.reports.take(1e9, 1.0)) == (1, 40.0, None)
    assert store.due.next() == (None if name == "sqlite-1" else 45.0)
    assert store.limits.paused() == Pause(13.0, "ann", "a note")
    assert (store.cursor("poll:ci"), [letter.id for letter in store.letters.read()]) == ("7.0", [5])
    leads = store.leads.read(Group("ci", "grp"))
    assert [lead.run_id for lead in leads.leads] == ([] if name == "sqlite-1" else ["run", "other"])
    if name == "sqlite-3":
        (breaker,) = store.limits.breakers()
        assert breaker.canary is not None
        assert (breaker.canary.claim, waits.behind, store.limits.held()) == (2, "pool/ci/linux", {"pool/ci/linux": 1})
        (again,) = store.observe([seen(failure())], 20.0, dry=False, deliveries=["d1"])
        assert again.repeated
        store.claims.postponed(request, 50.0, "", 40.0)
        assert store.limits.sent(0.0) == {}
    store.limits.pause(None)
    assert store.due.next() == 32.0
    assert store.observe([seen(failure("new", push=push("abcdef2"), message="m"))], 50.0, dry=False)[0].due
    # What waits for something to settle is due as soon as it does.
    store.observe([seen(failure(run_id="8", push=push("abcdef2")))], 60.0, dry=False)
    assert own(store, "job", push("abcdef2")).due == 60.0
    store.close()


# -- many pushes ------------------------------------------------------------------------------------------------------

#: Columns with numbers of rows, by table.
_NUMBERS = {
    "pushes": ("id",), "jobs": ("id", "push"), "runs": ("id", "job"), "claims": ("id", "push", "job", "run"),
    "operations": ("push",), "story": ("id", "push", "job", "run"), "judgements": ("push",), "kept": ("push",),
    "sightings": ("job",), "held": ("claim",), "batches": ("push",),
}  # fmt: skip


def _multiply(connection: sqlite3.Connection, copies: int) -> None:
    """Copy every push, with all that belongs to it."""
    connection.row_factory = sqlite3.Row
    rows = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in _NUMBERS}
    for copy in range(1, copies):
        offset = copy * 100_000
        for table, numbers in _NUMBERS.items():
            for row in map(dict, rows[table]):
                row |= {column: row[column] + offset for column in numbers if row[column] is not None}
                if table == "pushes":
                    row["revision"] += f"-{copy}"
                if table == "operations":
                    row["id"] += f"-{copy}"
                    row["claims"] = json.dumps([claim + offset for claim in json.loads(row["claims"])])
                if table == "claims" and row["operation"] is not None:
                    row["operation"] += f"-{copy}"
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
    connection.commit()


def test_three_hundred_pushes(make: Make, path: Path) -> None:
    """Each is as it was, whatever numbers its rows had."""
    address, answers = make("sqlite-6"), expected("sqlite-6")
    copies = -(-300 // len(answers["pushes"]))
    with closing(sqlite3.connect(path)) as connection:
        _multiply(connection, copies)
    store = open_store(address)
    assert len(store.pushes.recent(1000)) == copies * len(answers["pushes"]) >= 300
    for one in answers["pushes"]:
        for copy in range(copies):
            suffix = f"-{copy}" if copy else ""
            where = Push(*one["push"])
            found = of_push(store, where._replace(revision=f"{where.revision}{suffix}"))
            for job in found["record"]["jobs"]:
                for claim in job.get("claims", ()):
                    if "operation" in claim:
                        claim["operation"]["id"] = claim["operation"]["id"].removesuffix(suffix)
            assert found | {"push": one["push"]} == one
    assert store.limits.held() == {name: number * copies for name, number in answers["held"].items()}
    statistics = store.statistics.read(0.0)
    assert statistics["claims"] == {n: number * copies for n, number in answers["statistics"]["claims"].items()}
    assert statistics["runs"] == answers["statistics"]["runs"] * copies
    store.close()


# -- other programs ---------------------------------------------------------------------------------------------------


def test_no_old_table_is_left(make: Make, path: Path) -> None:
    """And an older program, which compares the version with its own, refuses the file."""
    for version in range(1, SQLITE_BEFORE + 1):
        open_store(make(f"sqlite-{version}")).close()
        with closing(sqlite3.connect(path)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            assert tables == {"parts", "documents", "logs", "indexes", "ranks", "sums"}
            assert connection.execute("PRAGMA user_version").fetchone()[0] > SQLITE_BEFORE
            # What is deleted later makes the file shorter.
            assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
            assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_no_old_key_is_left(make: Make, redis_server: RedisServer) -> None:
    """Only those of the new layout are, and what belongs to others; an older program refuses the store."""
    client = redis_server.client()
    for layout in range(1, REDIS_BEFORE + 1):
        address = make(f"redis-{layout}")
        client.set("precious", "1")
        assert client.eval(OLD_CHECK, 1, META) == b"OK"
        open_store(address).close()
        kinds = {key.decode().partition(":")[2].partition(":")[0] for key in client.scan_iter("{triggerbot}:*")}
        assert kinds == {"d", "l", "s", "z", "r", "meta"}
        assert client.get("precious") == b"1"
        assert client.eval(OLD_CHECK, 1, META) == b"NEWER"


def test_an_empty_redis_gets_no_key_but_one(redis_server: RedisServer) -> None:
    """There is nothing to take over."""
    client = redis_server.client()
    client.flushall()
    client.set("precious", "1")
    open_store(redis_server.url()).close()
    assert sorted(client.keys("*")) == [b"precious", META.encode()]


@pytest.mark.parametrize("name", ["sqlite-5", "sqlite-6", "redis-3"])
def test_a_newer_store_is_refused(make: Make, path: Path, redis_server: RedisServer, name: str) -> None:
    """And nothing of it is changed."""
    address = make(name)
    if name == "redis-3":
        redis_server.client().hset(META, "layout", 5)
        before = sorted(redis_server.client().keys("*"))
        with pytest.raises(StoreUnusable, match="newer"):
            open_store(address)
        assert sorted(redis_server.client().keys("*")) == before
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 8")
        with pytest.raises(StoreUnusable, match="newer"):
            open_store(address)
