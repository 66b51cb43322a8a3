"""Measuring the verdicts themselves: which jobs are sampled, and what further runs of them say. Pure.

A sampled job gets further runs that decide nothing: no verdict, rate, history or number of runs counts them. They only
say afterwards whether what was said of the job held.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from triggerbot.core.claim import CALIBRATION, Claim
from triggerbot.core.decision import Cause, Decision, Refusal
from triggerbot.core.model import PROVING, Push, Run, State
from triggerbot.core.needs import Needs
from triggerbot.core.policy import rules
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.history import Novelty
from triggerbot.core.verdict.verdict import JobVerdict, Verdict

#: Seconds without news of a push until jobs of it are sampled: its CI may list more, and its verdict has to be final.
QUIET = 600.0


class Measured(StrEnum):
    """What is said of a job, and measured; each is sampled and counted by itself."""

    PASSED = "passed"
    #: It failed once, and for a reason of ours nothing was retriggered.
    REFUSED = "refused"
    #: It failed and passed, and the same is known of other pushes.
    KNOWN = "intermittent_known"
    #: It failed and passed, and that is not known of other pushes.
    INTERMITTENT = "intermittent"
    #: It failed more than once, and never passed.
    FAILED = "failed"

    @property
    def runs(self) -> int:
        """How many further runs a sample gets, at most: a pass says all, but a failure little of an intermittent."""
        return 1 if self is Measured.PASSED else 4

    @property
    def lets_through(self) -> bool:
        """Whether a push is good although its job failed: if that is wrong, a regression is let through."""
        return self in (Measured.KNOWN, Measured.INTERMITTENT)


class Answer(StrEnum):
    """What the further runs of a sampled job say of what was said of it."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Sample:
    """A job to measure; `job`: its key."""

    job: str
    measured: Measured

    @property
    def origin(self) -> str:
        """The origin of its claim."""
        return f"{CALIBRATION}{self.measured}"


def measured(claim_origin: str) -> Measured | None:
    """Return what a claim measures, by its origin; `None` if it measures nothing."""
    name = claim_origin.removeprefix(CALIBRATION)
    return Measured(name) if name != claim_origin and name in set(Measured) else None


def is_sampled(push: Push, job: str, share: float) -> bool:
    """Whether a job belongs to the share (0 to 1) that is measured.

    What is hashed is all that tells it from others, so every replica, and the same one after a restart, says the same;
    and who raises the share keeps the jobs of the smaller one.
    """
    return _place(push, job) < share


def _place(push: Push, job: str) -> float:
    """Return a number from 0 to below 1 that is as good as random, and always the same for the same job."""
    told = "\0".join((*push, job)).encode("utf-8", "surrogatepass")
    # As many bits as a float has.
    return (int.from_bytes(hashlib.sha256(told).digest()[:8], "big") >> 11) / 2**53


def samples(
    push: Push, jobs: Iterable[tuple[str, JobVerdict]], rule: Rule | None, author: str | None
) -> Iterator[Sample]:
    """Yield the jobs of a push, given by their keys with their final verdicts, that are measured, in random order.

    Left alone is what the rule leaves alone for another reason than how it ended, and what other jobs need: these would
    run again along with it.
    """
    if rule is None or not rule.calibration:
        return
    # A budget takes the first, so their order must not go by their names.
    listed = sorted(jobs, key=lambda one: _place(push, one[0]))
    chosen = [(key, job) for key, job in listed if is_sampled(push, key, rule.calibration)]
    if not chosen:
        return
    needs = Needs(run for _, job in listed for run in job.runs)
    for key, job in chosen:
        what = _said_of(job, rule, author)
        if what is not None and not needs.starts(job.runs[-1]):
            yield Sample(key, what)


def _said_of(job: JobVerdict, rule: Rule, author: str | None) -> Measured | None:
    """Return what is said of a job, if that can be measured."""
    if not job.runs or job.hidden or job.mixed or job.aside or job.follows or job.awaited:
        return None
    if any(run.state is not State.FINISHED for run in job.runs):
        return None
    if not rules.only_of_failures(list(rules.refusals(rule, job.runs[-1], author))):
        return None
    match job.verdict:
        case Verdict.PASSED:
            return Measured.PASSED
        case Verdict.INTERMITTENT:
            return Measured.KNOWN if job.novelty is Novelty.KNOWN else Measured.INTERMITTENT
        case Verdict.FAILED if job.failing_runs > 1:
            # Where it is not proved, nothing is said that could be wrong.
            return None if job.unsure else Measured.FAILED
        case Verdict.FAILED if _is_refused(job.claim):
            return Measured.REFUSED
        case _:
            return None


#: Refusals for the sake of numbers and of how a run ended; others say that nobody wants a run of the job.
_MEASURABLE = frozenset(
    {Refusal.RESULT_EXCLUDED, Refusal.STEP_EXCLUDED, Refusal.ENOUGH_RUNS, Refusal.OVER_BUDGET}
)  # fmt: skip


def _is_refused(claim: Claim | None) -> bool:
    # A failure that its rule does not cover makes no claim.
    return claim is None or claim.refusal in _MEASURABLE


def decide(claim: Claim, rule: Rule | None, facts: rules.Facts) -> Decision:
    """Decide about the claim of a sample: it was chosen, but nothing may be started that nobody waits for."""
    if rule is None or (facts.fork and not facts.forks_allowed):
        return Decision.refuse(Refusal.NOT_WATCHED)
    if facts.ending is not None:
        return facts.ending
    if facts.starts:
        others = ", ".join(f"`{job}`" for job in facts.starts[:3])
        return Decision.refuse(Refusal.STARTS_EXCLUDED, f"what only measures starts nothing else: {others}")
    if facts.asks.dontbuild:
        return Decision.refuse(Refusal.DONTBUILD)
    if facts.asks.no_retry:
        return Decision.refuse(Refusal.NO_RETRY)
    if rule.opt_in and not facts.asks.retry:
        return Decision.refuse(Refusal.NOT_OPTED_IN)
    if facts.forgotten:
        why = "it has further runs of which the store knows no request: it may have been measured before"
        return Decision.refuse(Refusal.ENOUGH_RUNS, why)
    return Decision.trigger(Cause.CALIBRATION, claim.wanted)


def answer(what: Measured, runs: Sequence[Run], wanted: int) -> Answer | None:
    """Return what the further runs of a sample say; `None` as long as they say nothing, perhaps for ever.

    One pass is enough; that a job fails on is only said once all runs wanted have failed by themselves.
    """
    ended = [run for run in runs if run.state is State.FINISHED and run.result in PROVING]
    passed = any(run.passed for run in ended)
    if not passed and (not wanted or len(ended) < wanted):
        return None
    fails_on = not passed
    holds = fails_on if what in (Measured.REFUSED, Measured.FAILED) else passed
    return Answer.RIGHT if holds else Answer.WRONG
