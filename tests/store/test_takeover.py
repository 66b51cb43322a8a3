"""Stores of every earlier version are taken over as a whole, once, or not at all.

The dumps in `older` are of the program at commit 8b1c4ae (SQLite 5 and Redis 3: random work on eight pushes, with what
it answered afterwards) and at 66aa07a (SQLite 4 and Redis 2, see `test_older`); those of SQLite 1 to 3 are the tables
of these versions as that first commit makes them, with rows by hand.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.redis_server import RedisServer
from tests.fakes.store_items import FAILURE, every, operation, own, seen
from tests.fakes.world import failure, push
from tests.store.older_stores import META, expected, of_push, of_rest, write_redis, write_sqlite
from triggerbot.core.claim import ClaimState
from triggerbot.core.errors import StoreAway, StoreUnusable
from triggerbot.core.model import Group, Push, RunKey
from triggerbot.core.policy.rules import Budget
from triggerbot.store import Pause, Store, takeover
from triggerbot.store.factory import open_store
from triggerbot.store.redis import older as older_redis
from triggerbot.store.redis.connection import RedisConnection
from triggerbot.store.sqlite import older as older_sqlite

ALL = [*(f"sqlite-{version}" for version in range(1, 6)), *(f"redis-{layout}" for layout in range(1, 4))]
#: The last versions before documents.
SQLITE_BEFORE, REDIS_BEFORE = 5, 3
#: What a program that knows only layout 3 does before anything else.
OLD_CHECK = "return tonumber(redis.call('HGET', KEYS[1], 'layout') or '1') > 3 and 'NEWER' or 'OK'"
_LOCK = "{triggerbot}:takeover"


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return what writes the store of an earlier version anew, and returns its address."""

    def write(name: str) -> str:
        kind, _, version = name.partition("-")
        if kind == "redis":
            server: RedisServer = request.getfixturevalue("redis_server")
            write_redis(server, int(version))
            return server.url()
        path = tmp_path / "state.db"
        for one in tmp_path.glob("state.db*"):
            one.unlink()
        write_sqlite(path, int(version))
        return f"sqlite:{path}"

    return write


