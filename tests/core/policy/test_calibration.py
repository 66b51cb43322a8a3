"""Which jobs are measured, and what further runs say of what was said of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.policy.decisions import CLAIM, RUN, facts
from tests.fakes.world import push
from triggerbot.core.claim import ClaimState
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.model import Result, Run, State
from triggerbot.core.patterns import Globs
from triggerbot.core.policy.calibration import Answer, Measured, Sample, answer, decide, is_sampled, measured, samples
from triggerbot.core.policy.evidence import Weight
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.history import Novelty, Standing
from triggerbot.core.verdict.verdict import JobVerdict, Verdict

RULE = Rule(Globs(["try"]), exclude_jobs=Globs(["*-unstable*"]), calibration=1.0)
PASS = replace(RUN, run_id="2", result=Result.SUCCESS)
AGAIN = replace(RUN, run_id="3")


def chosen(job: JobVerdict, rule: Rule | None = RULE) -> list[Measured]:
    """What is measured of a job."""
    return [one.measured for one in samples(push(), [(job.job, job)], rule, "dev@example.org")]


def judged(verdict: Verdict | None, *runs: Run, **more: object) -> JobVerdict:
    """A job with its verdict."""
    return JobVerdict("job", verdict, runs, **more)  # type: ignore[arg-type]


# -- which ------------------------------------------------------------------------------------------------------------


def test_the_share_is_met_over_many_jobs() -> None:
    """Which jobs these are depends on nothing but what they are."""
    jobs = [(push(f"{number:07x}"), f"job-{number % 50}") for number in range(20_000)]
    number = sum(is_sampled(where, job, 0.05) for where, job in jobs)
    assert 850 <= number <= 1150
    assert number == sum(is_sampled(where, job, 0.05) for where, job in jobs)


@given(st.text(), st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_contains_the_smaller(revision: str, job: str, one: float, other: float) -> None:
    """So raising the share samples nothing twice and loses nothing; all and none are what they say."""
    where = push(revision)
    low, high = sorted((one, other))
    assert is_sampled(where, job, high) or not is_sampled(where, job, low)
    assert is_sampled(where, job, 1.0)
    assert not is_sampled(where, job, 0.0)


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (judged(Verdict.PASSED, PASS), Measured.PASSED),
        (judged(Verdict.FAILED, RUN, AGAIN), Measured.FAILED),
        (judged(Verdict.INTERMITTENT, RUN, PASS, standing=Standing(Novelty.KNOWN)), Measured.KNOWN),
        (judged(Verdict.INTERMITTENT, RUN, PASS, standing=Standing(Novelty.NEW)), Measured.INTERMITTENT),
        (judged(Verdict.INTERMITTENT, RUN, PASS, standing=Standing(Novelty.UNKNOWN)), Measured.INTERMITTENT),
        (judged(Verdict.FAILED, replace(RUN, result=Result.BUSTED)), Measured.REFUSED),
        (
            judged(Verdict.FAILED, RUN, claim=replace(CLAIM, state=ClaimState.REFUSED, refusal=Refusal.OVER_BUDGET)),
            Measured.REFUSED,
        ),
    ],
)
def test_each_thing_that_is_said_is_measured_by_itself(job: JobVerdict, expected: Measured) -> None:
    """By what people read of the job."""
    assert chosen(job) == [expected]


@pytest.mark.parametrize(
    "job",
    [
        judged(Verdict.PENDING, RUN),
        judged(Verdict.INFRA, replace(RUN, result=Result.INFRA)),
        judged(None, replace(RUN, result=Result.SKIPPED)),
        judged(None),
        judged(Verdict.PASSED, PASS, hidden=True),
        judged(Verdict.PASSED, PASS, mixed=True),
        judged(Verdict.INTERMITTENT, RUN, PASS, awaited=1),
        judged(Verdict.INTERMITTENT, RUN, PASS, replace(AGAIN, state=State.RUNNING, result=None)),
        judged(Verdict.PASSED, replace(PASS, kind="build")),
        judged(Verdict.PASSED, replace(PASS, job="job-unstable")),
        *(
            judged(Verdict.FAILED, RUN, claim=replace(CLAIM, state=ClaimState.REFUSED, refusal=why))
            for why in (Refusal.CLASSIFIED, Refusal.SUPERSEDED, Refusal.NO_RETRY, Refusal.STARTS_EXCLUDED)
        ),
    ],
)
def test_what_is_not_final_or_nobody_wants_run_is_left_alone(job: JobVerdict) -> None:
    """And so is what the rule excludes."""
    assert chosen(job) == []


def test_what_is_not_proved_says_nothing_that_could_be_wrong() -> None:
    """A job whose failures were found too light is not said to fail every time."""
    weighed = replace(CLAIM, state=ClaimState.DONE, weight=Weight(0.3, 0.1, proved=False))

    assert chosen(judged(Verdict.FAILED, RUN, AGAIN, claim=weighed)) == []


def test_nothing_is_measured_that_others_need() -> None:
    """A rerun of it would start them, too."""
    build = judged(Verdict.PASSED, replace(PASS, batch="1"))
    test = replace(build, job="test", runs=(replace(PASS, job="test", batch="1", needs=("job",)),))
    found = samples(push(), [("job", build), ("test", test)], RULE, None)
    assert [one.job for one in found] == ["test"]


def test_what_a_budget_takes_first_does_not_go_by_names() -> None:
    """Else it would measure the jobs at the beginning of the alphabet."""
    jobs = [(name, judged(Verdict.PASSED, replace(PASS, job=name))) for name in "abcdefghij"]
    orders = {
        "".join(one.job for one in samples(push(f"{number:07x}"), jobs, RULE, None)) for number in range(1, 21)
    }  # fmt: skip
    assert len({order[0] for order in orders}) > 4
    assert {"".join(sorted(order)) for order in orders} == {"abcdefghij"}


@pytest.mark.parametrize("rule", [None, replace(RULE, calibration=0.0)])
def test_off_is_off(rule: Rule | None) -> None:
    """Without a rule, or without a share."""
    assert chosen(judged(Verdict.PASSED, PASS), rule) == []


def test_what_a_claim_measures_is_read_from_its_origin() -> None:
    """What a newer version measures is not misread."""
    assert [measured(Sample("job", one).origin) for one in Measured] == list(Measured)
    assert [measured(origin) for origin in ("", "passed", "page:1:ann", "calibration:later")] == [None] * 4


# -- deciding ---------------------------------------------------------------------------------------------------------

SAMPLE = replace(CLAIM, origin=Sample("job", Measured.FAILED).origin, wanted=4)


def test_a_sample_gets_its_runs() -> None:
    """It is no person's request, and no decision about the failure."""
    assert decide(SAMPLE, RULE, facts()) == Decision.trigger(Cause.CALIBRATION, 4)
    assert SAMPLE.calibrates
    assert not SAMPLE.manual


