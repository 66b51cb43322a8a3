"""What every engine has to do: this, and the tests of the store on top, is what another one would have to pass."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import fakeredis
import pytest

from tests.fakes.redis_server import RedisServer
from tests.fakes.world import push
from tests.store.conftest import Fake
from triggerbot.core.model import Group
from triggerbot.store.engine import Doc, Engine, Reader, Transaction
from triggerbot.store.memory import Memory, MemoryEngine
from triggerbot.store.redis import RedisEngine
from triggerbot.store.sqlite import SqliteEngine

ONE, TWO = Doc("part", "k", "one"), Doc("part", "k", "two")
OTHER = Doc("other", "", "x")


@pytest.fixture(params=["sqlite", "redis", pytest.param("fakeredis", marks=pytest.mark.slow), "memory"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Open an empty engine of each kind."""
    found: Engine
    match request.param:
        case "sqlite":
            found = SqliteEngine(tmp_path / "state.db")
        case "redis":
            server: RedisServer = request.getfixturevalue("redis_server")
            server.client().flushall()
            found = RedisEngine.at(server.url())
        case "memory":
            found = MemoryEngine(Memory())
        case _:
            found = RedisEngine(Fake(server=fakeredis.FakeServer()))
    yield found
    found.close()


def put(engine: Engine, *docs: tuple[Doc, bytes | None]) -> None:
    """Write documents in one transaction."""

    def body(transaction: Transaction) -> None:
        for doc, value in docs:
            transaction.put(doc, value)

    engine.run(body)


def test_documents(engine: Engine) -> None:
    """Written, overwritten, deleted; any bytes; by kind; nothing of a name that has none."""
    put(engine, (ONE, b"\x00\xff"), (TWO, b"2"), (Doc("part", "other kind", "one"), b"3"), (OTHER, b""))
    put(engine, (ONE, b"new"), (TWO, None))

    assert engine.read(lambda reader: reader.get([ONE, TWO, OTHER, Doc("none", "k", "x"), ONE])) == [
        b"new", None, b"", None, b"new",
    ]  # fmt: skip
    assert engine.read(lambda reader: reader.all("part", "k")) == {"one": b"new"}
    assert engine.read(lambda reader: (reader.all("none", "k"), reader.get([]))) == ({}, [])


def test_names_are_any_text(engine: Engine) -> None:
    """Of parts, kinds, documents, members of indexes, sums."""
    odd = "a\x1fb\x1b\0 %s\n\u2028\U0001f600'\""

    def body(transaction: Transaction) -> None:
        transaction.put(Doc(odd, "k", odd), b"1")
        transaction.rank(odd, odd, 1.5)
        transaction.add(odd, {odd: 2})

    engine.run(body)
    assert engine.read(lambda reader: reader.all(odd, "k")) == {odd: b"1"}
    assert engine.read(lambda reader: reader.first(odd, 9)) == [(1.5, odd)]
    assert engine.read(lambda reader: reader.sums([odd])) == [{odd: 2.0}]


def test_a_part_is_dropped_as_a_whole(engine: Engine) -> None:
    """Its documents of every kind and its log; no other part; and it may begin anew at once."""
    put(engine, (ONE, b"1"), (Doc("part", "", ""), b"2"), (OTHER, b"3"))
    engine.run(lambda transaction: transaction.append("part", b"a line"))

    def body(transaction: Transaction) -> list[bytes | None]:
        transaction.put(TWO, b"never")
        transaction.drop("part")
        transaction.put(ONE, b"anew")
        return transaction.get([ONE, TWO, OTHER])

    assert engine.run(body) == [b"anew", None, b"3"]
    assert engine.read(lambda reader: (reader.all("part", "k"), reader.all("part", ""), reader.log("part"))) == (
        {"one": b"anew"}, {}, [],
    )  # fmt: skip


def test_logs_only_grow(engine: Engine) -> None:
    """In order, over transactions and within one."""

    def body(transaction: Transaction) -> None:
        for line in (b"1", b"2"):
            transaction.append("part", line)
        transaction.append("other", b"x")

    engine.run(body)
    engine.run(lambda transaction: transaction.append("part", b"3"))
    assert engine.read(lambda reader: reader.log("part")) == [b"1", b"2", b"3"]


def test_indexes_sort_by_number_and_then_by_member(engine: Engine) -> None:
    """With both ends included, in both directions, with a limit; numbers are exact."""
    exact = 1_795_966_404.640729

    def body(transaction: Transaction) -> None:
        for member, number in (("b", 1.0), ("a", 1.0), ("c", exact), ("gone", 2.0), ("d", -math.inf)):
            transaction.rank("index", member, number)
        transaction.rank("elsewhere", "a", 5.0)

    engine.run(body)
    engine.run(lambda transaction: transaction.rank("index", "gone", None))

    def view(reader: Reader) -> list[list[str]]:
        found = [
            reader.first("index", 9),
            reader.first("index", 2),
            reader.first("index", 9, descending=True),
            reader.first("index", 9, least=1.0, most=1.0),
            reader.first("index", 9, most=math.nextafter(exact, 0)),
            reader.first("index", 0),
        ]
        return [[member for _, member in one] for one in found]

    assert engine.read(view) == [
        ["d", "a", "b", "c"],
        ["d", "a"],
        ["c", "b", "a", "d"],
        ["a", "b"],
        ["d", "a", "b"],
        [],
    ]
    assert engine.read(lambda reader: reader.ranks("index", ["c", "gone"])) == [exact, None]
    assert engine.read(lambda reader: (reader.size("index"), reader.size("none"))) == (4, 0)


