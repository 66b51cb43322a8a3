"""The history of a project's failures, and the rows of cases in which a verdict must not say more than is known."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import World, event, failure, push
from tests.reports.board import Board
from triggerbot.core.model import Push, PushFacts
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.circuit_breaker import Breaker, BreakerCause, BreakerKey, BreakerScope
from triggerbot.core.policy.evidence import Past
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.history import Novelty
from triggerbot.core.verdict.verdict import JobVerdict
from triggerbot.pipeline.history import Histories, Share
from triggerbot.reports.judge import Judge
from triggerbot.reports.publisher import Publisher
from triggerbot.store import FailureRecord, Search
from triggerbot.store.documents import dump
from triggerbot.store.engine import Doc, Transaction
from triggerbot.store.names import FAILURES, join, part_of, within

RULE = Rule(Globs(["*"]), retries=0)
LOGIN, REFUND = "tests/test_login.py::test_login: no such user", "tests/test_cart.py::test_refund: wrong `total`"


class Bench:
    """Pushes whose jobs fail and pass, each judged whenever there is news of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.board = Board()
        self.publisher: Publisher = world.publisher(self.board)
        self.runs = 0

    def push(self, branch: str, number: int, author: str = "ann") -> Push:
        """Push to a branch."""
        where = push(f"{number:010x}", project="app", branch=branch)
        self.world.hear(PushFacts(where, "a change", author, self.world.clock()))
        return where

    def run(self, where: Push, result: str, job: str = "e2e", line: str = LOGIN, **more: Any) -> None:
        """Let a run of a job end, and publish what is due."""
        self.runs += 1
        lines = (line,) if line and result == "failure" else ()
        self.world.hear(
            event(job, str(self.runs), push=where, result=result, time=self.world.clock(), failures=lines, **more)
        )
        self.world.publish(self.publisher)

    def passes(self, branch: str, pushes: int, job: str = "e2e") -> None:
        """Let a job pass at several pushes of a branch."""
        for number in range(pushes):
            where = self.push(branch, 1000 + number, "zoe")
            self.runs += 1
            self.world.hear(event(job, str(self.runs), push=where, result="success", time=self.world.clock()))

    def flaps(self, where: Push, line: str = LOGIN, job: str = "e2e") -> JobVerdict:
        """Let a job fail and pass."""
        self.run(where, "failure", job, line)
        self.run(where, "success", job)
        return self.job(where, job)

    def job(self, where: Push, job: str = "e2e") -> JobVerdict:
        """Judge a job anew."""
        record = self.world.store.pushes.record(where)
        assert record is not None
        judged = Judge(self.world.store, self.world.clock, fresh=0.0).judge(record)
        return next(one for one in judged.jobs if one.job == job)

    def sentence(self, where: Push) -> str:
        """Return what lists and the last report say of a push."""
        listed = next(one.sentence for one in self.world.store.pushes.search(Search(), 1000) if one.push == where)
        assert listed == next(one.judged.sentence for one in self.board.reports[::-1] if one.push == where)
        return listed


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return a bench on a fresh store."""
    with World(tmp_path / "state.db", {"ci": MemoryCI()}, (RULE,), Clock()) as world:
        yield Bench(world)


def test_another_failure_of_an_intermittent_job_is_not_known(bench: Bench) -> None:
    """It was intermittent at four pushes with one test, and fails and passes at the fifth with another."""
    for number in range(4):
        bench.flaps(bench.push("main", number))

    job = bench.flaps(bench.push("main", 5), REFUND)

    assert job.novelty is Novelty.UNKNOWN
    assert job.why == (
        "failed 1 and passed 1 of 2 at the same revision; "
        "not seen in 4 pushes of main: that says little; the job was intermittent at 4 of 4"
    )
    assert bench.flaps(bench.push("main", 6)).novelty is Novelty.KNOWN


def test_a_pull_request_does_not_excuse_itself(bench: Bench) -> None:
    """What its first commit shows makes nothing known at the second."""
    bench.passes("main", 60)
    first = bench.flaps(bench.push("change", 1))
    second = bench.flaps(bench.push("change", 2))

    assert [first.novelty, second.novelty] == [Novelty.NEW, Novelty.NEW]


def test_broken_pushes_do_not_displace_a_history(bench: Bench) -> None:
    """After many pushes that break many jobs, what was intermittent before is known all the same."""
    bench.flaps(bench.push("main", 1))
    for number in range(2, 27):
        where = bench.push("main", number)
        failures = [
            failure(f"job-{job}", f"{number}-{job}", push=where, failures=(f"cannot find `name{job}x{number}y`",))
            for job in range(200)
        ]
        passed = [event(f"fine-{job}", f"{number}-f{job}", push=where, result="success") for job in range(60)]
        bench.world.hear(*failures, *passed)
        bench.world.publish(bench.publisher)

    assert len(bench.world.store.reports.failure_records("app")) == 5000
    assert "e2e" not in {one.job for one in bench.world.store.reports.failure_records("app")}
    assert bench.flaps(bench.push("main", 30)).novelty is Novelty.KNOWN


def test_a_new_installation_suspects_nothing(bench: Bench) -> None:
    """After three clean pushes most old intermittent failures have not been seen yet."""
    bench.passes("main", 4)

    job = bench.flaps(bench.push("change", 1))

    assert not job.suspected
    assert job.why.endswith("; not seen in 4 pushes of main: that says little")


def test_a_suspicion_is_withdrawn(bench: Bench) -> None:
    """Another author's push fails alike before anything is proved: what it shows counts as soon as that is."""
    bench.passes("main", 60)
    mine, other = bench.push("one", 1, "ann"), bench.push("two", 2, "bob")
    bench.run(mine, "failure")
    bench.run(other, "failure")
    bench.run(mine, "success")
    assert "(1 suspected new)" in bench.sentence(mine)
    bench.run(other, "success")
    bench.world.publish(bench.publisher)

    assert "suspected" not in bench.sentence(mine)
    assert "suspected" not in bench.sentence(other)
    assert [bench.job(where).novelty for where in (mine, other)] == [Novelty.UNKNOWN, Novelty.UNKNOWN]

    third = bench.push("three", 3, "carl")
    bench.flaps(third)
    assert bench.job(third).novelty is Novelty.KNOWN