@pytest.mark.parametrize(
    ("refusal", "decision"),
    [
        (Refusal.NOT_WATCHED, decide(SAMPLE, None, facts())),
        (Refusal.NOT_WATCHED, decide(SAMPLE, RULE, facts(fork=True, forks_allowed=False))),
        (Refusal.STARTS_EXCLUDED, decide(SAMPLE, RULE, facts(starts=("deploy",)))),
        (Refusal.SUPERSEDED, decide(SAMPLE, RULE, facts(ending=Decision.refuse(Refusal.SUPERSEDED)))),
        (Refusal.NO_RETRY, decide(SAMPLE, RULE, facts("try: -b o --no-retry"))),
        (Refusal.DONTBUILD, decide(SAMPLE, RULE, facts("DONTBUILD"))),
        (Refusal.NOT_OPTED_IN, decide(SAMPLE, replace(RULE, opt_in=True), facts())),
        (Refusal.ENOUGH_RUNS, decide(SAMPLE, RULE, facts(forgotten=1))),
    ],
)
def test_what_nobody_wants_is_not_measured_either(refusal: Refusal, decision: Decision) -> None:
    """Forks, what must not be started, and what the push itself forbids."""
    assert decision.refusal is refusal


# -- what runs say ----------------------------------------------------------------------------------------------------

LOST = replace(RUN, result=Result.INFRA)


@pytest.mark.parametrize(
    ("what", "runs", "said"),
    [
        (Measured.PASSED, [PASS], Answer.RIGHT),
        (Measured.PASSED, [RUN], Answer.WRONG),
        (Measured.KNOWN, [RUN, PASS], Answer.RIGHT),
        (Measured.KNOWN, [RUN] * 4, Answer.WRONG),
        (Measured.INTERMITTENT, [RUN] * 4, Answer.WRONG),
        (Measured.INTERMITTENT, [RUN] * 3, None),
        (Measured.FAILED, [RUN] * 4, Answer.RIGHT),
        (Measured.FAILED, [RUN, PASS], Answer.WRONG),
        (Measured.REFUSED, [RUN] * 4, Answer.RIGHT),
        (Measured.REFUSED, [PASS], Answer.WRONG),
        (Measured.PASSED, [LOST], None),
        (Measured.KNOWN, [RUN, RUN, RUN, LOST], None),
        (Measured.FAILED, [], None),
    ],
)
def test_what_further_runs_say(what: Measured, runs: list[Run], said: Answer | None) -> None:
    """One pass is enough; that a job fails on takes all runs wanted, none of them lost."""
    assert answer(what, runs, what.runs) is said