def test_members_are_found_by_how_they_start(engine: Engine) -> None:
    """Where all have the same number."""

    def body(transaction: Transaction) -> None:
        for member in ("ab", "abc", "abd", "ac", "b", "ab\U0001f600"):
            transaction.rank("names", member, 0.0)

    engine.run(body)
    assert engine.read(lambda reader: reader.starting("names", "ab", 9)) == ["ab", "abc", "abd", "ab\U0001f600"]
    assert engine.read(lambda reader: reader.starting("names", "ab", 2)) == ["ab", "abc"]
    assert engine.read(lambda reader: reader.starting("names", "", 9)) == [
        "ab",
        "abc",
        "abd",
        "ab\U0001f600",
        "ac",
        "b",
    ]


def test_sums_add_up(engine: Engine) -> None:
    """Exactly, for whole numbers; what comes to nothing is gone."""
    for amounts in ({"a": 1, "b": 5}, {"a": 2**40, "b": -5}):
        engine.run(lambda transaction, amounts=amounts: transaction.add("key", amounts))  # type: ignore[misc]
    assert engine.read(lambda reader: reader.sums(["key", "none"])) == [{"a": 2.0**40 + 1}, {}]


def test_a_transaction_sees_what_it_changes(engine: Engine) -> None:
    """Documents and indexes, before anybody else does."""
    put(engine, (ONE, b"1"))
    engine.run(lambda transaction: transaction.rank("index", "old", 5.0))

    def body(transaction: Transaction) -> object:
        transaction.put(TWO, b"2")
        transaction.put(ONE, None)
        transaction.rank("index", "new", 1.0)
        transaction.rank("index", "old", None)
        return (
            transaction.get([ONE, TWO]), transaction.all("part", "k"), transaction.first("index", 1),
            transaction.ranks("index", ["old", "new"]),
        )  # fmt: skip

    assert engine.run(body) == ([None, b"2"], {"two": b"2"}, [(1.0, "new")], [None, 1.0])


def test_what_fails_changes_nothing(engine: Engine) -> None:
    """And its error is the caller's."""

    def body(transaction: Transaction) -> None:
        transaction.put(ONE, b"1")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        engine.run(body)
    assert engine.read(lambda reader: reader.get([ONE])) == [None]


def test_nothing_comes_between(engine: Engine) -> None:
    """Eight threads count up by reading and writing: every one counts."""

    def body(transaction: Transaction) -> None:
        found = transaction.get([ONE])[0]
        transaction.put(ONE, str(int(found or b"0") + 1).encode())

    threads = [threading.Thread(target=lambda: [engine.run(body) for _ in range(25)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.read(lambda reader: reader.get([ONE])) == [b"200"]


def test_what_was_read_and_not_written_counts_too(engine: Engine) -> None:
    """A decision rests on all that it has read: no two write what only one of them may."""
    start = threading.Barrier(2)
    met = threading.local()

    def body(own: Doc, other: Doc) -> None:
        def attempt(transaction: Transaction) -> None:
            free = transaction.get([other])[0] is None
            if not getattr(met, "once", False):
                met.once = True
                if not isinstance(engine, SqliteEngine | MemoryEngine):
                    start.wait()
            if free:
                transaction.put(own, b"mine")

        engine.run(attempt)

    pair = [(Doc("left", "", ""), Doc("right", "", "")), (Doc("right", "", ""), Doc("left", "", ""))]
    threads = [threading.Thread(target=body, args=docs) for docs in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = engine.read(lambda reader: reader.get([own for own, _ in pair]))
    assert sorted(found, key=str) == [None, b"mine"] or sorted(found, key=str) == [b"mine", None]


def test_a_name_is_new_once(engine: Engine) -> None:
    """Of eight threads with the same names each name is new to one of them; one that is too old is new again."""
    engine.run(lambda transaction: transaction.rank("names", "old", 1.0))
    names, new = ["old", *(f"name-{number}" for number in range(20))], list[str]()

    def body(transaction: Transaction) -> list[str]:
        found = [name for name, is_new in zip(names, transaction.absent("names", names, 5.0), strict=True) if is_new]
        for name in found[:3]:
            transaction.rank("names", name, 5.0)
        return found[:3]

    threads = [threading.Thread(target=lambda: new.extend(engine.run(body))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(new) == sorted(names)
    assert engine.run(lambda transaction: transaction.absent("names", [*names, "none"], 5.0)) == [False] * 21 + [True]


def test_an_index_is_trimmed(engine: Engine) -> None:
    """Of what is below a number, the first ones; what is put in by the same transaction stays."""
    for number in range(6):
        engine.run(lambda transaction, number=number: transaction.rank("index", f"m{number}", float(number)))  # type: ignore[misc]

    def body(transaction: Transaction) -> None:
        transaction.trim("index", 4.0, 3)
        transaction.rank("index", "m0", 0.5)

    engine.run(body)
    assert engine.read(lambda reader: reader.first("index", 9)) == [(0.5, "m0"), (3.0, "m3"), (4.0, "m4"), (5.0, "m5")]
    engine.run(lambda transaction: transaction.trim("none", 4.0, 3))


def test_leases(engine: Engine) -> None:
    """One at a time, of the first that is free, until it is given back by its owner."""
    one, two = push("aaaaaaa"), Group("ci", "g")
    assert engine.lease([one, two], "me", 1.0, 60.0) == one
    assert engine.lease([one, two], "you", 1.0, 60.0) == two
    assert engine.lease([one, two], "me", 1.0, 60.0) is None
    assert engine.leased() == {one, two}
    engine.release(one, "me")
    assert engine.lease([one, two], "you", 1.0, 60.0) == one
    assert engine.lease([], "me", 1.0, 60.0) is None