Make = Callable[[str], str]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where `make` writes a file."""
    return tmp_path / "state.db"


def agrees(store: Store, answers: Mapping[str, Any]) -> None:
    """Compare what a store answers with what the earlier version did."""
    for one in answers["pushes"]:
        assert of_push(store, Push(*one["push"])) == one
    rest = of_rest(store, answers["now"])
    assert rest == {name: answers[name] for name in rest}


@pytest.mark.parametrize("name", ["sqlite-5", "redis-3"])
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
    store.pause(None)
    pushes = store.recent(100)
    for where in pushes:
        last = max((claim.id for claim in every(store, where)), default=0)
        (outcome,) = store.observe([seen(failure("new", "99", push=where))], now, dry=False)
        assert outcome.claimed
        claim = own(store, "new", where)
        assert claim.id == last + 1
        assert store.decide(claim, FAILURE, Budget(100, 100), now) is not None
        request = operation(own(store, "new", where), f"op-{where.revision}")
        assert store.begin(request, where, "", now, caps={"service": 1000})
        store.accepted(request, "HTTP 201", now)
        assert own(store, "new", where).state is ClaimState.DONE
        for _ in range(3):
            for claim in store.work(where).claims:
                if claim.operation is None:
                    store.finish(claim, "", now)
                else:
                    store.accepted(claim.operation, "", now)
        store.put_off_facts(where, None)
    for group in (Group("ci", "g 1"), Group("ci", "g2"), Group("ci", "grp")):
        store.settle_leads(group, store.leads(group).leads)
    assert store.next_due() is None
    assert store.purge(now + 1.0) == len(pushes)
    assert (store.recent(100), store.statistics(0.0)["claims"], store.held()) == ([], {}, {})
    store.close()


@pytest.mark.parametrize("name", ["sqlite-1", "sqlite-2", "sqlite-3"])
def test_the_first_versions_are_read(make: Make, name: str) -> None:
    """Each has what it could have."""
    store = open_store(make(name))
    record = store.record(push())
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
    assert [entry.what for entry in store.timeline(push())] == ["trigger", "send", "note"]
    assert store.work(push()).operations == {"op-1", "op-2"}
    (waits,) = store.work(push("abcdef2")).claims
    assert (waits.id, waits.due, store.take_report(1e9, 1.0)) == (1, 40.0, None)
    assert store.next_due() == (None if name == "sqlite-1" else 45.0)
    assert store.paused() == Pause(13.0, "ann", "a note")
    assert (store.cursor("poll:ci"), [letter.id for letter in store.dead_letters()]) == ("7.0", [5])
    leads = store.leads(Group("ci", "grp"))
    assert [lead.run_id for lead in leads.leads] == ([] if name == "sqlite-1" else ["run", "other"])
    if name == "sqlite-3":
        (breaker,) = store.breakers()
        assert breaker.canary is not None
        assert (breaker.canary.claim, waits.behind, store.held()) == (2, "pool/ci/linux", {"pool/ci/linux": 1})
        (again,) = store.observe([seen(failure())], 20.0, dry=False, deliveries=["d1"])
        assert again.repeated
        store.postponed(request, 50.0, "", 40.0)
        assert store.sent(0.0) == {}
    store.pause(None)
    assert store.next_due() == 32.0
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
    address, answers = make("sqlite-5"), expected("sqlite-5")
    copies = -(-300 // len(answers["pushes"]))
    with closing(sqlite3.connect(path)) as connection:
        _multiply(connection, copies)
    store = open_store(address)
    assert len(store.recent(1000)) == copies * len(answers["pushes"]) >= 300
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
    assert store.held() == {name: number * copies for name, number in answers["held"].items()}
    statistics = store.statistics(0.0)
    assert statistics["claims"] == {n: number * copies for n, number in answers["statistics"]["claims"].items()}
    assert statistics["runs"] == answers["statistics"]["runs"] * copies
    store.close()


# -- crashes ----------------------------------------------------------------------------------------------------------


class _Killed(BaseException):
    """The end of the process."""


def _dying(write: Callable[..., None], steps: int, *, after: bool) -> Callable[..., None]:
    """Let the process end before or after a number of steps."""
    left = iter(range(steps))

    def step(*arguments: Any, **named: Any) -> None:
        last = next(left, None) is None
        if not last or after:
            write(*arguments, **named)
        if last:
            raise _Killed

    return step


def _ends(target: Any, name: str, monkeypatch: pytest.MonkeyPatch, address: str) -> Iterator[int]:
    """Let the process end at a later step each time, before or after it, until it comes to its end."""
    for step in range(1000):
        with monkeypatch.context() as patched:
            patched.setattr(target, name, _dying(getattr(target, name), step, after=bool(step % 2)))
            try:
                open_store(address).close()
            except _Killed:
                yield step
            else:
                return


def test_a_file_survives_a_crash_at_any_step(make: Make, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as before then, and is taken over at the next start."""
    address = make("sqlite-5")
    for step in _ends(older_sqlite, "write", monkeypatch, address):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (SQLITE_BEFORE,)
        if step > 10:
            break
    store = open_store(address)
    agrees(store, expected("sqlite-5"))
    store.close()


