"""One for all: of the jobs of a push that fail alike the first is retriggered, and decides for the others."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.clock import Clock
from tests.fakes.memory_ci import MemoryCI
from tests.fakes.world import event, failure
from tests.pipeline.weighed import PUSH, RULE, Site
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import PROVING, Event, Result, State
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.causes import Causes, Decided
from triggerbot.core.policy.evidence import NO_HISTORY
from triggerbot.core.policy.planning import Capacity
from triggerbot.reports.judge import Judge
from triggerbot.store.documents import run_of, stored_run

FIRST = replace(RULE, first_of_cause=True)
LOGIN = ("tests/test_login.py::test_refresh_token - AssertionError: assert 'expired' == 'valid'",)
CART = ("tests/test_cart.py::test_total_with_discount - AssertionError: assert 90 == 81",)
JOBS = ("linux-1", "linux-2", "linux-3")
AS_FIRST = "as linux-1, same failure"


def site_of(path: Path, clock: Clock, ci: MemoryCI | None = None, rule=FIRST) -> Site:
    """Make a world in which the first stands for all."""
    return Site(path, clock, ci or MemoryCI(), NO_HISTORY, rule)


def failed(job: str, lines: Sequence[str] = LOGIN, run_id: str = "", **more: object) -> Event:
    """Make the failure of a job."""
    return event(job, run_id or f"{job}-run", failures=tuple(lines), **{"result": "failure"} | more)


def hear_all(site: Site, jobs: Sequence[str] = JOBS) -> None:
    """Hear of the failures, one after another."""
    for job in jobs:
        site.hear(failed(job))
    site.world.drain()


def end(site: Site, result: str, lines: Sequence[str] = LOGIN) -> list[str]:
    """End what goes on; return the jobs of that."""
    going = [one for one in site.ci.runs[PUSH].values() if one.state is not State.FINISHED]
    for one in going:
        told = tuple(lines) if result == "failure" else ()
        site.hear(replace(one, state=State.FINISHED, result=Result(result), failures=told, time=site.clock()))
    site.world.drain()
    return [one.job for one in going]


def until_the_end(site: Site, result: str, lines: Sequence[str] = LOGIN) -> list[str]:
    """Let all that is asked for end so; return the jobs, in the order in which they ended."""
    found: list[str] = []
    for _ in range(30):
        site.world.pass_time(60)
        found += end(site, result, lines)
    return found


def states(site: Site) -> dict[str, tuple[ClaimState, Refusal | None, str]]:
    """What has become of each job."""
    return {job: (one.state, one.refusal, one.note) for job, one in site.world.claims(PUSH).items()}


@pytest.mark.parametrize("capacity", list(Capacity))
def test_the_others_wait_and_inherit(tmp_path: Path, clock: Clock, capacity: Capacity) -> None:
    """They spend nothing, and their verdict says as which job they failed."""
    site = site_of(tmp_path, clock, MemoryCI(capacity=capacity))
    hear_all(site)

    waiting = states(site)["linux-2"]
    assert waiting == (ClaimState.OPEN, None, f"waits for linux-1 to go first: {AS_FIRST}")
    assert until_the_end(site, "failure") == ["linux-1", "linux-1"]

    for job in JOBS[1:]:
        assert states(site)[job] == (ClaimState.REFUSED, Refusal.SAME_CAUSE, AS_FIRST)
        assert site.why(job) == f"its only run failed; {AS_FIRST}"
    assert site.world.store.pushes.work(PUSH).spent == 1


def test_they_end_as_soon_as_the_first_does(tmp_path: Path, clock: Clock) -> None:
    """Nobody waits for the next look."""
    site = site_of(tmp_path, clock)
    hear_all(site)
    for _ in range(2):
        site.world.pass_time(60)
        end(site, "failure")

    assert [states(site)[job][0] for job in JOBS] == [ClaimState.DONE, ClaimState.REFUSED, ClaimState.REFUSED]


@pytest.mark.parametrize("capacity", list(Capacity))
def test_if_it_passes_they_get_their_own(tmp_path: Path, clock: Clock, capacity: Capacity) -> None:
    """Each of them; also one that fails later."""
    site = site_of(tmp_path, clock, MemoryCI(capacity=capacity))
    hear_all(site)
    site.world.pass_time(60)
    assert end(site, "success") == ["linux-1"]
    site.hear(failed("linux-4"))

    assert sorted(until_the_end(site, "failure")) == ["linux-2"] * 2 + ["linux-3"] * 2 + ["linux-4"] * 2
    assert {state for state, _, _ in states(site).values()} == {ClaimState.DONE}


def test_a_later_failure_joins(tmp_path: Path, clock: Clock) -> None:
    """While the first is under way, and after it."""
    site = site_of(tmp_path, clock)
    hear_all(site, JOBS[:1])
    site.world.pass_time(60)
    site.hear(failed("linux-2"))
    assert until_the_end(site, "failure") == ["linux-1", "linux-1"]
    site.hear(failed("linux-3"))
    site.world.drain()

    for job in JOBS[1:]:
        assert states(site)[job] == (ClaimState.REFUSED, Refusal.SAME_CAUSE, AS_FIRST)


@pytest.mark.parametrize("lines", [CART, (), ("Process completed with exit code 1.",)])
def test_another_failure_is_another_cause(tmp_path: Path, clock: Clock, lines: tuple[str, ...]) -> None:
    """And so is one of which nothing telling is known."""
    site = site_of(tmp_path, clock)
    site.hear(failed("linux-1", lines or LOGIN))
    site.hear(failed("linux-2", lines if lines != CART else LOGIN))

    assert sorted(until_the_end(site, "failure", ())) == ["linux-1"] * 2 + ["linux-2"] * 2


def test_if_it_fails_otherwise_the_next_one_takes_its_place(tmp_path: Path, clock: Clock) -> None:
    """What the others failed for has not come again."""
    site = site_of(tmp_path, clock)
    hear_all(site)
    for _ in range(2):
        site.world.pass_time(60)
        end(site, "failure", CART)

    assert until_the_end(site, "failure") == ["linux-2", "linux-2"]
    assert states(site)["linux-3"] == (ClaimState.REFUSED, Refusal.SAME_CAUSE, "as linux-2, same failure")


@pytest.mark.parametrize("result", ["infra", "cancelled"])
def test_if_it_proves_nothing_the_next_one_takes_its_place(tmp_path: Path, clock: Clock, result: str) -> None:
    """Its runs were cancelled, or met errors of the CI, until it may have no more."""
    site = site_of(tmp_path, clock)
    hear_all(site)
    for _ in range(4):
        site.world.pass_time(60)
        assert end(site, result) == ["linux-1"]

    assert until_the_end(site, "failure") == ["linux-2", "linux-2"]
    assert states(site)["linux-3"][1:] == (Refusal.SAME_CAUSE, "as linux-2, same failure")


def test_if_the_ci_refuses_it_the_next_one_takes_its_place(tmp_path: Path, clock: Clock) -> None:
    """It has run nothing, so it has decided nothing."""
    from triggerbot.systems.answers import Refused

    ci = MemoryCI()
    ci.answers = [Refused("too old")]
    site = site_of(tmp_path, clock, ci)
    hear_all(site)

    assert until_the_end(site, "failure") == ["linux-2", "linux-2"]
    assert states(site)["linux-1"][1] is Refusal.REFUSED_BY_CI
    assert states(site)["linux-3"][1] is Refusal.SAME_CAUSE


def test_a_number_of_runs_goes_by_cause_too(tmp_path: Path, clock: Clock) -> None:
    """`same_cause: first` with `retries: 2`: the others wait until both have ended."""
    site = site_of(tmp_path, clock, rule=replace(FIRST, retries=2, until_proved=None))
    hear_all(site)
    site.world.pass_time(60)
    assert states(site)["linux-1"][0] is ClaimState.DONE
    assert states(site)["linux-2"][0] is ClaimState.OPEN

    assert until_the_end(site, "failure") == ["linux-1", "linux-1"]
    assert states(site)["linux-2"] == (ClaimState.REFUSED, Refusal.SAME_CAUSE, AS_FIRST)


def test_each_by_itself(tmp_path: Path, clock: Clock) -> None:
    """`same_cause: each`."""
    site = site_of(tmp_path, clock, rule=RULE)
    hear_all(site)

    assert len(until_the_end(site, "failure")) == 2 * len(JOBS)


def test_a_restart_at_any_time_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    """Who waits for whom is in the store."""
    site = site_of(tmp_path, clock)
    hear_all(site)
    ended = []
    for _ in range(5):
        site.world.close()
        site.world = site.world.again()
        site.world.pass_time(60)
        ended += end(site, "failure")
    site.world.pass_time(60)

    assert ended == ["linux-1", "linux-1"]
    assert [states(site)[job][0] for job in JOBS] == [ClaimState.DONE, ClaimState.REFUSED, ClaimState.REFUSED]


def test_what_nobody_tells_is_found_by_a_look(tmp_path: Path, clock: Clock) -> None:
    """No event of the first one's runs arrives: the look-backs bring them."""
    site = site_of(tmp_path, clock)
    hear_all(site)
    for _ in range(120):
        site.world.pass_time(60)
        for one in list(site.ci.runs[PUSH].values()):
            if one.state is not State.FINISHED:
                site.ci.put(replace(one, state=State.FINISHED, result=Result.FAILURE, failures=LOGIN, time=clock()))

    assert [states(site)[job][0] for job in JOBS] == [ClaimState.DONE, ClaimState.REFUSED, ClaimState.REFUSED]


