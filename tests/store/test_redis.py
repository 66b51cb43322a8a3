"""What only Redis can do wrong: lost replies, dead replicas, servers that forgot."""

import multiprocessing
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.fakes.daemon import eventually
from tests.fakes.proxy import Proxy
from tests.fakes.redis_server import RedisServer
from tests.fakes.store_items import FAILURE, every, operation, said, seen
from tests.fakes.world import event, failure, push
from tests.store.on_redis import PUSH, at, claimed, judge, opened, owed, sending, server, why
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Decision, Refusal
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import CommentCommand, Group, Lead, Result, RunKey, State
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.try_syntax import PushOptions
from triggerbot.store import Crash, DeadLetter, Pause, Search, Store
from triggerbot.store.factory import open_store
from triggerbot.store.redis import connection

__all__ = ["server"]


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Have a Redis that a test may kill."""
    with RedisServer(tmp_path) as server:
        yield server


def _reported(store: Store) -> None:
    """Let somebody be at the push's report."""
    claimed(store)
    store.reports.take(2.0, 60.0)


def _nothing(store: Store) -> None:
    """Begin with an empty store."""


LEAD = Lead(Group("ci", "g"), "task", State.FINISHED, Result.FAILURE)
WISH = CommentCommand("ci", "17", "try", "ann", "rebuild 3", pull=5)
LETTER = DeadLetter(0, 1.0, "ci", "pulse", "bad", b"\x00\xff", {"a": "b"})


#: What is there before -> what is done.
MUTATIONS: dict[str, tuple[Callable[[Store], Any], Callable[[Store, Any], Any]]] = {
    "observe": (_nothing, lambda store, _: store.observe([seen(failure())], 1.0, dry=False)[0].claimed),
    "observe facts": (
        lambda store: store.observe([seen(event("job"))], 1.0, dry=False),
        lambda store, _: store.observe([said(PushOptions(rebuild={"*": 3}), message="try")], 1.0, dry=False)[0].due,
    ),
    "lead": (_nothing, lambda store, _: store.observe([LEAD], 1.0, dry=False)[0].news),
    "lease": (claimed, lambda store, _: store.due.lease(5.0, "me", 60)),
    "decide": (claimed, lambda store, claim: store.claims.decide(claim, FAILURE, Budget(), 2.0)),
    "drop": (claimed, lambda store, claim: store.claims.decide(claim, None, None, 2.0)),
    "begin": (owed, lambda store, claim: store.claims.begin(operation(claim), PUSH, "asks", 3.0)),
    "resend": (sending, lambda store, claim: store.claims.resend(claim.operation, "again", 4.0)),
    "accepted": (sending, lambda store, claim: store.claims.accepted(claim.operation, "yes", 4.0)),
    "refused": (
        sending,
        lambda store, claim: store.claims.refused(claim.operation, Decision.refuse(Refusal.REFUSED_BY_CI, "no"), 4.0),
    ),
    "postponed": (sending, lambda store, claim: store.claims.postponed(claim.operation, 9.0, "later", 4.0)),
    "doubted": (sending, lambda store, claim: store.claims.doubted(claim.operation, 9.0, "hm", 4.0, missed=True)),
    "wait": (claimed, lambda store, claim: store.claims.wait(claim, 9.0, "later", 4.0)),
    "finish": (owed, lambda store, claim: store.claims.finish(claim, "enough", 4.0)),
    "put_off_facts": (claimed, lambda store, _: store.facts.put_off(PUSH, 9.0)),
    "put_off_leads": (
        lambda store: store.observe([LEAD], 1.0, dry=False),
        lambda store, _: store.leads.put_off(LEAD.group, 9.0),
    ),
    "ask": (claimed, lambda store, _: store.claims.ask(PUSH, "job", 3, "me", dry=False, now=4.0)),
    "add_dead_letters": (_nothing, lambda store, _: store.letters.add([LETTER])),
    "add_crashes": (_nothing, lambda store, _: store.crashes.add([Crash(1.0, "host/1", "SIGKILL")])),
    "take_report": (claimed, lambda store, _: store.reports.take(5.0, 60.0)),
    "end_report": (_reported, lambda store, _: store.reports.end(PUSH, 9.0)),
    "report_soon": (_reported, lambda store, _: store.reports.soon(PUSH, 9.0)),
    "judged": (claimed, lambda store, _: judge(store)),
    "keep": (claimed, lambda store, _: store.facts.set_metadata(PUSH, "name", "value")),
    "add_failure_lines": (
        claimed,
        lambda store, _: store.facts.add_failure_lines(PUSH, "job", RunKey("1", 1), ["a line"]),
    ),
    "wish": (_nothing, lambda store, _: store.observe([WISH], 1.0, dry=False)[0].news),
    "take_command": (
        lambda store: store.observe([WISH], 1.0, dry=False),
        lambda store, _: store.commands.take(5.0, 60.0),
    ),
    "end_command": (
        lambda store: store.observe([WISH], 1.0, dry=False),
        lambda store, _: store.commands.end(WISH, 9.0),
    ),
    "pause": (_nothing, lambda store, _: store.limits.pause(Pause(1.0, "me"))),
}


