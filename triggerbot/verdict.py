"""What the runs of a job at one push prove, and what the jobs together say of the push; computed purely."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from triggerbot.model import Claim, ClaimState, Refusal, Result, Run, State


class Verdict(StrEnum):
    """What the runs of one job prove."""

    PASSED = "passed"
    FAILED = "failed"
    INTERMITTENT = "intermittent"
    PENDING = "pending"
    INFRA = "infra"


class Health(StrEnum):
    """The answer to: is my push good?"""

    GOOD = "good"
    FAILING = "failing"
    PENDING = "pending"


#: Runs that prove nothing about the job.
_SILENT = frozenset({Result.CANCELLED, Result.SKIPPED, Result.RETRY, Result.UNKNOWN})


@dataclass(frozen=True, slots=True)
class JobVerdict:
    """A job at a push: what it is, what was done about it, what that proved."""

    job: str
    verdict: Verdict | None
    #: All runs, oldest first: none is ever hidden.
    runs: tuple[Run, ...]
    claim: Claim | None = None

    @property
    def why(self) -> str:
        """Say in a few words what the verdict rests on."""
        counted = [run for run in self.runs if run.state is State.FINISHED and run.result not in _SILENT]
        failed = sum(not run.passed for run in counted)
        match self.verdict:
            case Verdict.INTERMITTENT:
                return f"failed {failed} and passed {len(counted) - failed} of {len(counted)} at the same revision"
            case Verdict.FAILED if len(counted) > 1:
                return f"every one of {len(counted)} runs failed"
            case Verdict.FAILED:
                return "its only run failed" + self._not_retriggered()
            case Verdict.PENDING:
                unfinished = sum(run.state is not State.FINISHED for run in self.runs)
                owed = self.claim.owed if self.claim is not None and not self.claim.state.final else 0
                unseen = 0 if self.claim is None else self.claim.asked - (len(self.runs) - self.claim.known_runs)
                parts = [
                    f"{unfinished} running" if unfinished else "",
                    f"{owed} owed" if owed else "",
                    f"{unseen} asked for and not listed yet" if unseen > 0 else "",
                ]
                return ", ".join(part for part in parts if part) or "a decision is due"
            case Verdict.INFRA:
                return "the CI itself failed"
            case Verdict.PASSED | None:
                return ""

    def _not_retriggered(self) -> str:
        if self.claim is None or self.claim.refusal is None or self.claim.refusal is Refusal.ALREADY_CLAIMED:
            return ""
        return f"; not retriggered: {self.claim.refusal}"


def of_runs(runs: Iterable[Run], *, owed: bool = False) -> Verdict | None:
    """Tell what these runs of one job prove, in any order; `None` if no run says anything.

    A job that failed and passed at the same revision stays intermittent, whatever else is still running.
    `owed`: further runs were decided on and do not show yet.
    """
    unfinished = owed
    results = set()
    for run in runs:
        if run.state is not State.FINISHED:
            unfinished = True
        elif run.result is not None and run.result not in _SILENT:
            results.add(run.result)
    passed = Result.SUCCESS in results
    failed = bool(results - {Result.SUCCESS, Result.INFRA})
    if passed and failed:
        return Verdict.INTERMITTENT
    if unfinished:
        return Verdict.PENDING
    if failed:
        return Verdict.FAILED
    if passed:
        return Verdict.PASSED
    return Verdict.INFRA if results else None


def of_job(job: str, runs: Sequence[Run], claims: Sequence[Claim]) -> JobVerdict:
    """Tell what is known of one job of a push."""
    # Runs without a time keep the order in which they were heard of.
    ordered = tuple(sorted(runs, key=lambda run: (run.time or 0.0, run.attempt)))
    #: Asked for and not in sight yet: a verdict now would be told too early.
    awaited = any(_awaits(claim, ordered) for claim in claims)
    automatic = next((claim for claim in claims if not claim.manual), None)
    return JobVerdict(job, of_runs(ordered, owed=awaited), ordered, automatic)


def _awaits(claim: Claim, runs: Sequence[Run]) -> bool:
    match claim.state:
        case ClaimState.OPEN | ClaimState.OWED | ClaimState.SENDING | ClaimState.UNKNOWN:
            return True
        case ClaimState.DONE:
            return len(runs) - claim.known_runs < claim.asked
        case ClaimState.REFUSED | ClaimState.WOULD:
            return False


@dataclass(frozen=True, slots=True)
class PushVerdict:
    """The health of a push, and why in one sentence."""

    health: Health
    sentence: str
    jobs: tuple[JobVerdict, ...]


def of_push(jobs: Iterable[JobVerdict]) -> PushVerdict:
    """Tell whether a push is good: nothing failed, nothing is pending; what only hit infrastructure is not proved."""
    listed = tuple(jobs)
    count = Counter(job.verdict for job in listed)
    if count[Verdict.FAILED] or count[Verdict.INFRA]:
        health = Health.FAILING
    elif count[Verdict.PENDING] or not (count[Verdict.PASSED] or count[Verdict.INTERMITTENT]):
        # Nothing failed, but nothing was proved either: runs that were cancelled or skipped say nothing.
        health = Health.PENDING
    else:
        health = Health.GOOD
    return PushVerdict(health, _sentence(count, len(listed)), listed)


def _sentence(count: Counter[Verdict | None], total: int) -> str:
    if not total:
        return "nothing is known of it yet"
    parts = [
        _plural(count[Verdict.FAILED], "job fails every time", "jobs fail every time"),
        _plural(count[Verdict.INFRA], "job met only infrastructure errors", "jobs met only infrastructure errors"),
        _plural(count[Verdict.INTERMITTENT], "is intermittent", "are intermittent"),
        _plural(count[Verdict.PENDING], "is pending", "are pending"),
        _plural(count[Verdict.PASSED], "passed", "passed"),
        _plural(count[None], "proves nothing", "prove nothing"),
    ]
    return ", ".join(part for part in parts if part)


def _plural(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""