def test_dry_run_says_the_same(tmp_path: Path, clock: Clock) -> None:
    """Only the first would be retriggered; what would come of it nobody knows."""
    site = site_of(tmp_path, clock)
    site.world = site.world.again(dry=True)
    hear_all(site)
    site.world.pass_time(60)

    assert [states(site)[job][:2] for job in JOBS] == [
        (ClaimState.WOULD, None), (ClaimState.REFUSED, Refusal.SAME_CAUSE), (ClaimState.REFUSED, Refusal.SAME_CAUSE),
    ]  # fmt: skip


@pytest.mark.parametrize("dry", [False, True])
def test_the_budget_counts_causes_as_well(tmp_path: Path, clock: Clock, dry: bool) -> None:
    """Where each is retriggered, the reason says how many jobs these were, and how many causes."""
    site = site_of(tmp_path, clock, rule=replace(RULE, budget=Budget(0, 2)))
    site.world = site.world.again(dry=dry)
    for job, lines in (("linux-1", LOGIN), ("linux-2", CART), ("linux-3", LOGIN), ("linux-4", LOGIN)):
        site.hear(failed(job, lines))
        site.world.drain()

    state, refusal, note = states(site)["linux-4"]

    assert (state, refusal) == (ClaimState.REFUSED, Refusal.OVER_BUDGET)
    were = "would have been" if dry else "were"
    assert note.startswith(f"3 jobs of the push (2 causes) {were} retriggered for failures; its budget is 3: ")


