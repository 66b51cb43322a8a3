"""What the runs of a job, and the jobs of a push, prove."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.world import push
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Result, Run, State
from triggerbot.core.policy.evidence import Weight
from triggerbot.core.proof import proving
from triggerbot.core.verdict.health import Health, PushVerdict, of_push
from triggerbot.core.verdict.verdict import Verdict, of_job, of_runs
from triggerbot.reports import glossary


def runs(*ends: str) -> list[Run]:
    """Make runs by how they ended, `pending` or `running` for those that did not."""
    return [
        Run("job", str(number), 1, State(end), None) if end in ("pending", "running")
        else Run("job", str(number), 1, State.FINISHED, Result(end), time=float(number))
        for number, end in enumerate(ends)
    ]  # fmt: skip


def claim(
    state: ClaimState, *, asked: int = 0, wanted: int = 2, known: int = 1, refusal: Refusal | None = None
) -> Claim:
    """Make a claim of the job, as far as that."""
    return Claim(
        1, push(), "job", state, runs("failure")[0], dry=False, created=0, due=0, wanted=wanted, asked=asked,
        known_runs=known, refusal=refusal,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ([], None),
        (["success"], Verdict.PASSED),
        (["success", "success"], Verdict.PASSED),
        (["failure"], Verdict.FAILED),
        (["failure", "failure"], Verdict.FAILED),
        (["busted"], Verdict.FAILED),
        (["timed_out"], None),
        (["timed_out", "failure"], Verdict.FAILED),
        (["infra"], Verdict.INFRA),
        (["infra", "infra"], Verdict.INFRA),
        (["infra", "success"], Verdict.PASSED),
        (["infra", "failure"], Verdict.FAILED),
        (["failure", "success"], Verdict.INTERMITTENT),
        (["timed_out", "success"], Verdict.PASSED),
        (["failure", "success", "pending"], Verdict.INTERMITTENT),
        (["failure", "running"], Verdict.PENDING),
        (["success", "running"], Verdict.PENDING),
        (["infra", "running"], Verdict.PENDING),
        (["pending"], Verdict.PENDING),
        (["cancelled"], None),
        (["skipped", "retry", "unknown"], None),
        (["cancelled", "success"], Verdict.PASSED),
        (["retry", "failure"], Verdict.FAILED),
        (["retry", "pending"], Verdict.PENDING),
    ],
)
def test_runs_prove(ends: list[str], verdict: Verdict | None) -> None:
    """Each verdict, in every order of the runs."""
    for order in itertools.permutations(runs(*ends)):
        assert of_runs(order) is verdict


ENDS = st.lists(st.sampled_from([*Result, "pending", "running"]), max_size=7)


@given(ENDS, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_runs_never_matters(ends: Sequence[str], dice: st.DataObject, owed: bool) -> None:
    """Nor does hearing of a run twice."""
    listed = runs(*ends)
    mixed = listed + listed[:2]
    dice.shuffle(mixed)  # type: ignore[attr-defined]

    assert of_runs(mixed, owed=owed) is of_runs(listed, owed=owed)


@given(ENDS)
def test_no_failure_is_ever_hidden(ends: Sequence[str]) -> None:
    """A job with a failed run is never called passed, and every run stays in sight."""
    verdict = of_job("job", runs(*ends), ())

    assert sorted(run.run_id for run in verdict.runs) == sorted(run.run_id for run in runs(*ends))
    if {"failure", "busted"} & set(ends):
        assert verdict.verdict in (Verdict.FAILED, Verdict.INTERMITTENT, Verdict.PENDING)
    assert isinstance(verdict.why, str)


@pytest.mark.parametrize(
    ("made", "ends", "verdict"),
    [
        (claim(ClaimState.OPEN), ["failure"], Verdict.PENDING),
        (claim(ClaimState.OWED), ["failure"], Verdict.PENDING),
        (claim(ClaimState.SENDING), ["failure"], Verdict.PENDING),
        (claim(ClaimState.UNKNOWN), ["failure"], Verdict.PENDING),
        (claim(ClaimState.UNKNOWN), ["failure", "success"], Verdict.INTERMITTENT),
        (claim(ClaimState.DONE, asked=2), ["failure"], Verdict.PENDING),
        (claim(ClaimState.DONE, asked=2), ["failure", "failure"], Verdict.PENDING),
        (claim(ClaimState.DONE, asked=2), ["failure", "failure", "failure"], Verdict.FAILED),
        (claim(ClaimState.DONE, asked=0), ["failure"], Verdict.FAILED),
        (claim(ClaimState.REFUSED, refusal=Refusal.OVER_BUDGET), ["failure"], Verdict.FAILED),
        (claim(ClaimState.WOULD), ["failure"], Verdict.FAILED),
    ],
)
def test_a_verdict_waits_for_what_was_asked_for(made: Claim, ends: list[str], verdict: Verdict) -> None:
    """Never told too early, and not held back by what will never come."""
    assert of_job("job", runs(*ends), [made]).verdict is verdict


def test_what_a_ci_has_lost_is_not_waited_for_forever() -> None:
    """A run that was accepted and is never listed holds the verdict back for a day."""
    made = replace(claim(ClaimState.DONE, asked=2), created=100.0, due=1000.0)
    listed = runs("failure", "failure")

    before, after = of_job("job", listed, [made], now=1000.0), of_job("job", listed, [made], now=1000.0 + 86_400)

    assert (before.verdict, before.awaited, before.until) == (Verdict.PENDING, 1, 1000.0 + 86_400)
    assert before.why == "1 asked for and not listed yet"
    assert of_push([before]).until == before.until
    assert (after.verdict, after.awaited, after.until) == (Verdict.FAILED, 0, None)
    assert of_push([after]).final


def test_a_run_without_a_time_is_the_newest_as_long_as_it_runs() -> None:
    """It is a retrigger that is under way, and not the first run of all."""
    first, retrigger = runs("failure", "pending")

    job = of_job("job", [retrigger, first], [claim(ClaimState.DONE, asked=1, wanted=1)])

    assert [run.run_id for run in job.runs] == ["0", "1"]
    assert job.awaited == 1
    assert of_push([job]).sentence == "1 retrigger running"


def test_nothing_is_final_while_anything_runs() -> None:
    """Keep an intermittent job intermittent while a further run is pending, but not its verdict final."""
    job = of_job("job", runs("failure", "success", "running"), ())

    assert job.verdict is Verdict.INTERMITTENT
    assert not of_push([job]).final
    assert of_push([of_job("job", runs("failure", "success"), ())]).final


@pytest.mark.parametrize(
    ("jobs", "sentence"),
    [
        ([["failure"]], "1 job failed once"),
        ([["failure", "failure"]], "1 job fails every time"),
        ([["failure"], ["failure", "failure"], ["busted"]], "1 job fails every time, 2 failed once"),
        ([["failure"], ["failure"], ["success"]], "2 jobs failed once, 1 passed"),
    ],
)
def test_one_failure_alone_is_not_called_every_time(jobs: list[list[str]], sentence: str) -> None:
    """It proves less."""
    assert of_push(of_job(f"job-{number}", runs(*ends), ()) for number, ends in enumerate(jobs)).sentence == sentence


@pytest.mark.parametrize(
    ("jobs", "sentence"),
    [
        ([False], "1 job failed so far, not proved"),
        ([True], "1 job fails every time"),
        ([False, True, False, None], "1 job fails every time, 2 failed so far, not proved, 1 failed once"),
    ],
)
def test_what_is_not_proved_is_not_called_every_time(jobs: list[bool | None], sentence: str) -> None:
    """Where the failures of a job were weighed, and found too light; nor does what explains it say so."""
    judged = []
    for number, proved in enumerate(jobs):
        weight = None if proved is None else Weight(0.3, 0.1, proved)
        done = replace(claim(ClaimState.DONE), weight=weight)
        judged.append(of_job(f"job-{number}", runs(*["failure"] * (1 if proved is None else 3)), [done]))
    assert of_push(judged).sentence == sentence
    assert ("does not prove" in glossary.proof(judged[0])) is (not jobs[0])


@pytest.mark.parametrize("proved", [True, False])
def test_failures_that_are_not_one_are_not_said_to_prove_one(*, proved: bool) -> None:
    """Three tests that failed once each look intermittent, however unlikely three failures in a row are."""
    listed = [
        replace(run, failures=(f"tests/test_{run.run_id}.py::test_it_{run.run_id}: KeyError: 'k{run.run_id}'",))
        for run in runs("failure", "failure", "failure")
    ]
    done = replace(claim(ClaimState.DONE), weight=Weight(0.02 if proved else 0.3, 0.1, proved))
    why = of_job("job", listed, [done]).why
    assert why.endswith(", each in another test: that looks like 3 intermittent failures")
    assert "% that it is intermittent" not in why


@pytest.mark.parametrize(
    ("jobs", "sentence"),
    [
        ([1, 1], "2 jobs failed once with the same failure"),
        ([2, 3], "2 jobs fail every time with the same failure"),
        ([2, 1], "2 jobs fail with the same failure (1 of them ran once)"),
    ],
)
def test_one_cause_is_told_as_one(jobs: list[int], sentence: str) -> None:
    """However often its jobs ran."""
    line = ("tests/test_login.py::test_login: AssertionError: 1 != 2",)
    listed = [[replace(run, failures=line) for run in runs(*["failure"] * number)] for number in jobs]

    assert of_push(of_job(f"job-{number}", one, ()) for number, one in enumerate(listed)).sentence == sentence


def test_a_hidden_job_decides_nothing() -> None:
    """It is told of all the same; where nothing else ran, nothing is proved."""
    hidden = of_job("job", [replace(run, tier=3) for run in runs("failure")], (), max_tier=2)
    passed = of_job("other", runs("success"), (), max_tier=2)

    both = of_job("job", [replace(run, tier=int(run.run_id) + 2) for run in runs("failure", "failure")], (), max_tier=2)
    assert not both.hidden, "one run of it counts"
    assert of_push([passed, hidden]).health is Health.GOOD
    assert of_push([passed, hidden]).sentence == "1 passed, 1 hidden job fails"
    assert of_push([hidden]).health is Health.INCOMPLETE
    assert of_push([hidden]).sentence == "1 hidden job fails; nothing more is to come"
    quiet = of_job("job", [replace(run, tier=3) for run in runs("success")], (), max_tier=2)
    assert of_push([quiet]).sentence == "only hidden jobs are known of it; nothing more is to come"


def test_what_is_owed_does_not_run() -> None:
    """And takes nobody knows how long, while something is in its way."""
    first = [replace(run, started=0.0, time=600.0) for run in runs("failure")]
    owed = of_job("job", first, [claim(ClaimState.OWED)])
    stuck = of_job("job", first, [replace(claim(ClaimState.OWED), note="HTTP 403")])

    assert of_push([owed], 1000.0).sentence == "2 retriggers owed, about 10 min left"
    assert of_push([stuck], 1000.0).sentence == "2 retriggers owed"


def test_what_is_owed_and_due_waits_for_nothing() -> None:
    """What was noted when it was decided is in no retrigger's way, however many others are asked for first."""
    noted = replace(claim(ClaimState.OWED), note="further runs wanted of a failed job: 2", due=100.0)

    assert of_job("job", runs("failure"), [noted], now=100.0).why == "2 owed"
    refused = replace(noted, note="HTTP 403", tries=1)
    assert of_job("job", runs("failure"), [refused], now=100.0).why == "2 owed: HTTP 403"


