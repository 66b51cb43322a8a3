"""A store that forgot what is not to be seen at first sight: in a part of a list, or of runs that proved nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.clock import Clock
from tests.fakes.world import World, failure
from tests.pipeline.copies import CI, Copies
from tests.pipeline.heard import PUSH
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import PushFacts, Result, State
from triggerbot.core.policy.budget import Budget
from triggerbot.core.policy.planning import Capacity
from triggerbot.core.policy.rules import Rule
from triggerbot.store import Distrust

MakeWorld = Callable[..., World]


# -- a list that is not whole -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("capacity", [Capacity.BATCH, Capacity.SERIAL])
@pytest.mark.parametrize("asks", ["failure", "push", "person"])
def test_a_part_of_a_list_does_not_replace_what_was_forgotten(
    make_world: MakeWorld, tmp_path: Path, clock: Clock, asks: str, capacity: Capacity, names: bool
) -> None:
    """What it leaves out may be what came of a request: nothing is asked for until the CI lists all."""
    ci = CI(clock, capacity, names=names)
    ci.say(PUSH, "try: --rebuild 2" if asks == "push" else "")
    failed = failure(time=clock() - 60)
    ci.put(failed)
    made = Copies(make_world, tmp_path, ci)
    if asks == "person":
        made.world.hear(failed)
        made.work(30)
        made.world.store.claims.ask(PUSH, "job", 2, "wish", dry=False, now=clock())
    made.copy()
    made.world.hear(failed)
    made.work(30)
    there = ci.further_runs("job")

    made.go_back()
    known = {run_id for _, run_id, _ in made.world.store.pushes.known(PUSH)}
    ci.hidden = {("job", one.run_id) for one in ci.runs[PUSH].values() if one.run_id not in {*known, failed.run_id}}
    made.world.hear(failed)
    made.work(60)
    assert (len(ci.hidden) > 1, ci.further_runs("job")) == (True, there)
    waits = {one.note.partition(", and ")[2] for one in made.world.store.pushes.work(PUSH).claims}
    assert waits == {"the CI's list is not whole: waits for one that is"}
    ci.hidden = set()
    made.work(60)

    assert ci.further_runs("job") == there


def test_a_part_of_a_list_does_not_tell_what_was_spent(
    make_world: MakeWorld, tmp_path: Path, clock: Clock, rule: Rule
) -> None:
    """Jobs that were retriggered are left out, and their budget is used up all the same."""
    ci = CI(clock)
    jobs = ("a", "b", "c")
    ci.put(*(failure(job, job, time=clock() - 60) for job in jobs))
    made = Copies(make_world_within(make_world, rule), tmp_path, ci)
    made.copy()
    for job in jobs[:2]:
        made.world.hear(failure(job, job, time=clock() - 60))
    made.work(30)

    made.go_back()
    ci.hidden = {(one.job, one.run_id) for one in ci.runs[PUSH].values() if one.job != "c"}
    made.world.hear(failure("c", "c", time=clock() - 60))
    made.work(30)
    ci.hidden = set()
    made.work(60)

    assert [ci.further_runs(job) for job in jobs] == [2, 2, 0]
    assert made.world.claim(PUSH, "c").refusal is Refusal.OVER_BUDGET


def make_world_within(make_world: MakeWorld, rule: Rule) -> MakeWorld:
    """Make worlds in which two jobs of a push may be retriggered."""
    return lambda ci: make_world(ci, rules=[replace(rule, budget=Budget(0, 1))])


def test_a_list_that_is_never_whole_is_not_waited_for_for_ever(
    make_world: MakeWorld, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused after a day, by when the store has lost something, however old the claim is."""
    ci = CI(clock)
    ci.put(failure(time=clock() - 60), failure("other", "9", time=clock() - 60))
    ci.hidden = {("other", "9")}
    world = make_world(ci)
    ci.facts.clear()
    world.hear(failure(time=clock() - 60))
    clock.move(90_000)
    lost = Distrust(clock(), "it is a copy")
    monkeypatch.setattr(world.store, "distrust", lambda: lost)
    world.pass_time(80_000)
    assert world.claim(PUSH, "job").state is ClaimState.OPEN

    world.pass_time(10_000)

    claim = world.claim(PUSH, "job")
    assert (claim.refusal, ci.asked) == (Refusal.REFUSED_BY_CI, [])
    assert claim.note.endswith("the CI's list is not whole: waits for one that is")


@pytest.mark.parametrize(("later", "pushed", "expected"), [
    (7200, -3600, 0), (7200, 3600, 1), (7200, None, 0), (90_000, None, 1),
])  # fmt: skip
def test_a_push_that_is_newer_than_the_loss_needs_no_whole_list(
    make_world: MakeWorld, clock: Clock, monkeypatch: pytest.MonkeyPatch, later: float, pushed: float | None,
    expected: int,
) -> None:  # fmt: skip
    """Nothing can have been asked for there; a CI whose lists are never whole is not given up for what is to come."""
    lost = Distrust(clock(), "it is new")
    ci = CI(clock)
    clock.move(later)
    ci.facts[PUSH] = PushFacts(PUSH, "", time=None if pushed is None else lost.since + pushed)
    ci.put(failure(time=clock() - 60), failure("other", "9", time=clock() - 60))
    ci.hidden = {("other", "9")}
    world = make_world(ci)
    monkeypatch.setattr(world.store, "distrust", lambda: lost)
    world.hear(failure(time=clock() - 60))

    world.pass_time(600)

    assert len(ci.asked) == expected