def test_what_inherits_spends_no_budget(tmp_path: Path, clock: Clock) -> None:
    """Ten jobs that fail alike leave room for another cause."""
    site = site_of(tmp_path, clock, rule=replace(FIRST, budget=Budget(0, 1)))
    hear_all(site, [f"linux-{number}" for number in range(1, 11)])
    assert set(until_the_end(site, "failure")) == {"linux-1"}
    site.hear(failed("cart", CART))

    assert until_the_end(site, "failure", CART) == ["cart", "cart"]


def test_the_statistics_tell_what_was_saved(tmp_path: Path, clock: Clock) -> None:
    """By evidence, of what might have been asked for; by a common cause, as many as the first one got."""
    site = site_of(tmp_path, clock)
    hear_all(site)
    until_the_end(site, "failure")

    assert site.world.store.statistics.read(0.0)["saved"] == {
        "evidence": {"jobs": 1, "asked": 2, "most": 4}, "same_cause": {"jobs": 2, "retriggers": 4},
    }  # fmt: skip


def test_what_passes_after_all_decides_for_nobody(tmp_path: Path, clock: Clock) -> None:
    """Whoever ran it again: the others get their own, though they were refused before."""
    site = site_of(tmp_path, clock)
    hear_all(site, JOBS[:2])
    publisher = site.world.publisher()
    until_the_end(site, "failure")
    assert states(site)["linux-2"][1] is Refusal.SAME_CAUSE
    site.world.publish(publisher)
    site.hear(failed("linux-1", run_id="by hand", result="success"))
    site.world.publish(publisher)

    assert until_the_end(site, "failure") == ["linux-2", "linux-2"]
    assert states(site)["linux-2"][0] is ClaimState.DONE
    site.world.publish(publisher)
    assert not until_the_end(site, "failure")


