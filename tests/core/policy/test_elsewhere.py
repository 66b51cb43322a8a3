"""Runs of which the store knows no request: which of them count for what a person asked for, and for the budget."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.core.policy.decisions import CLAIM, RUN
from tests.fakes.world import event, failure, push
from triggerbot.core.claim import ClaimState, Operation
from triggerbot.core.decision import Cause
from triggerbot.core.model import PROVING, Event, Result, Run, State
from triggerbot.core.policy import elsewhere
from triggerbot.core.policy.owed import still_owed

ASKED = 1000.0
FIRST = replace(RUN, time=900.0)
ASK = replace(CLAIM, state=ClaimState.OWED, cause=Cause.MANUAL, origin="wish", wanted=7, created=ASKED, run=FIRST)


def run(number: int, **more: Any) -> Run:
    """Return a run that began after the ask, unless it says otherwise."""
    return replace(RUN, **{"run_id": str(number), "started": ASKED + number, "result": Result.SUCCESS, **more})


def request(name: str, count: int, *before: Run, started: float = ASKED + 1) -> Operation:
    """Return a request for the job."""
    return Operation(name, push(), (1,), count, started, {"job": tuple(one.key for one in before)})


def counted(*later: Run, requests: Sequence[Operation] = (), earlier: Sequence[Run] = (ASK.run,)) -> int:
    """Count what came of no request."""
    return elsewhere.since_asked(ASK, [*earlier, *later], requests)


# -- what a person asked for ------------------------------------------------------------------------------------------


def test_what_the_store_has_forgotten_is_subtracted() -> None:
    """Of 7 runs that were asked for, 5 are there, and the store knows of no request."""
    there = [run(number, retrigger_of="forgotten") for number in range(2, 7)]

    assert counted(*there) == 5
    assert still_owed(ASK, there, one_at_a_time=False, elsewhere=5) == 2
    assert still_owed(ASK, there, one_at_a_time=True, elsewhere=9) == 0


def test_runs_that_name_a_known_request_belong_to_it() -> None:
    """Whichever claim the request was for; those that name another one do not."""
    there = [run(2, retrigger_of="a"), run(3, retrigger_of="b"), run(4), run(5, retrigger_of="forgotten")]

    assert counted(*there, requests=[request("a", 1, ASK.run), request("b", 1, ASK.run)]) == 2


@pytest.mark.parametrize(("there", "expected"), [(0, 0), (2, 0), (3, 0), (4, 1), (7, 4)])
def test_where_runs_name_nothing_each_request_has_its_number(there: int, expected: int) -> None:
    """Whichever of the runs they are: a request whose runs are not listed yet has those that are."""
    requests = [request("a", 2, ASK.run), request("b", 1, ASK.run, run(2), run(3))]

    assert counted(*(run(number) for number in range(2, 2 + there)), requests=requests) == expected


def test_what_was_known_before_a_request_is_not_of_it() -> None:
    """Four runs came that nobody knows of, then a request was made."""
    there = [run(number) for number in range(2, 7)]

    assert counted(*there, requests=[request("a", 1, ASK.run, *there[:4])]) == 4
    assert counted(*there[:4], requests=[request("a", 1, ASK.run, *there[:4])]) == 4


def test_an_earlier_request_may_bring_runs_after_the_ask() -> None:
    """Those of the bot's own claim, for instance; what came before the ask was of the earlier request, too."""
    own = request("own", 2, RUN, started=ASKED - 100)
    early = run(2, started=ASKED - 50)
    ask = replace(ASK, run=early)

    assert elsewhere.since_asked(ask, [RUN, early, run(3), run(4)], [own]) == 1
    assert elsewhere.since_asked(ask, [RUN, early, run(3)], [own]) == 0


def test_requests_for_other_jobs_do_not_matter() -> None:
    """They have no runs of this one."""
    other = Operation("a", push(), (2,), 3, ASKED, {"other": ()})

    assert counted(run(2), requests=[other]) == 1


@pytest.mark.parametrize(("times", "expected"), [
    ({"started": ASKED - 6}, 0), ({"started": ASKED - 4}, 1), ({"started": None, "time": ASKED - 6}, 0),
    ({"started": None, "time": ASKED + 60}, 1), ({"started": None, "time": None}, 1),
    ({"started": ASKED - 6, "time": ASKED + 60}, 0),
])  # fmt: skip
def test_a_run_has_to_have_begun_after_the_ask(times: dict[str, Any], expected: int) -> None:
    """By the CI's start; without it by the order in which runs came, unless it had ended before."""
    assert counted(run(2, **times)) == expected