def test_what_a_person_asked_for_is_told_as_such() -> None:
    """No decision is due where somebody has decided."""
    person = replace(claim(ClaimState.OPEN, wanted=2), origin="person")

    assert of_job("job", runs("success"), [person]).why == "2 owed"
    assert of_job("job", runs("failure"), [claim(ClaimState.OPEN, wanted=0)]).why == "a decision is due"
    first = replace(claim(ClaimState.OPEN, wanted=0), note="waits for a to go first: as a, same failure")
    assert of_job("job", runs("failure"), [first]).why == first.note


def test_a_verdict_says_why() -> None:
    """In a few words, for people."""
    refused = of_job("job", runs("failure"), [claim(ClaimState.REFUSED, refusal=Refusal.OVER_BUDGET)])

    assert "failed 1 and passed 2 of 3" in of_job("job", runs("failure", "success", "success"), ()).why
    assert "every one of 2" in of_job("job", runs("failure", "failure"), ()).why
    assert "over_budget" in refused.why
    assert "2 owed" in of_job("job", runs("failure"), [claim(ClaimState.OWED)]).why
    assert of_job("job", runs("success"), ()).why == ""


def test_a_persons_claim_is_waited_for_but_is_not_the_bots() -> None:
    """What a person asked for holds the verdict back; the claim shown beside the job is the bot's own."""
    own, person = claim(ClaimState.DONE), replace(claim(ClaimState.OPEN), id=2, origin="person")

    verdict = of_job("job", runs("failure"), [person, own])

    assert (verdict.verdict, verdict.claim) == (Verdict.PENDING, own)


