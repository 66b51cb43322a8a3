"""What only Redis can do wrong: lost replies, dead replicas, servers that forgot, expiry, races."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from tests import ROOT
from tests.fakes.daemon import eventually
from tests.fakes.proxy import Proxy
from tests.fakes.redis_server import RedisServer
from tests.fakes.store_items import FAILURE, every, operation, own, said, seen
from tests.fakes.world import event, failure, push
from triggerbot.errors import StoreRefused, StoreUnavailable, StoreUnusable
from triggerbot.model import Claim, ClaimState, Decision, Group, Lead, Refusal, Result, RunKey, State, Wish
from triggerbot.policy import Budget
from triggerbot.store import Crash, DeadLetter, Pause, Search, Sighting, Store, Summary
from triggerbot.store.opening import open_store
from triggerbot.store.redis import RedisStore, link
from triggerbot.trysyntax import Asks

PUSH = push()
RETENTION = 14 * 86_400


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    """Have an empty Redis."""
    redis_server.client().flushall()
    return redis_server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Have a Redis that a test may kill."""
    with RedisServer(tmp_path) as server:
        yield server


@contextmanager
def opened(server: RedisServer, **more: Any) -> Iterator[RedisStore]:
    """Open a store, and close it."""
    store = RedisStore.at(server.url(), **more)
    try:
        yield store
    finally:
        store.close()


# -- lost replies ---------------------------------------------------------------------------------------------------


def _claimed(store: Store) -> Claim:
    store.observe([seen(failure(push=PUSH), asks=Asks())], 1.0, dry=False)
    return own(store)


def _owed(store: Store) -> Claim:
    store.decide(_claimed(store), FAILURE, Budget(), 2.0)
    return own(store)


def _sending(store: Store) -> Claim:
    claim = _owed(store)
    store.begin(operation(claim), PUSH, "asks", 3.0)
    return own(store)


def _reported(store: Store) -> None:
    """Let somebody be at the push's report."""
    _claimed(store)
    store.take_report(2.0, 60.0)


def _judge(store: Store) -> None:
    summary = Summary(PUSH, "failing", "1 job failed", None, "", None, 0.0, 0.0, {"failed": 1})
    store.judged(summary, [Sighting(PUSH, "job", 1.0, 1, 0, ("a line",))], [("job", "it failed")], 4.0)


def _nothing(store: Store) -> None:
    """Begin with an empty store."""


LEAD = Lead(Group("ci", "g"), "task", State.FINISHED, Result.FAILURE)
WISH = Wish("ci", "17", "try", "ann", "rebuild 3", pull=5)
LETTER = DeadLetter(0, 1.0, "ci", "pulse", "bad", b"\x00\xff", {"a": "b"})