def test_what_was_there_when_it_was_asked_for_does_not_count() -> None:
    """Though it ended later, or has no time at all."""
    running = replace(RUN, run_id="9", started=None, time=ASKED + 60)
    ask = replace(ASK, run=running)

    assert elsewhere.since_asked(ask, [replace(RUN, time=None), running], []) == 0


@pytest.mark.parametrize(("result", "expected"), [
    ("skipped", 0), ("retry", 0), ("cancelled", 1), ("infra", 1), ("failure", 1), (None, 1),
])  # fmt: skip
def test_a_job_that_was_left_out_is_no_answer(result: str | None, expected: int) -> None:
    """Nor is a run that the CI itself runs once more; all others are, whatever they prove."""
    state = State.RUNNING if result is None else State.FINISHED

    assert counted(run(2, state=state, result=None if result is None else Result(result))) == expected


# -- the budget -------------------------------------------------------------------------------------------------------


def listed(*events: Event) -> elsewhere.Further:
    """Return the further runs among events."""
    return elsewhere.further_runs(events, PROVING)


def test_further_runs_are_those_after_the_first_that_count() -> None:
    """A run that proved nothing is none, and one that is listed twice is one."""
    again = failure("a", "2", time=20.0)
    found = listed(
        failure("a", "1", time=10.0), again, again, failure("b", "1"), event("b", "2", result="cancelled"),
        event("c", "1", result="infra"), event("c", "2"),
    )  # fmt: skip

    assert found == {"a": {("a", "2", 1)}}


def test_jobs_with_further_runs_have_used_up_budget() -> None:
    """Unless the store counts them, or knows what was asked for."""
    found = listed(*(failure(job, number) for job in "abcd" for number in "12"), failure("e", "1"))

    assert elsewhere.spent(found, (), ()) == 4
    assert elsewhere.spent(found, {"a"}, {"b", "e"}) == 2


def test_jobs_that_ran_again_along_with_ours_have_not() -> None:
    """GitHub runs what depends on a job, or all of a workflow run, again with it; a rerun of somebody else counts."""
    again = [
        failure(job, f"{job}{attempt}", attempt=attempt, batch="77", per_batch=True)
        for job, attempts in {"ours": (1, 2), "along": (1, 2), "other": (1, 2, 3)}.items() for attempt in attempts
    ]  # fmt: skip

    assert elsewhere.spent(listed(*again), {"ours"}, ()) == 1
    assert elsewhere.spent(listed(*again), (), ()) == 3


# -- what the store has forgotten -------------------------------------------------------------------------------------


def test_what_it_may_have_forgotten_counts_whatever_its_result() -> None:
    """All further runs of before the loss that no request known explains; without a loss, none."""
    there = [
        ASK.run, run(2, result=Result.CANCELLED), run(3, result=Result.INFRA), run(4), run(5, retrigger_of="known"),
        run(6, result=Result.SKIPPED), run(90, result=Result.CANCELLED),
    ]  # fmt: skip
    requests = [request("known", 1, ASK.run)]

    assert elsewhere.forgotten("job", there, requests, None) == ()
    assert elsewhere.forgotten("job", [], requests, ASKED + 50) == ()
    found = elsewhere.forgotten("job", there, requests, ASKED + 50)
    assert [one.run_id for one in found] == ["2", "3", "4"]


def test_a_forgotten_request_is_not_made_again_because_its_runs_were_cancelled() -> None:
    """One of two retriggers that are owed; and a run that counts anyway does not count twice."""
    claim = replace(ASK, cause=Cause.FAILURE, wanted=2)
    cancelled = run(2, result=Result.CANCELLED)

    assert still_owed(claim, [cancelled], one_at_a_time=False) == 2
    assert still_owed(claim, [cancelled], one_at_a_time=False, forgotten=1) == 1
    assert still_owed(claim, [run(2)], one_at_a_time=False, forgotten=1) == 1
    assert still_owed(claim, [cancelled, run(3)], one_at_a_time=False, forgotten=2) == 0