@pytest.mark.parametrize(("since", "timed", "whole"), [
    (None, True, [False]), (0.0, True, [True]), (-90_000.0, True, [False]), (-3600.0, False, [True]),
    (-90_000.0, False, [False]),
])  # fmt: skip
def test_every_batch_of_an_old_push_is_read(
    make_world: MakeWorld, clock: Clock, monkeypatch: pytest.MonkeyPatch, since: float | None, timed: bool,
    whole: list[bool],
) -> None:  # fmt: skip
    """Where only the batches of what is owed are read, others may hold what has used up the budget.

    Without the push's time it may be an old one though all that is known of it is new, but not after a day.
    """
    ci = CI(clock)
    ci.facts[PUSH] = PushFacts(PUSH, "", time=clock() - 90 if timed else None)
    failed = [failure(job, job, time=clock() - 60, batch=job) for job in ("a", "b")]
    ci.put(*failed)
    world = make_world(ci)
    lost = None if since is None else Distrust(clock() + since, "it is a copy")
    monkeypatch.setattr(world.store, "distrust", lambda: lost)
    world.hear(failed[0])

    world.pass_time(600)

    assert ci.asked
    assert [one.wanted is None for one in ci.known][: len(whole)] == whole


# -- runs that proved nothing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("capacity", [Capacity.BATCH, Capacity.SERIAL])
@pytest.mark.parametrize("first", [Result.CANCELLED, Result.INFRA])
def test_what_was_forgotten_is_not_taken_for_a_first_run(
    make_world: MakeWorld, tmp_path: Path, clock: Clock, first: Result, capacity: Capacity, names: bool
) -> None:
    """The first run proved nothing, so of those that count the first is one that the push had asked for."""
    ci = CI(clock, capacity, names=names)
    ci.say(PUSH, "try: --rebuild 3")
    running = replace(failure(time=clock() - 60), state=State.RUNNING, result=None)
    ci.put(running)
    made = Copies(make_world, tmp_path, ci)
    made.copy()
    made.world.hear(running)
    made.work(1)
    ended = replace(running, state=State.FINISHED, result=first, time=clock())
    ci.put(ended)
    made.world.hear(ended)
    made.work(30)
    assert ci.further_runs("job") == 3

    made.go_back()
    made.world.hear(running, ended, *ci.runs[PUSH].values())
    made.work(60)

    assert ci.further_runs("job") == 3


def test_a_run_that_the_ci_repeated_by_itself_is_still_the_first(
    make_world: MakeWorld, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that took its place came of no request, so all retriggers are still to come."""
    ci = CI(clock)
    again = failure("job", "2", time=clock() - 30)
    ci.put(replace(failure("job", "1", time=clock() - 60), result=Result.RETRY), again)
    world = make_world(ci)
    lost = Distrust(clock(), "it is a copy")
    monkeypatch.setattr(world.store, "distrust", lambda: lost)
    world.hear(again)

    world.pass_time(600)

    assert [one.count for one in ci.asked] == [2]


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("result", [Result.CANCELLED, Result.INFRA, Result.FAILURE])
@pytest.mark.parametrize("first", [Result.FAILURE, Result.CANCELLED])
def test_budget_is_used_up_by_what_proved_nothing(
    make_world: MakeWorld, tmp_path: Path, clock: Clock, rule: Rule, first: Result, result: Result, names: bool
) -> None:
    """Two jobs were retriggered and may be no more; somebody stopped what came of it, or a first run."""
    ci = CI(clock, names=names)
    jobs = ("a", "b", "c")
    ci.put(*(failure(job, job, time=clock() - 60) for job in jobs))
    made = Copies(make_world_within(make_world, rule), tmp_path, ci)
    made.copy()
    for job in jobs[:2]:
        made.world.hear(failure(job, job, time=clock() - 60))
    made.work(30)
    for one in list(ci.runs[PUSH].values()):
        ends = result if one.run_id.startswith("re-") else first if one.job != "c" else Result.FAILURE
        ci.put(replace(one, result=ends))

    made.go_back()
    made.world.hear(failure("c", "c", time=clock() - 60))
    made.work(60)

    assert [ci.further_runs(job) for job in jobs] == [2, 2, 0]
    assert made.world.claim(PUSH, "c").refusal is Refusal.OVER_BUDGET


def test_what_a_person_asked_for_does_not_hide_what_was_spent(
    make_world: MakeWorld, tmp_path: Path, clock: Clock, rule: Rule
) -> None:
    """The store knows a request for each job, but not the one for its failure, which came later."""
    ci = CI(clock)
    jobs = ("a", "b", "c")
    passed = [replace(failure(job, job, time=clock() - 60), result=Result.SUCCESS) for job in jobs]
    ci.put(*passed)
    made = Copies(make_world_within(make_world, rule), tmp_path, ci)
    made.world.hear(*passed)
    for number, job in enumerate(jobs[:2]):
        made.world.store.claims.ask(PUSH, job, 1, f"wish-{number}", dry=False, now=clock())
    made.work(30)
    made.copy()
    failed = [one for one in ci.runs[PUSH].values() if one.run_id.startswith("re-")]
    made.world.hear(*failed)
    made.work(30)
    assert [ci.further_runs(job) for job in jobs] == [2, 2, 0]

    made.go_back()
    again = failure("c", "c-2", time=clock() - 60)
    ci.put(again)
    made.world.hear(again)
    made.work(60)

    assert [ci.further_runs(job) for job in jobs] == [2, 2, 1]
    assert made.world.claim(PUSH, "c").refusal is Refusal.OVER_BUDGET