#: What is there before -> what is done.
MUTATIONS: dict[str, tuple[Callable[[Store], Any], Callable[[Store, Any], Any]]] = {
    "observe": (_nothing, lambda store, _: store.observe([seen(failure())], 1.0, dry=False)[0].claimed),
    "observe facts": (
        lambda store: store.observe([seen(event("job"))], 1.0, dry=False),
        lambda store, _: store.observe([said(Asks(rebuild={"*": 3}), message="try")], 1.0, dry=False)[0].due,
    ),
    "lead": (_nothing, lambda store, _: store.observe([LEAD], 1.0, dry=False)[0].news),
    "lease": (_claimed, lambda store, _: store.lease(5.0, "me", 60)),
    "decide": (_claimed, lambda store, claim: store.decide(claim, FAILURE, Budget(), 2.0)),
    "drop": (_claimed, lambda store, claim: store.decide(claim, None, None, 2.0)),
    "begin": (_owed, lambda store, claim: store.begin(operation(claim), PUSH, "asks", 3.0)),
    "resend": (_sending, lambda store, claim: store.resend(claim.operation, "again", 4.0)),
    "accepted": (_sending, lambda store, claim: store.accepted(claim.operation, "yes", 4.0)),
    "refused": (
        _sending,
        lambda store, claim: store.refused(claim.operation, Decision.refuse(Refusal.REFUSED_BY_CI, "no"), 4.0),
    ),
    "postponed": (_sending, lambda store, claim: store.postponed(claim.operation, 9.0, "later", 4.0)),
    "doubted": (_sending, lambda store, claim: store.doubted(claim.operation, 9.0, "hm", 4.0, missed=True)),
    "wait": (_claimed, lambda store, claim: store.wait(claim, 9.0, "later", 4.0)),
    "finish": (_owed, lambda store, claim: store.finish(claim, "enough", 4.0)),
    "put_off_facts": (_claimed, lambda store, _: store.put_off_facts(PUSH, 9.0)),
    "put_off_leads": (
        lambda store: store.observe([LEAD], 1.0, dry=False),
        lambda store, _: store.put_off_leads(LEAD.group, 9.0),
    ),
    "ask": (_claimed, lambda store, _: store.ask(PUSH, "job", 3, "me", dry=False, now=4.0)),
    "bury": (_nothing, lambda store, _: store.bury([LETTER])),
    "keep_crashes": (_nothing, lambda store, _: store.keep_crashes([Crash(1.0, "host/1", "SIGKILL")])),
    "take_report": (_claimed, lambda store, _: store.take_report(5.0, 60.0)),
    "end_report": (_reported, lambda store, _: store.end_report(PUSH, 9.0)),
    "report_soon": (_reported, lambda store, _: store.report_soon(PUSH, 9.0)),
    "judged": (_claimed, lambda store, _: _judge(store)),
    "keep": (_claimed, lambda store, _: store.keep(PUSH, "name", "value")),
    "keep_failures": (_claimed, lambda store, _: store.keep_failures(PUSH, "job", RunKey("1", 1), ["a line"])),
    "wish": (_nothing, lambda store, _: store.observe([WISH], 1.0, dry=False)[0].news),
    "take_wish": (
        lambda store: store.observe([WISH], 1.0, dry=False),
        lambda store, _: store.take_wish(5.0, 60.0),
    ),
    "end_wish": (
        lambda store: store.observe([WISH], 1.0, dry=False),
        lambda store, _: store.end_wish(WISH, 9.0),
    ),
    "pause": (_nothing, lambda store, _: store.pause(Pause(1.0, "me"))),
}


def _state(store: Store) -> Any:
    """Everything that can be read."""
    return (
        store.record(PUSH), store.work(PUSH), store.story(PUSH), store.statistics(0.0), store.leads(LEAD.group),
        store.dead_letters(), store.crashes(), store.paused(), store.search(Search(), 9), store.sightings("try"),
        store.kept(PUSH), store.take_report(1e6, 1.0), store.take_wish(1e6, 1.0),
    )  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_lost_reply_changes_nothing(server: RedisServer, name: str) -> None:
    """The script has run, its reply is cut off, the client asks again: the same answer, and done once."""
    before, act = MUTATIONS[name]
    with opened(server) as plain:
        expected, wanted = act(plain, before(plain)), _state(plain)
    server.client().flushall()
    with opened(server) as plain, Proxy(server.port) as proxy:
        prepared = before(plain)
        cut: list[bytes] = []

        def cut_first(data: bytes) -> bool:
            if not cut and data.startswith((b"$", b"*")) and b"[" in data:
                cut.append(data)
                return False
            return True

        store = RedisStore.at(f"redis://127.0.0.1:{proxy.port}/0")
        proxy.on_answer = cut_first
        answer = act(store, prepared)
        store.close()
        assert cut, "no reply was cut"
        assert answer == expected
        assert _state(plain) == wanted


def test_a_server_that_is_gone_is_told_as_such(own_server: RedisServer) -> None:
    """Nothing hangs for long, nothing is half done, and it goes on when the server is back."""
    with opened(own_server) as store:
        claim = _claimed(store)
        own_server.kill()
        for act in (
            lambda: store.observe([seen(failure("other"))], 2.0, dry=False),
            lambda: store.lease(2.0, "me", 60),
            lambda: store.decide(claim, FAILURE, Budget(), 2.0),
            lambda: store.work(PUSH),
        ):
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                act()
        own_server.start()
        store.observe([seen(failure("other"))], 2.0, dry=False)
        assert {one.job for one in every(store)} >= {"other"}


# -- replicas -------------------------------------------------------------------------------------------------------