def test_runs_are_shown_oldest_first() -> None:
    """By time, then by attempt."""
    first, second, third = runs("failure", "failure", "failure")
    shuffled = [replace(third, time=9.0), replace(first, time=1.0, attempt=2), replace(second, time=1.0, attempt=1)]

    assert [run.run_id for run in of_job("job", shuffled, ()).runs] == ["1", "0", "2"]


@pytest.mark.parametrize(
    ("jobs", "health"),
    [
        ("", Health.PENDING), ("P", Health.GOOD), ("P I", Health.GOOD), ("P skipped", Health.GOOD),
        ("skipped", Health.GOOD), ("skipped skipped", Health.GOOD), ("skipped cancelled", Health.INCOMPLETE),
        ("P cancelled", Health.INCOMPLETE), ("P unknown", Health.INCOMPLETE), ("I retry", Health.INCOMPLETE),
        ("P timed_out", Health.INCOMPLETE), ("infra", Health.INCOMPLETE), ("infra P", Health.INCOMPLETE),
        ("P R", Health.PENDING), ("cancelled R", Health.PENDING), ("infra R P", Health.PENDING),
        ("P F", Health.FAILING), ("F R", Health.FAILING), ("F cancelled", Health.FAILING), ("F infra", Health.FAILING),
    ],
)  # fmt: skip
def test_a_push_is_good_only_if_all_that_was_to_run_proves_something(jobs: str, health: Health) -> None:
    """In any order of the jobs; the sentence names every sort there is."""
    ends = {"P": ["success"], "F": ["failure"], "I": ["failure", "success"], "R": ["running"]}
    for order in itertools.permutations(jobs.split()):
        answer = of_push(of_job(f"job-{number}", runs(*ends.get(one, [one])), ()) for number, one in enumerate(order))
        assert answer.health is health
        assert answer.sentence
        assert answer.sentence.count(",") == max(0, len(set(order)) - 1)


