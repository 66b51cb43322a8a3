"""A store that was restored from an older copy: what the CI lists is not asked for again, and counts for the budget."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.world import World, failure
from tests.pipeline.copies import CI, Copies
from tests.pipeline.heard import PUSH
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Result
from triggerbot.core.policy.planning import Capacity
from triggerbot.store import Distrust
from triggerbot.systems.answers import Unknown


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize(("capacity", "parallel"), [
    (Capacity.BATCH, False), (Capacity.BATCH, True), (Capacity.SERIAL, False),
])  # fmt: skip
@pytest.mark.parametrize("before", [0, 4, 12])
def test_what_a_person_asked_for_is_not_sent_again(
    make_world: Callable[..., World], tmp_path: Path, clock: Clock, before: int, capacity: Capacity, parallel: bool,
    names: bool,
) -> None:  # fmt: skip
    """Seven runs were asked for, and stay seven, however much of that the copy knows."""
    ci = CI(clock, capacity, parallel=parallel, names=names)
    ci.put(failure(time=clock() - 60))
    made = Copies(make_world, tmp_path, ci)
    made.world.hear(failure(time=clock() - 60))
    made.work(30)
    own = ci.further_runs("job")
    made.world.store.claims.ask(PUSH, "job", 7, "wish", dry=False, now=clock())
    made.work(before)
    made.copy()
    made.work(9)
    assert ci.further_runs("job") > own

    made.go_back()
    made.work(120)

    assert ci.further_runs("job") == own + 7
    (claim,) = [one for one in made.world.store.claims.read(PUSH, range(9)) if one.manual]
    assert claim.state is ClaimState.DONE


def test_two_asks_are_two_although_runs_name_nothing(
    make_world: Callable[..., World], tmp_path: Path, clock: Clock
) -> None:
    """What came of the one is not taken for what was to come of the other."""
    ci = CI(clock, names=False)
    ci.put(failure(time=clock() - 60))
    world = make_world(ci)
    world.hear(failure(time=clock() - 60))
    for number in range(3):
        world.store.claims.ask(PUSH, "job", 3, f"wish-{number}", dry=False, now=clock())

    world.pass_time(3600)

    assert ci.further_runs("job") == 2 + 9


def test_a_click_at_the_ci_counts_for_what_was_asked_for(
    make_world: Callable[..., World], tmp_path: Path, clock: Clock
) -> None:
    """Who made a run cannot be told; the story says why fewer were asked for."""
    ci = CI(clock)
    ci.put(failure(time=clock() - 60))
    world = make_world(ci)
    world.hear(failure(time=clock() - 60))
    world.pass_time(600)
    world.store.claims.ask(PUSH, "job", 2, "wish", dry=False, now=clock())
    ci.further("job")
    ci.further("job")

    world.pass_time(600)

    assert ci.further_runs("job") == 2 + 2
    told = [one.text for one in world.store.pushes.timeline(PUSH, "job")]
    assert "no more runs are needed: of those since it was asked for, 2 came of no request known here" in told


@pytest.mark.parametrize("result", [Result.CANCELLED, Result.INFRA])
@pytest.mark.parametrize("before", [0, 4])
def test_a_retrigger_that_proved_nothing_is_not_asked_for_anew(
    make_world: Callable[..., World], tmp_path: Path, clock: Clock, before: int, result: Result
) -> None:
    """The copy was made before the claim, or between its requests; all that came of these was cancelled."""
    ci = CI(clock, Capacity.SERIAL)
    failed = failure(time=clock() - 60)
    ci.put(failed)
    made = Copies(make_world, tmp_path, ci)
    if before:
        made.world.hear(failed)
        made.work(before)
    made.copy()
    made.world.hear(failed)
    made.work(30)
    own = ci.further_runs("job")
    ci.put(*(replace(one, result=result) for one in ci.runs[PUSH].values() if one.run_id.startswith("re-")))

    made.go_back()
    made.world.hear(failed)
    made.work(60)

    assert own == 2
    assert ci.further_runs("job") == own


JOBS = [f"job-{number}" for number in range(12)]


@pytest.mark.parametrize("copied", [0, 2])
def test_the_budget_of_a_push_does_not_start_anew(
    make_world: Callable[..., World], tmp_path: Path, clock: Clock, copied: int
) -> None:
    """Five jobs and ten runs stay that, whatever the copy knows of them."""
    ci = CI(clock)
    ci.put(*(failure(job, job, time=clock() - 60) for job in JOBS[:copied]))
    made = Copies(make_world, tmp_path, ci)
    for job in JOBS[:copied]:
        made.world.hear(failure(job, job, time=clock() - 60))
    made.work(10)
    made.copy()
    ci.put(*(failure(job, job, time=clock() - 60) for job in JOBS))
    for job in JOBS[:7]:
        made.world.hear(failure(job, job, time=clock() - 60))
    made.work(10)
    assert sum(map(ci.further_runs, JOBS)) == 10

    made.go_back()
    for job in reversed(JOBS):
        made.world.hear(failure(job, job, time=clock() - 60))
    made.work(60)

    assert sum(map(ci.further_runs, JOBS)) == 10
    claims = made.world.claims(PUSH)
    refused = [one for one in claims.values() if one.refusal is Refusal.OVER_BUDGET]
    assert len(refused) == 7
    words = f"; of these, {5 - copied} by what the CI lists: further runs of which no request is known here"
    assert all(one.note.endswith(words) for one in refused)


def test_a_store_that_forgets_between_look_and_request_sends_nothing(
    make_world: Callable[..., World], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read of it after the look-back may be older than that: the look-back is made anew."""
    ci = CI(clock)
    ci.put(failure(time=clock() - 60))
    world = make_world(ci)
    world.hear(failure(time=clock() - 60))
    begin, lost = world.store.claims.begin, list[Distrust]()

    def begin_elsewhere(*arguments: Any, **named: Any) -> Any:
        lost[:] = lost or [Distrust(clock(), "it is in an older state than it was")]
        return begin(*arguments, **named)

    monkeypatch.setattr(world.store.claims, "begin", begin_elsewhere)
    monkeypatch.setattr(world.store, "distrust", lambda: lost[0] if lost else None)
    world.drain()
    assert (len(lost), ci.asked) == (1, [])
    ci.further("job")

    world.pass_time(600)

    assert [one.count for one in ci.asked] == [1]


def test_what_was_sent_again_and_forgotten_is_not_sent_again_at_once(
    make_world: Callable[..., World], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy may know the request, its look-backs in vain, and not that it was sent once more just now."""
    ci = CI(clock)
    ci.put(failure(time=clock() - 60))
    world = make_world(ci)
    world.hear(failure(time=clock() - 60))
    ci.answers = [Unknown("no answer")]
    world.drain()
    world.pass_time(90)
    lost = Distrust(clock(), "it is in an older state than it was")
    monkeypatch.setattr(world.store, "distrust", lambda: lost)
    world.pass_time(59)
    assert len(ci.asked) == 1
    for _ in range(2):
        ci.further("job", ci.asked[0].operation)

    world.pass_time(600)

    assert (len(ci.asked), world.claim(PUSH, "job").state) == (1, ClaimState.DONE)