def test_a_dead_replica_s_work_is_taken_over(server: RedisServer) -> None:
    """When its lease has expired, and not before; nobody else can give it back."""
    with opened(server) as one, opened(server) as two:
        _claimed(one)
        assert one.lease(5.0, "dead", 60) == PUSH
        assert two.lease(64.0, "alive", 60) is None
        two.release(PUSH, "alive")
        assert two.lease(64.0, "alive", 60) is None
        assert two.lease(65.5, "alive", 60) == PUSH
        one.release(PUSH, "dead")
        assert one.lease(66.0, "dead", 60) is None


def test_each_replica_has_its_own_share(server: RedisServer) -> None:
    """What one works on does not count against another."""
    with opened(server) as store:
        pushes = [push(f"{number:07x}") for number in range(10)]
        store.observe([seen(failure(push=where)) for where in pushes], 1.0, dry=False)
        leased = [store.lease(5.0, owner, 60) for owner in ("me", "you") for _ in range(5)]
        assert len({one for one in leased if one is not None}) == 8
        assert leased[4] is None
        assert leased[9] is None


def _race(url: str, start: Any, results: Any, own_name: str) -> None:
    store = open_store(url)
    start.wait()
    claimed = sum(
        outcome.claimed
        for number in range(200)
        for outcome in store.observe([seen(failure(f"job-{number}"))], 1.0, dry=False)
    )
    results.put((own_name, claimed))
    store.close()