def test_a_cancelled_sibling_keeps_a_push_from_being_good() -> None:
    """Of fail-fast: the failed job passed when it ran once more, and the cancelled ones never ran to an end."""
    push = {"test (1)": ["failure", "success"], "test (2)": ["cancelled"], "test (3)": ["cancelled"]}

    def judged() -> PushVerdict:
        return of_push(of_job(name, runs(*ends), ()) for name, ends in push.items())

    assert judged().sentence == "1 is intermittent, 2 jobs did not finish; nothing more is to come"
    push["test (2)"].append("success")
    assert (judged().health, judged().final) == (Health.INCOMPLETE, True)
    push["test (3)"].append("success")
    assert judged().health is Health.GOOD


def test_what_a_rule_covers_proves_something() -> None:
    """A time-out where it is listed; an error of the CI itself never."""
    covered = proving({"failure", "infra", "timed_out"})

    assert of_job("job", runs("timed_out"), (), proving=covered).verdict is Verdict.FAILED
    assert of_job("job", runs("timed_out", "success"), (), proving=covered).verdict is Verdict.INTERMITTENT
    assert of_job("job", runs("infra", "success"), (), proving=covered).verdict is Verdict.PASSED
    assert of_job("job", runs("failure", "infra", "infra"), (), proving=covered).why == (
        "failed once; not settled: both retriggers met infrastructure errors"
    )


def test_a_job_that_is_allowed_to_fail_is_hidden() -> None:
    """Like one of a higher tier: it is shown, and decides nothing."""
    allowed = of_job("lint", [replace(run, allowed_to_fail=True) for run in runs("failure", "failure")], ())
    answer = of_push([allowed, of_job("test", runs("success"), ())])

    assert (allowed.hidden, allowed.verdict) == (True, Verdict.FAILED)
    assert (answer.health, answer.sentence) == (Health.GOOD, "1 passed, 1 hidden job fails")


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        (["infra"], "failed once; the retrigger met an infrastructure error"),
        (["infra", "infra"], "failed once; not settled: both retriggers met infrastructure errors"),
        (["cancelled"], "failed once; the retrigger was cancelled"),
        (["cancelled", "cancelled"], "failed once; not settled: both retriggers were cancelled"),
        (["timed_out"], "failed once; the retrigger took too long"),
        (["retry", "skipped"], "failed once; not settled: 1 was retried by the CI itself, 1 was skipped"),
        (["unknown"] * 3, "failed once; not settled: all 3 retriggers ended in an unknown way"),
    ],
)
def test_runs_that_prove_nothing_are_no_failures(ends: list[str], why: str) -> None:
    """They are named, and it is not said that it failed every time."""
    job = of_job("job", runs("failure", *ends), ())

    assert job.why == why
    assert "every" not in glossary.proof(job)
