"""What a process keeps of parts of Redis: it saves round trips, and is never believed without a check."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.fakes.proxy import Proxy
from tests.fakes.redis_server import RedisServer
from tests.fakes.store_items import seen
from tests.fakes.world import event
from tests.store.on_redis import at, server
from tests.store.test_engine import ONE, OTHER, TWO, put
from triggerbot.core.model import Group, Lead, State
from triggerbot.store.engine import Transaction
from triggerbot.store.redis import RedisEngine
from triggerbot.store.redis.connection import PREFIX

__all__ = ["server"]


@pytest.fixture
def pair(server: RedisServer) -> Iterator[tuple[RedisEngine, RedisEngine]]:
    """Have two replicas."""
    with closing(RedisEngine.at(server.url())) as one, closing(RedisEngine.at(server.url())) as two:
        yield one, two


def count(engine: RedisEngine) -> None:
    """Count up by reading and writing."""

    def body(transaction: Transaction) -> None:
        found = transaction.get([ONE])[0]
        transaction.put(ONE, str(int(found or b"0") + 1).encode())

    engine.run(body)


def peek(engine: RedisEngine) -> list[bytes | None]:
    """Read in a transaction that changes nothing."""
    return engine.run(lambda transaction: transaction.get([ONE, TWO]))


def test_replicas_take_turns(pair: tuple[RedisEngine, RedisEngine]) -> None:
    """What one has read or written is out of date once the other has written."""
    for number in range(20):
        count(pair[number % 2])
        assert peek(pair[number // 3 % 2]) == [str(number + 1).encode(), None]


def test_what_the_other_deletes_is_gone(pair: tuple[RedisEngine, RedisEngine]) -> None:
    """A document, and a whole part, also where it begins anew."""
    one, two = pair
    put(one, (ONE, b"1"), (TWO, b"2"))
    put(two, (TWO, None))
    assert peek(one) == [b"1", None]
    put(one, (TWO, b"2"))
    two.run(lambda transaction: transaction.drop(ONE.part))
    assert peek(one) == [None, None]
    put(one, (TWO, b"2"))
    two.run(lambda transaction: transaction.drop(ONE.part))
    put(two, (ONE, b"anew"))
    assert peek(one) == [b"anew", None]


def test_an_error_rests_on_what_is_there(pair: tuple[RedisEngine, RedisEngine]) -> None:
    """A step that fails because of what it has read is run again if that was out of date."""
    one, two = pair
    put(one, (ONE, b"1"))
    put(two, (ONE, None))

    def body(transaction: Transaction) -> None:
        if transaction.get([ONE])[0] is not None:
            raise ValueError("it exists")

    one.run(body)
    put(two, (ONE, b"1"))
    with pytest.raises(ValueError, match="it exists"):
        one.run(body)


def test_a_step_never_sees_two_states_of_a_part(pair: tuple[RedisEngine, RedisEngine]) -> None:
    """Not where one document is known and the other one is read."""
    one, two = pair
    put(two, (ONE, b"old"), (TWO, b"old"))
    one.run(lambda transaction: transaction.put(OTHER, transaction.get([ONE])[0]))
    put(two, (ONE, b"new"), (TWO, b"new"))
    found = []

    def body(transaction: Transaction) -> None:
        found.append((transaction.get([ONE])[0], transaction.get([TWO])[0]))

    one.run(body)
    assert found == [(b"new", b"new")]


def test_a_lost_write_that_another_took_the_place_of(server: RedisServer) -> None:
    """A fail-over loses a write, another replica makes one with the same number: the lost one is not believed."""
    client, key = server.client(), f"{PREFIX}d:{ONE.part}"
    with closing(RedisEngine.at(server.url())) as one:
        put(one, (ONE, b"before"))
        names = [PREFIX + "meta", key, f"{key}\x1fk"]
        before = [client.dump(name) for name in names]
        put(one, (ONE, b"lost"))
        for name, value in zip(names, before, strict=True):
            client.restore(name, 0, value, replace=True)  # type: ignore[arg-type]
        with closing(RedisEngine.at(server.url())) as two:
            put(two, (ONE, b"there"))
        assert peek(one)[0] == b"there"


def test_what_a_process_wrote_last_it_need_not_read(server: RedisServer) -> None:
    """A batch for a push that it began costs one round trip, of however many events; so does one of leads."""
    answers: list[bytes] = []

    def note(data: bytes) -> bool:
        answers.append(data)
        return True

    with Proxy(server.port) as proxy, closing(at(f"redis://127.0.0.1:{proxy.port}/0")) as store:
        for job in ("first", "other"):
            store.observe([seen(event(job))], 1.0, dry=False)
        proxy.on_answer = note
        store.observe([seen(event(f"job-{number}")) for number in range(50)], 1.0, dry=False)
        assert len(answers) == 1
        leads = [Lead(Group("ci", f"group-{number % 3}"), f"task-{number}", State.RUNNING) for number in range(90)]
        store.observe(leads[:60], 1.0, dry=False)
        assert len(answers) <= 3
        store.observe(leads[60:], 1.0, dry=False)
        assert len(answers) <= 4