def test_what_the_base_branch_proves_later_withdraws_a_suspicion(bench: Bench) -> None:
    """It failed there before the push was judged, and passes after that."""
    bench.passes("main", 60)
    base, mine = bench.push("main", 1, "bob"), bench.push("one", 2, "ann")
    bench.run(base, "failure")
    assert bench.flaps(mine).novelty is Novelty.NEW
    bench.run(base, "success")
    bench.world.publish(bench.publisher)

    assert "suspected" not in bench.sentence(mine)
    assert bench.job(mine).novelty is Novelty.KNOWN


def test_an_outage_enters_neither_rates_nor_history(bench: Bench) -> None:
    """Over 80 % of the jobs of a push failed, whatever their retriggers showed."""
    where = bench.push("main", 1)
    for job in range(10):
        bench.flaps(where, job=f"job-{job}")
    store = bench.world.store
    assert store.reports.ran("app", ["job-1"]).at == {"job-1": 0}
    assert store.reports.ran("app", ["job-1"], branch="main").at == {"job-1": 0}
    assert Histories(store, bench.world.clock).of("app").past("job-1") == Past(0, 0)
    assert bench.flaps(bench.push("change", 2), job="job-1").novelty is Novelty.UNKNOWN

    for job in range(10, 20):
        bench.run(where, "success", f"job-{job}")
    assert store.reports.ran("app", ["job-1"], branch="main").at == {"job-1": 1}
    assert Histories(store, bench.world.clock).of("app").past("job-1") == Past(1, 1)


def test_what_failed_in_an_outage_is_not_laid_to_the_push(bench: Bench) -> None:
    """Nor what failed in a pool that is ill, even after it is well again."""
    bench.passes("main", 60)
    where = bench.push("change", 1)
    for job in ("a", "b", "c", "d", "e2e"):
        bench.flaps(where, job=job)
    assert bench.job(where).why.endswith("; it failed in an outage, which says nothing about the push")
    assert not bench.job(where).suspected

    place = BreakerKey(BreakerScope.POOL, "ci", "linux")
    store = bench.world.store
    for version, trouble in enumerate((BreakerCause.RUNS, None)):
        assert store.limits.save_breaker(Breaker(place, version, trouble), bench.world.clock())
        mine = bench.push("other", 2)
        bench.run(mine, "failure", pool="linux")
        bench.run(mine, "success", pool="linux")
        assert bench.job(mine).standing is not None
        assert bench.job(mine).standing.outage


def test_the_figures_of_a_project(bench: Bench) -> None:
    """For the policy: how often jobs and failures are intermittent at the base branch, and how often jobs break."""
    bench.passes("main", 20)
    bench.passes("main", 10, "unit")
    bench.flaps(bench.push("main", 1))
    bench.flaps(bench.push("main", 2), REFUND)
    bench.flaps(bench.push("change", 3))
    broken = bench.push("main", 4)
    for _ in range(2):
        bench.run(broken, "failure", "lint", "lint.py:1: unused `name`")
    histories = Histories(bench.world.store, bench.world.clock)
    found = histories.of("app")

    assert found.base == "main"
    assert found.past("e2e") == Past(2, 22)
    shapes = [one.shapes for one in found.job("e2e").records if one.push.revision.endswith("2")]
    assert found.past("e2e", shapes[0]) == Past(1, 22)
    assert found.past("never") == Past()
    assert [found.known_on_base("e2e", some) for some in (shapes[0], ("other `x`",), ())] == [True, None, None]
    assert found.jobs() == {"e2e": Past(2, 22), "lint": Past(0, 1), "unit": Past(0, 10)}
    assert [found.broken(base=base) for base in (True, False)] == [Share(1, 33), Share(0, 1)]
    assert histories.of("app") is found
    bench.world.clock.move(31)
    assert histories.of("app") is not found
    assert histories.of("none").jobs() == {}
    bench.passes("main", 60, "often")
    found = Histories(bench.world.store, bench.world.clock).of("app")
    assert [found.known_on_base("often", some) for some in (("other `x`",), ())] == [False, False]


def test_what_an_earlier_version_kept_is_read_on(bench: Bench) -> None:
    """Its records are in the list of their project alone, and lack when the job failed first, and by whom."""
    where = bench.push("main", 1)
    bench.flaps(where)
    store = bench.world.store
    (kept,) = store.reports.failure_records("app")
    part = part_of(where)

    def age(transaction: Transaction) -> None:
        old = FailureRecord(where, "e2e", kept.at, 1, 1, kept.shapes)
        transaction.put(Doc(part, FAILURES, "e2e"), dump(old))
        transaction.rank(join(FAILURES, "app", "e2e"), within(part, "e2e"), None)

    store.reports.engine.run(age)
    assert store.reports.windows("app", ["e2e"])["e2e"].records == ()

    assert bench.flaps(bench.push("change", 2)).novelty is Novelty.KNOWN
    assert Histories(store, bench.world.clock).of("app").past("e2e") == Past(1, 1)