def test_a_redis_survives_a_crash_at_any_step(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is taken over is not done again, and the next start does the rest."""
    address = make("redis-3")
    assert len([*_ends(RedisConnection, "apply", monkeypatch, address)]) > 3
    store = open_store(address)
    agrees(store, expected("redis-3"))
    store.close()


def test_a_redis_survives_crashes_between_steps(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more step at each start, as if nothing ever ran to its end."""
    address, starts = make("redis-3"), 0
    while True:
        with monkeypatch.context() as patched:
            patched.setattr(older_redis, "write", _dying(takeover.write, 1, after=False))
            try:
                open_store(address).close()
            except _Killed:
                starts += 1
            else:
                break
    store = open_store(address)
    agrees(store, expected("redis-3"))
    assert starts > 10
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


def test_no_old_key_is_left(make: Make, redis_server: RedisServer) -> None:
    """Only those of the new layout are, and what belongs to others; an older program refuses the store."""
    client = redis_server.client()
    for layout in range(1, REDIS_BEFORE + 1):
        address = make(f"redis-{layout}")
        client.set("precious", "1")
        assert client.eval(OLD_CHECK, 1, META) == b"OK"
        open_store(address).close()
        kinds = {key.decode().partition(":")[2].partition(":")[0] for key in client.scan_iter("{triggerbot}:*")}
        assert kinds == {"d", "l", "z", "r", "meta"}
        assert client.get("precious") == b"1"
        assert client.eval(OLD_CHECK, 1, META) == b"NEWER"


def test_an_older_program_that_runs_is_stopped_first(make: Make, redis_server: RedisServer, monkeypatch: Any) -> None:
    """Before anything is taken over, so that nothing that it writes is lost."""
    address = make("redis-3")
    with monkeypatch.context() as patched:
        patched.setattr(older_redis, "write", _dying(takeover.write, 0, after=False))
        with suppress(_Killed):
            open_store(address)
    assert redis_server.client().eval(OLD_CHECK, 1, META) == b"NEWER"


def test_an_empty_redis_gets_no_key_but_one(redis_server: RedisServer) -> None:
    """There is nothing to take over."""
    client = redis_server.client()
    client.flushall()
    client.set("precious", "1")
    open_store(redis_server.url()).close()
    assert sorted(client.keys("*")) == [b"precious", META.encode()]


@pytest.mark.parametrize("name", ["sqlite-5", "redis-3"])
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
            connection.execute("PRAGMA user_version = 7")
        with pytest.raises(StoreUnusable, match="newer"):
            open_store(address)


# -- one process at a time --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sqlite-5", "redis-3"])
def test_all_that_open_it_at_once_see_it_whole(make: Make, name: str) -> None:
    """The first takes it over, and the others wait for it."""
    address = make(name)
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_store, [address] * 4))
    for store in stores:
        agrees(store, expected(name))
        store.close()


def test_one_process_takes_over(make: Make, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are told so, also when the first is at it already; once it is gone, the next one does it."""
    address = make("redis-3")
    client = redis_server.client()
    monkeypatch.setattr(older_redis, "_PATIENCE", 0.1)
    client.set(_LOCK, "another")
    with pytest.raises(StoreAway, match="another triggerbot takes over"):
        open_store(address)
    assert client.get(_LOCK) == b"another"
    client.delete(_LOCK)
    store = open_store(address)
    agrees(store, expected("redis-3"))
    assert not client.exists(_LOCK)
    store.close()


def test_who_loses_the_lock_changes_nothing(
    make: Make, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was held up for long, while another took its place."""
    address = make("redis-3")
    client = redis_server.client()
    with monkeypatch.context() as patched:
        write, calls = takeover.write, iter(range(100))

        def late(*arguments: Any, **named: Any) -> None:
            if next(calls) == 8:
                client.set(_LOCK, "another", px=200)
            write(*arguments, **named)

        patched.setattr(older_redis, "write", late)
        with pytest.raises(StoreAway, match="start again"):
            open_store(address)
    store = open_store(address)
    agrees(store, expected("redis-3"))
    store.close()


def test_what_cannot_be_read_is_told(make: Make, path: Path, redis_server: RedisServer) -> None:
    """A damaged value ends in a sentence, and the store stays as it is."""
    address = make("sqlite-5")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE runs SET state = 'odd' WHERE id = 1")
        connection.commit()
    with pytest.raises(StoreUnusable, match="cannot take over"):
        open_store(address)
    address = make("redis-3")
    redis_server.client().hset("{triggerbot}:j:1", "odd", "\x1e1")
    with pytest.raises(StoreUnusable, match="cannot take over"):
        open_store(address)
