"""Which reruns GitHub can be asked for: one thing at a time in a workflow run."""

from dataclasses import replace
from typing import Any

import pytest

from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Cause
from triggerbot.core.model import Event, Kind, Push, Result, Run, State
from triggerbot.core.policy.planning import Capacity, Owed
from triggerbot.systems.github.system import GitHub

PUSH = Push("gh", "octo/app", "main", "a" * 40)
SYSTEM = GitHub("gh", token="t")


def event(job: str, number: int, result: Result | None, *, attempt: int = 1, batch: str = "7") -> Event:
    """Say that a job ended so; `None`: it runs."""
    state = State.RUNNING if result is None else State.FINISHED
    return Event(PUSH, job, str(number), state, result, attempt=attempt, batch=batch)


def want(one: Event, owed: int = 1, **more: Any) -> Owed:
    """Want an event's job again."""
    run = Run(one.job, one.run_id, one.attempt, one.state, one.result, batch=one.batch, time=more.pop("failed", None))
    claim = Claim(int(one.run_id), PUSH, one.job, ClaimState.OWED, run, dry=False, created=0, due=0, **more)
    return Owed(claim, owed, (run,))


def planned(
    wants: list[Owed], runs: list[Event], busy: set[str] | None = None
) -> tuple[list[tuple[object, ...]], list[str]]:
    """Plan, and say it shortly: calls as (jobs, count, target, together), held jobs."""
    plan = SYSTEM.plan(wants, frozenset(busy or ()), runs)
    calls = [
        ([want.claim.job for want in call.wants], call.count, call.target.run_id, call.together) for call in plan.calls
    ]
    return calls, [want.claim.job for want, _ in plan.held]


A, B, C = event("a", 1, Result.FAILURE), event("b", 2, Result.FAILURE), event("c", 3, Result.SUCCESS)


def test_capacity() -> None:
    """GitHub is serial."""
    assert SYSTEM.capacity is Capacity.SERIAL


def test_one_job() -> None:
    """One failed job is rerun alone, once, however many are owed."""
    assert planned([want(A, 3)], [A, B, C]) == ([(["a"], 1, "1", False)], [])


def test_all_failed_jobs() -> None:
    """All failed jobs of a workflow run go together."""
    assert planned([want(A), want(B, 2)], [A, B, C]) == ([(["a", "b"], 1, "1", True)], [])


@pytest.mark.parametrize("result", [Result.FAILURE, Result.TIMED_OUT, Result.INFRA, Result.UNKNOWN])
def test_not_all_that_failed(result: Result) -> None:
    """If something else would rerun along, the first goes alone and the others wait."""
    other = event("d", 4, result)
    assert planned([want(A), want(B)], [A, B, other]) == ([(["a"], 1, "1", False)], ["b"])


def test_passed_job() -> None:
    """A rebuild of a job that passed was asked for: it goes alone."""
    assert planned([want(C), want(A, asked=1)], [A, B, C]) == ([(["c"], 1, "3", False)], ["a"])


@pytest.mark.parametrize("wants", [["a"], ["a", "b"]])
def test_cancelled_siblings(wants: list[str]) -> None:
    """What GitHub cancelled when a sibling failed has to run, too: all go together, from the first rerun on."""
    cancelled = [event("d", 4, Result.CANCELLED), event("e", 5, Result.CANCELLED)]
    failing = [one for one in (A, B) if one.job in wants]
    assert planned([want(one) for one in failing], [*failing, C, *cancelled]) == ([(wants, 1, "1", True)], [])


def test_a_workflow_run_that_is_an_entry_of_its_own() -> None:
    """It is no job: what failed beside it goes together without it, and it is rerun as a whole."""
    entry = replace(event("CI", 7, Result.FAILURE), kind=Kind.WORKFLOW)
    assert planned([want(A), want(B)], [A, B, C, entry]) == ([(["a", "b"], 1, "1", True)], [])
    of_entry = want(entry)
    of_entry = replace(of_entry, runs=(replace(of_entry.target, kind=Kind.WORKFLOW),))
    assert whole([of_entry], [entry])
    assert planned([want(A), of_entry], [A, entry]) == ([(["a"], 1, "1", False)], ["CI"])


def test_a_cancelled_deploy_does_not_start() -> None:
    """What must not run twice is not rerun along."""
    deploy = event("Deploy to production", 4, Result.CANCELLED)
    assert planned([want(A), want(B)], [A, B, deploy]) == ([(["a"], 1, "1", False)], ["b"])


def test_round_by_round() -> None:
    """No job's second rerun comes before the first of another; in a round, what failed first comes first."""
    other = event("d", 4, Result.FAILURE)
    late, early = want(A, 2, asked=1, failed=10.0), want(B, 3, failed=30.0)
    first = want(C, 3, failed=20.0)
    assert planned([late, early, first], [A, B, C, other]) == ([(["c"], 1, "3", False)], ["b", "a"])


