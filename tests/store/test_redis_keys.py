"""What only Redis has: addresses, foreign text, a full server, upgrades."""

from pathlib import Path

import pytest
import redis

from tests.fakes.redis_server import RedisServer
from tests.fakes.store_items import FAILURE, operation, own, seen
from tests.fakes.world import event, failure, push
from tests.store.on_redis import PUSH, at, claimed, opened, server
from triggerbot.core.errors import StoreRefused, StoreUnavailable, StoreUnusable
from triggerbot.core.model import State
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store.factory import open_store
from triggerbot.store.names import part_of
from triggerbot.store.redis import connection

__all__ = ["server"]


# -- opening --------------------------------------------------------------------------------------------------------


def test_nobody_there(tmp_path: Path) -> None:
    """Said in words, with what to look for."""
    with pytest.raises(StoreUnusable, match=r"cannot reach the store.*is Redis running there"):
        open_store("redis://127.0.0.1:1/0")


def test_a_password(tmp_path: Path) -> None:
    """Asked for, wrong, and right; it is not repeated."""
    with RedisServer(tmp_path, "--requirepass", "hunter2hunter2", "--appendonly", "no") as server:
        for address in (server.url(), f"redis://:wrongwrong@127.0.0.1:{server.port}/0"):
            with pytest.raises(StoreUnusable) as refused:
                open_store(address)
            assert "wrongwrong" not in str(refused.value)
        open_store(f"redis://:hunter2hunter2@127.0.0.1:{server.port}/0").close()


def test_a_replica_of_redis_is_refused(tmp_path: Path, server: RedisServer) -> None:
    """It cannot be written."""
    primary = ("--replicaof", "127.0.0.1", str(server.port))
    with RedisServer(tmp_path, *primary) as copy, pytest.raises(StoreUnusable, match="name its master"):
        open_store(copy.url())


def test_commands_do_not_make_a_store(server: RedisServer) -> None:
    """As with a file: somebody who asks about nothing is told so."""
    with pytest.raises(StoreUnusable, match="nothing of triggerbot"):
        open_store(server.url(), must_exist=True)
    assert server.client().dbsize() == 0
    open_store(server.url()).close()
    open_store(server.url(), must_exist=True).close()


def test_an_address_that_is_none() -> None:
    """The port is no number."""
    with pytest.raises(StoreUnusable, match="address"):
        open_store("redis://127.0.0.1:port/0")


# -- text and size ------------------------------------------------------------------------------------------------


def test_separators_in_foreign_text_are_text(server: RedisServer) -> None:
    """Whatever a CI calls its jobs, runs and machines."""
    odd = "a\x1eb\x1fc\x1bd\x1ae%s\n\u2028\U0001f600"
    with opened(server) as store:
        where = push()._replace(project=odd, branch=odd)
        heard = failure(odd, odd, push=where, pool=odd, step=odd, url=f"https://x/{odd}/{odd}", retrigger_of=odd,
                        failures=(odd, odd), batch=odd)  # fmt: skip
        store.observe([seen(heard, asks=PushOptions())], 1.0, dry=False)
        record = store.pushes.record(where)
        assert record is not None
        (job,) = record.jobs
        (run,) = job.runs
        assert (job.job, run.run_id, run.pool, run.step, run.url) == (odd, odd, odd, odd, heard.url)
        assert (run.retrigger_of, run.failures, run.batch) == (odd, (odd, odd), odd)
        assert store.pushes.known(where) == {(odd, odd, 1): State.FINISHED}
        assert store.pushes.work(where).batches == {odd}
        assert store.pushes.find(odd, "abc") == [where]
        claim = own(store, odd, where)
        store.claims.decide(claim, FAILURE, Budget(), 2.0)
        store.claims.begin(operation(own(store, odd, where)), where, odd, 3.0)
        assert own(store, odd, where).operation == operation(claim)
        assert [entry.job for entry in store.pushes.timeline(where, odd)] == [odd, odd]


def test_connections_are_given_back(server: RedisServer) -> None:
    """Opening and closing leaves nothing behind."""
    before = len(server.client().client_list())
    for _ in range(10):
        with opened(server) as store:
            claimed(store)
    assert len(redis.Redis("127.0.0.1", server.port).client_list()) <= before + 2


def test_a_replica_that_stops_beating_is_taken_for_dead(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the end of its leases; one that beats keeps them."""
    monkeypatch.setattr("triggerbot.store.redis._WATCH_EVERY", 0.05)
    with opened(server, watch=True) as one, opened(server, watch=True) as two:
        claimed(one)
        assert one.due.lease(5.0, "one", 3600) == PUSH
        assert two.due.lease(5.0, "two", 3600) is None
        assert 0 < server.client().ttl(f"{connection.PREFIX}alive:one") <= 20
        one.close()
        server.client().delete(f"{connection.PREFIX}alive:one")
        assert two.due.lease(5.0, "two", 3600) == PUSH


def test_what_the_store_cannot_take_does_not_stop_the_rest(server: RedisServer) -> None:
    """A damaged key of one push is no reason to take the whole store for gone, and to wait for it for ever."""
    other = push("bbbbbbb")
    with opened(server) as store:
        store.observe([seen(event("a"))], 1.0, dry=False)
        server.client().set(f"{connection.PREFIX}d:{part_of(PUSH)}", "damaged")
        with pytest.raises(StoreRefused, match="WRONGTYPE"):
            store.observe([seen(event("b"))], 1.0, dry=False)
        both = [store.observe_soon([seen(event("b", push=one))], 1.0, dry=False) for one in (PUSH, other)]
        assert isinstance(both[0].exception(), StoreRefused)
        assert both[1].result()[0].news


def test_a_full_server_is_waited_for(server: RedisServer) -> None:
    """Nothing is taken for ever lost while there is no memory."""
    client = server.client()
    with opened(server) as store:
        client.config_set("maxmemory", 1)
        try:
            with pytest.raises(StoreUnavailable, match="maxmemory"):
                store.observe([seen(failure())], 1.0, dry=False)
        finally:
            client.config_set("maxmemory", 0)
        assert store.observe([seen(failure())], 1.0, dry=False)[0].claimed


# -- upgrades -------------------------------------------------------------------------------------------------------


def test_an_older_program_leaves_a_newer_store_alone(server: RedisServer) -> None:
    """It does not start on it; one that runs when a newer one takes over writes nothing any more, and says why."""
    with opened(server) as store:
        store.observe([seen(failure(push=PUSH), asks=PushOptions())], 1.0, dry=False)
        server.client().hset(f"{connection.PREFIX}meta", "layout", "99")
        before = store.pushes.record(PUSH)

        with pytest.raises(StoreUnavailable, match="newer triggerbot"):
            store.observe([seen(failure("later", push=PUSH), asks=PushOptions())], 2.0, dry=False)
        with pytest.raises(StoreUnusable, match=r"newer triggerbot \(its layout is 99\): use the newer program"):
            at(server.url())
        assert store.pushes.record(PUSH) == before