def test_what_is_inherited_is_so_for_all(tmp_path: Path, clock: Clock) -> None:
    """Also where only the first ran at the base: they fail alike, so the push is judged without any of them."""
    site = site_of(tmp_path, clock)
    base = PUSH._replace(branch="main", revision="ba5e" * 10)
    site.ci.facts[PUSH] = replace(site.ci.facts[PUSH], base=base.revision)
    hear_all(site, JOBS[:2])
    until_the_end(site, "failure")
    for number in range(3):
        site.world.hear(failure("linux-1", f"b{number}", push=base, failures=LOGIN, kind="other", time=clock()))
    record = site.world.store.pushes.record(PUSH)
    assert record is not None
    judged = Judge(site.world.store, clock, rules=[FIRST], fresh=0.0).judge(record)

    assert judged.sentence.startswith("2 fail on the base too")
    assert judged.jobs[1].why == (
        f"its only run failed; {AS_FIRST}; fails on the base too (ba5eba5eba5e), so the push is judged without it"
    )


@pytest.mark.parametrize("order", [JOBS[:2], JOBS[1::-1]])
def test_a_job_that_fails_in_a_further_test_has_its_own(tmp_path: Path, clock: Clock, order: Sequence[str]) -> None:
    """The other does not explain that one; the other way round it does."""
    site = site_of(tmp_path, clock)
    lines = {"linux-1": LOGIN, "linux-2": (*LOGIN, *CART)}
    for job in order:
        site.hear(failed(job, lines[job]))
        site.world.drain()
    for _ in range(30):
        site.world.pass_time(60)
        for one in [one for one in site.ci.runs[PUSH].values() if one.state is not State.FINISHED]:
            site.hear(replace(one, state=State.FINISHED, result=Result.FAILURE, failures=lines[one.job], time=clock()))
        site.world.drain()

    found = {job: refusal for job, (_, refusal, _) in states(site).items()}
    assert found["linux-2"] is None
    assert found["linux-1"] is (None if order == JOBS[:2] else Refusal.SAME_CAUSE)


def test_a_line_that_any_failure_shows_is_no_cause() -> None:
    """What the history of the project calls generic is no evidence here either."""
    first, second = failed("linux-1"), failed("linux-2")
    claims = [
        Claim(at, PUSH, one.job, ClaimState.DONE, run_of(stored_run(one), one.job), dry=False, created=0.0, due=0.0)
        for at, one in enumerate((first, second), 1)
    ]
    decided = [Decided(claims[0], (claims[0].run,))]

    assert Causes(decided, PROVING, 0.0).like(claims[1], [claims[1].run]) == 1
    assert Causes(decided, PROVING, 0.0, lambda *_: ()).like(claims[1], [claims[1].run]) == 0