def whole(wants: list[Owed], runs: list[Event]) -> bool:
    """Tell whether the whole workflow run is rerun."""
    [call] = SYSTEM.plan(wants, frozenset(), runs).calls
    return call.whole


def test_most_of_a_run() -> None:
    """Where most jobs were asked for the run is rerun as a whole; not for failures, nor if that started a deploy."""
    jobs = [event(f"job-{number}", number, Result.SUCCESS) for number in range(1, 19)]
    asked = [want(one, 3, cause=Cause.REQUESTED) for one in jobs]
    assert whole(asked, jobs)
    assert whole(asked[:10], jobs)
    assert not whole(asked[:9], jobs)
    assert not whole([want(one, cause=Cause.FAILURE) for one in jobs], jobs)
    assert not whole(asked, [*jobs, event("publish", 99, Result.SUCCESS)])
    [call] = SYSTEM.plan(asked, frozenset(), jobs).calls
    assert (len(call.wants), call.count) == (18, 1)


def test_half_of_all_reruns_is_left_to_people() -> None:
    """The 26th rerun is not planned, but for a person who asks for it here."""
    again = event("a", 30, Result.FAILURE, attempt=26)
    person = want(again, origin="by hand", cause=Cause.MANUAL)
    plan = SYSTEM.plan([want(again), person], frozenset(), [again])
    assert [call.wants for call in plan.calls] == [(person,)]
    assert [why for _, why in plan.ended] == [
        "25 of the 50 reruns that GitHub allows this workflow run were made: the others are left to people"
    ]
    before = event("a", 30, Result.FAILURE, attempt=25)
    assert len(SYSTEM.plan([want(before)], frozenset(), [before]).calls) == 1


@pytest.mark.parametrize(("reserve", "planned_max"), [(0, 50), (10, 40), (50, 0)])
def test_how_many_reruns_are_left_to_people_is_configured(reserve: int, planned_max: int) -> None:
    """The `reserve` says so: none is planned beyond the others."""
    system = GitHub("gh", token="t", reserve=reserve)
    for attempt in {max(1, planned_max), planned_max + 1}:
        one = event("a", 30, Result.FAILURE, attempt=attempt)
        assert len(system.plan([want(one)], frozenset(), [one]).calls) == (attempt <= planned_max)


def test_failed_before_but_passed_since() -> None:
    """What counts is a job's newest run: one that passed since is not among the failed ones."""
    passed = event("b", 20, Result.SUCCESS, attempt=2)
    assert planned([want(A), want(B)], [A, B, passed])[0] == [(["a"], 1, "1", False)]


def test_busy() -> None:
    """In a workflow run that runs nothing can be asked for."""
    assert planned([want(A), want(B)], [A, B], {"7"}) == ([], ["a", "b"])


def test_a_job_still_runs() -> None:
    """The same if a job of it runs, whatever the list of workflow runs says."""
    assert planned([want(A)], [A, event("b", 9, None, attempt=2)]) == ([], ["a"])


def test_wanted_job_runs() -> None:
    """The same if the job itself runs."""
    assert planned([want(event("a", 1, None))], []) == ([], ["a"])


def test_reason_for_waiting() -> None:
    """What is held says what it waits for."""
    plan = SYSTEM.plan([want(A)], frozenset({"7"}), [A])
    assert plan.held[0][1] == "waits for the workflow run to complete"


def test_workflow_runs_do_not_wait_for_each_other() -> None:
    """Each workflow run gets its own call; a busy one holds only its own jobs."""
    other, third = event("x", 5, Result.FAILURE, batch="8"), event("y", 6, Result.FAILURE, batch="9")
    calls, held = planned([want(A), want(other), want(third)], [A, other, third], {"9"})
    assert calls == [(["a"], 1, "1", False), (["x"], 1, "5", False)]
    assert held == ["y"]


def test_batch_from_the_look_back() -> None:
    """A run that was stored without its workflow run finds it in the look-back."""
    assert planned([want(event("a", 1, Result.FAILURE, batch=""))], [A], {"7"}) == ([], ["a"])


def test_unknown_batch() -> None:
    """Without any workflow run known, jobs go alone."""
    loose = [event("a", 1, Result.FAILURE, batch=""), event("b", 2, Result.FAILURE, batch="")]
    assert [call[3] for call in planned([want(one) for one in loose], [])[0]] == [False, False]


def test_one_name_twice() -> None:
    """Of two jobs with one name in an attempt, the one that failed counts."""
    twin = event("a", 10, Result.SUCCESS)
    assert planned([want(A), want(B)], [A, twin, B])[0] == [(["a", "b"], 1, "1", True)]


def test_nothing() -> None:
    """Nothing wanted, nothing planned."""
    assert planned([], [A]) == ([], [])