#: The answer of the script: how many writes there were, and since when the store is distrusted.
_SCRIPT = re.compile(rb"\*2\r\n\$\d+\r\n\d+\r\n\$\d+\r\n[\d.]*\r\n$")


def _state(store: Store) -> Any:
    """Everything that can be read."""
    return (
        store.pushes.record(PUSH), store.pushes.work(PUSH), store.pushes.timeline(PUSH), store.statistics.read(0.0),
        store.leads.read(LEAD.group), store.letters.read(), store.crashes.read(), store.limits.paused(),
        store.pushes.search(Search(), 9), store.reports.failure_records("try"),
        store.facts.metadata(PUSH), store.reports.take(1e6, 1.0), store.commands.take(1e6, 1.0),
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
            if not cut and _SCRIPT.match(data):
                cut.append(data)
                return False
            return True

        store = at(f"redis://127.0.0.1:{proxy.port}/0")
        proxy.on_answer = cut_first
        answer = act(store, prepared)
        store.close()
        assert cut, "no reply was cut"
        assert answer == expected
        assert _state(plain) == wanted


def test_a_server_that_is_gone_is_told_as_such(own_server: RedisServer) -> None:
    """Nothing hangs for long, nothing is half done, and it goes on when the server is back."""
    with opened(own_server) as store:
        claim = claimed(store)
        own_server.kill()
        for act in (
            lambda: store.observe([seen(failure("other"))], 2.0, dry=False),
            lambda: store.due.lease(2.0, "me", 60),
            lambda: store.claims.decide(claim, FAILURE, Budget(), 2.0),
            lambda: store.pushes.work(PUSH),
        ):
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                act()
        own_server.start()
        store.observe([seen(failure("other"))], 2.0, dry=False)
        assert {one.job for one in every(store)} >= {"other"}


def test_a_dead_replica_s_work_is_taken_over(server: RedisServer) -> None:
    """When its lease has expired, and not before; nobody else can give it back."""
    with opened(server) as one, opened(server) as two:
        claimed(one)
        assert one.due.lease(5.0, "dead", 60) == PUSH
        assert two.due.lease(64.0, "alive", 60) is None
        two.due.release(PUSH, "alive")
        assert two.due.lease(64.0, "alive", 60) is None
        assert two.due.lease(65.5, "alive", 60) == PUSH
        one.due.release(PUSH, "dead")
        assert one.due.lease(66.0, "dead", 60) is None


def test_each_replica_has_its_own_share(server: RedisServer) -> None:
    """What one works on does not count against another."""
    with opened(server) as store:
        pushes = [push(f"{number:07x}") for number in range(10)]
        store.observe([seen(failure(push=where)) for where in pushes], 1.0, dry=False)
        leased = [store.due.lease(5.0, owner, 60) for owner in ("me", "you") for _ in range(5)]
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
                store.claims.decide(claim, FAILURE, Budget(5, 4), 2.0)

        threads = [
            threading.Thread(target=decide, args=((one, two)[number % 2], claims[number::8])) for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        states = [claim.state for claim in every(one)]
        assert states.count(ClaimState.OWED) == 5
        assert one.pushes.work(PUSH).spent == 5


def trusted(server: RedisServer) -> None:
    """Make the store one that was trusted for long."""
    client = server.client()
    client.hdel(f"{connection.PREFIX}meta", "since", "why")


def test_a_new_store_is_distrusted(server: RedisServer) -> None:
    """An empty server may be one that lost everything; everybody who comes later is told, too."""
    with opened(server) as store:
        assert "it is new" in why(store)
        with opened(server) as later:
            assert later.distrust() == store.distrust()


def test_a_store_that_is_as_it_was_is_trusted(server: RedisServer) -> None:
    """Opened again by whoever, it is the same."""
    opened_once = at(server.url())
    opened_once.close()
    trusted(server)
    with opened(server) as store:
        claimed(store)
        assert store.distrust() is None


def test_flushall_is_noticed(server: RedisServer) -> None:
    """By the next call, which then sees an empty store; a request can no longer leave."""
    with opened(server) as store, opened(server) as other:
        trusted(server)
        claim = owed(store)
        began = time.time()
        server.client().flushall()
        assert not store.claims.begin(operation(claim), PUSH, "asks", 3.0)
        distrust = store.distrust()
        assert distrust is not None
        assert "lost everything" in distrust.why
        assert distrust.since >= began
        other.pushes.work(PUSH)
        assert other.distrust() is not None
        store.pushes.work(PUSH)
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
        store.pushes.work(PUSH)
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
        store = at(f"redis://127.0.0.1:{proxy.port}/0")
        trusted(first)
        store.observe([seen(event("a"))], 1.0, dry=False)
        proxy.target = second.port
        proxy.hang_up()
        assert "another one" in why(store)
        store.close()


def test_a_unix_socket(tmp_path: Path) -> None:
    """An address that is no host."""
    with (
        tempfile.TemporaryDirectory(prefix="redis-") as name,
        RedisServer(tmp_path, "--unixsocket", f"{name}/socket"),
    ):
        store = open_store(f"unix://{name}/socket?db=1")
        assert store.observe([seen(event("job"))], 1.0, dry=False)[0].news
        store.close()