def test_processes_race_for_the_same_events(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four hear the same 200 failures: each is claimed once, by whoever came first."""
    # Where the new processes find this module.
    monkeypatch.syspath_prepend(ROOT)
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    racers = [context.Process(target=_race, args=(server.url(), start, results, str(number))) for number in range(4)]
    for racer in racers:
        racer.start()
    start.set()
    told = [results.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join()
    assert sum(claimed for _, claimed in told) == 200
    with opened(server) as store:
        assert len(every(store)) == 200


def test_the_budget_holds_in_a_race(server: RedisServer) -> None:
    """Many threads on several connections decide about one push: never more than the budget allows."""
    with opened(server) as one, opened(server) as two:
        one.observe([seen(failure(f"job-{number}")) for number in range(40)], 1.0, dry=False)
        claims = every(one)

        def decide(store: Store, mine: list[Claim]) -> None:
            for claim in mine:
                store.decide(claim, FAILURE, Budget(5, 4), 2.0)

        threads = [
            threading.Thread(target=decide, args=((one, two)[number % 2], claims[number::8])) for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        states = [claim.state for claim in every(one)]
        assert states.count(ClaimState.OWED) == 5
        assert one.work(PUSH).spent == 5


# -- a server that forgot -----------------------------------------------------------------------------------------


def why(store: RedisStore) -> str:
    """Say why the store is distrusted, once it is met."""
    store.observe([seen(event("probe"))], 1.0, dry=False)
    found = store.distrust()
    assert found is not None
    return found.why


def trusted(server: RedisServer) -> None:
    """Make the store one that was trusted for long."""
    client = server.client()
    client.hdel(f"{link.PREFIX}meta", "since", "why")


def test_a_new_store_is_distrusted(server: RedisServer) -> None:
    """An empty server may be one that lost everything; everybody who comes later is told, too."""
    with opened(server) as store:
        assert "it is new" in why(store)
        with opened(server) as later:
            assert later.distrust() == store.distrust()


def test_a_store_that_is_as_it_was_is_trusted(server: RedisServer) -> None:
    """Opened again by whoever, it is the same."""
    opened_once = RedisStore.at(server.url())
    opened_once.close()
    trusted(server)
    with opened(server) as store:
        _claimed(store)
        assert store.distrust() is None


def test_flushall_is_noticed(server: RedisServer) -> None:
    """By the next call, which then sees an empty store; a request can no longer leave."""
    with opened(server) as store, opened(server) as other:
        trusted(server)
        claim = _owed(store)
        began = time.time()
        server.client().flushall()
        assert not store.begin(operation(claim), PUSH, "asks", 3.0)
        distrust = store.distrust()
        assert distrust is not None
        assert "lost everything" in distrust.why
        assert distrust.since >= began
        other.observe([], 1.0, dry=False)
        assert other.distrust() is not None
        store.observe([], 1.0, dry=False)
        assert store.distrust() == other.distrust()


def test_an_older_state_is_noticed(tmp_path: Path) -> None:
    """The server comes back with what it had some time ago."""
    with RedisServer(tmp_path, "--appendonly", "no") as server, opened(server) as store:
        trusted(server)
        store.observe([seen(event("a"))], 1.0, dry=False)
        server.client().save()
        for number in range(5):
            store.observe([seen(event(f"b{number}"))], 1.0, dry=False)
        server.kill()
        server.start()
        assert "older state" in why(store)


def test_a_restart_is_noticed(own_server: RedisServer) -> None:
    """It may have lost the last second, even if nothing shows it; also by those who start later."""
    with opened(own_server) as store:
        trusted(own_server)
        store.observe([seen(event("a"))], 1.0, dry=False)
    time.sleep(1.1)  # `everysec`: what was written is on the disk by then
    own_server.kill()
    own_server.start()
    with opened(own_server) as later:
        assert "started again" in why(later)


def test_a_restart_under_a_running_replica_is_noticed(own_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while there is nothing to write."""
    monkeypatch.setattr("triggerbot.store.redis._WATCH_EVERY", 0.05)
    with opened(own_server, watch=True) as store:
        trusted(own_server)
        store.observe([], 1.0, dry=False)
        assert store.distrust() is None
        time.sleep(1.1)
        own_server.kill()
        own_server.start()
        eventually(lambda: store.distrust() is not None, "the restart is noticed")


def test_another_server_in_its_place_is_noticed(tmp_path: Path) -> None:
    """A fail-over to one that never heard of us."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with (
        RedisServer(tmp_path / "one") as first,
        RedisServer(tmp_path / "two") as second,
        Proxy(first.port) as proxy,
        opened(second) as stranger,
    ):
        stranger.observe([seen(event("x"))], 1.0, dry=False)
        store = RedisStore.at(f"redis://127.0.0.1:{proxy.port}/0")
        trusted(first)
        store.observe([seen(event("a"))], 1.0, dry=False)
        proxy.target = second.port
        proxy.hang_up()
        assert "another one" in why(store)
        store.close()


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


# -- expiry and size ------------------------------------------------------------------------------------------------


def test_everything_of_a_push_expires(server: RedisServer) -> None:
    """Redis itself forgets after the retention, except what is still open."""
    with opened(server, retention=RETENTION) as store:
        claim = _sending(store)
        _judge(store)
        store.keep(PUSH, "name", "value")
        client = server.client()
        of_push = [
            key
            for key in client.scan_iter("*")
            if key.split(b":", 1)[1][:2] in (b"p:", b"j:", b"c:", b"k:", b"o:", b"s:", b"n:", b"e:", b"w:")
        ]
        assert len(of_push) == 9
        assert {client.ttl(key) for key in of_push} == {-1}
        store.accepted(claim.operation or operation(claim), "yes", 4.0)
        assert all(0 < client.ttl(key) <= RETENTION for key in of_push), {key: client.ttl(key) for key in of_push}


def test_a_push_that_has_expired_is_a_new_one(server: RedisServer) -> None:
    """What is left of it elsewhere does no harm."""
    with opened(server) as store:
        store.observe([seen(event("a", result="success"), asks=Asks())], 1.0, dry=False)
        client = server.client()
        for key in client.scan_iter("*"):
            if client.ttl(key) > 1000:
                client.delete(key)
        assert store.record(PUSH) is None
        assert store.find("try", "abc") == []
        assert store.recent(10) == []
        store.observe([seen(failure("b"), asks=Asks())], 2.0, dry=False)
        assert store.find("try", "abc") == [PUSH]
        assert store.lease(3.0, "me", 60) == PUSH
        store.purge(100.0)


def test_what_was_left_of_pushes_that_expired_is_forgotten(server: RedisServer) -> None:
    """By the name of its project a push can be found; over the years those names would fill the memory."""
    with opened(server) as store:
        client = server.client()
        for number in range(120):
            passed = event("a", result="success", push=push(f"{number:010x}"))
            store.observe([seen(passed, asks=Asks())], 1.0, dry=False)
        for key in client.scan_iter("*"):
            if client.ttl(key) > 1000:
                client.delete(key)
        store.observe([seen(failure(push=PUSH), asks=Asks())], 200.0, dry=False)

        store.purge(100.0)

        assert client.zcard(f"{link.PREFIX}names") == 1
        assert store.find("try", "abc") == [PUSH]
        assert store.recent(10) == [PUSH]


def test_separators_in_foreign_text_are_text(server: RedisServer) -> None:
    """Whatever a CI calls its jobs, runs and machines."""
    odd = "a\x1eb\x1fc\x1bd\x1ae%s\n\u2028\U0001f600"
    with opened(server) as store:
        where = push()._replace(project=odd, branch=odd)
        heard = failure(odd, odd, push=where, pool=odd, step=odd, url=f"https://x/{odd}/{odd}", retrigger_of=odd,
                        failures=(odd, odd), batch=odd)  # fmt: skip
        store.observe([seen(heard, asks=Asks())], 1.0, dry=False)
        record = store.record(where)
        assert record is not None
        (job,) = record.jobs
        (run,) = job.runs
        assert (job.job, run.run_id, run.pool, run.step, run.url) == (odd, odd, odd, odd, heard.url)
        assert (run.retrigger_of, run.failures, run.batch) == (odd, (odd, odd), odd)
        assert store.known(where) == {(odd, odd, 1): State.FINISHED}
        assert store.work(where).batches == {odd}
        assert store.find(odd, "abc") == [where]
        claim = own(store, odd, where)
        store.decide(claim, FAILURE, Budget(), 2.0)
        store.begin(operation(own(store, odd, where)), where, odd, 3.0)
        assert own(store, odd, where).operation == operation(claim)
        assert [entry.job for entry in store.story(where, odd)] == [odd, odd]


def test_half_a_surrogate_pair_spoils_nothing(server: RedisServer) -> None:
    """JSON can carry what is no text."""
    with opened(server) as store:
        store.observe([seen(failure("a\ud800")), seen(failure("b"))], 1.0, dry=False)
        assert {claim.job for claim in every(store)} == {"a?", "b"}


def test_connections_are_given_back(server: RedisServer) -> None:
    """Opening and closing leaves nothing behind."""
    before = len(server.client().client_list())
    for _ in range(10):
        with opened(server) as store:
            _claimed(store)
    assert len(redis.Redis("127.0.0.1", server.port).client_list()) <= before + 2


def test_a_replica_that_stops_beating_is_taken_for_dead(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the end of its leases; one that beats keeps them."""
    monkeypatch.setattr("triggerbot.store.redis._WATCH_EVERY", 0.05)
    with opened(server, watch=True) as one, opened(server, watch=True) as two:
        _claimed(one)
        assert one.lease(5.0, "one", 3600) == PUSH
        assert two.lease(5.0, "two", 3600) is None
        assert 0 < server.client().ttl(f"{link.PREFIX}alive:one") <= 20
        one.close()
        server.client().delete(f"{link.PREFIX}alive:one")
        assert two.lease(5.0, "two", 3600) == PUSH


def test_what_the_store_cannot_take_does_not_stop_the_rest(server: RedisServer) -> None:
    """A damaged key of one push is no reason to take the whole store for gone, and to wait for it for ever."""
    other = push("bbbbbbb")
    with opened(server) as store:
        store.observe([seen(event("a"))], 1.0, dry=False)
        server.client().set(f"{link.PREFIX}j:1", "damaged")
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
        store.observe([seen(failure(push=PUSH), asks=Asks())], 1.0, dry=False)
        server.client().hset(f"{link.PREFIX}meta", "layout", "99")
        before = store.record(PUSH)

        with pytest.raises(StoreUnavailable, match="newer triggerbot"):
            store.observe([seen(failure("later", push=PUSH), asks=Asks())], 2.0, dry=False)
        with pytest.raises(StoreUnusable, match=r"newer triggerbot \(its layout is 99\): use the newer program"):
            RedisStore.at(server.url())
        assert store.record(PUSH) == before


def test_a_store_of_before_is_taken_over(server: RedisServer) -> None:
    """It has no layout written down; what it knows stays known, and trusted."""
    with opened(server) as store:
        store.observe([seen(failure(push=PUSH), asks=Asks())], 1.0, dry=False)
    server.client().hdel(f"{link.PREFIX}meta", "layout", "since", "why")

    with opened(server) as store:
        assert store.record(PUSH) is not None
        assert store.distrust() is None
    assert server.client().hget(f"{link.PREFIX}meta", "layout") == b"2"
