"""The verdict on a job at one push: what its runs prove. Pure."""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from triggerbot.core import needs
from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import PROVING, Kind, Result, Run, RunKey, State
from triggerbot.core.policy import waiting
from triggerbot.core.policy.evidence import Weight
from triggerbot.core.verdict import same_failure, unproved
from triggerbot.core.verdict.base import NOTHING_KNOWN, Relation
from triggerbot.core.verdict.base import Standing as AtBase
from triggerbot.core.verdict.history import Failure, Novelty, Standing
from triggerbot.core.verdict.same_failure import NO_HISTORY, Failing, History
from triggerbot.core.verdict.touched import touched


class Verdict(StrEnum):
    """The verdict on the runs of one job."""

    PASSED = "passed"
    FAILED = "failed"
    INTERMITTENT = "intermittent"
    PENDING = "pending"
    INFRA = "infra"


#: Seconds after which a run that the CI accepted but does not list is no longer waited for.
_LOST = 86_400.0


@dataclass(frozen=True, slots=True)
class JobVerdict:
    """A job at a push: its verdict, the evidence, and what is still to come."""

    job: str
    verdict: Verdict | None
    #: All runs, oldest first.
    runs: tuple[Run, ...]
    claim: Claim | None = None
    #: Its failure; `None` if no run failed.
    failing: Failing | None = None
    #: What other pushes show about its failure; only of an intermittent job.
    standing: Standing | None = None
    #: Further runs that were decided and are not finished: running, requested but not listed, or owed.
    awaited: int = 0
    #: Of those, the runs requested but not listed, and the retriggers owed.
    missing: int = 0
    owed: int = 0
    #: The last note of a decision or request that waits.
    waits: str = ""
    #: When the verdict changes by itself if no more events come.
    until: float | None = None
    #: Its tier is above the rule's, it is allowed to fail, or `aside` says why: the push is judged without it.
    hidden: bool = False
    #: Why the push is judged without it although the rule does not hide it, in a few words.
    aside: str = ""
    #: Another job has its name, and its further runs may be that one's: they prove nothing about it.
    mixed: bool = False
    #: The results that prove something about it.
    proving: frozenset[Result] = PROVING
    #: Its runs that failed because of other jobs, and so prove nothing.
    derived: frozenset[RunKey] = frozenset()
    #: The jobs that its last failure follows from, as people call them, if it has no verdict of its own.
    follows: tuple[str, ...] = ()
    #: How its failure stands to what the push is based on.
    base: AtBase = NOTHING_KNOWN

    @property
    def failing_runs(self) -> int:
        """How many runs prove a failure."""
        own = [run for run in self.runs if run.key not in self.derived]
        return sum(run.state is State.FINISHED and run.result in self.proving and not run.passed for run in own)

    @property
    def weight(self) -> Weight | None:
        """What its failures are worth, if they were weighed and nothing passed."""
        ended = self.claim is not None and self.claim.state.final and self.verdict is Verdict.FAILED
        return self.claim.weight if ended and self.claim is not None else None

    @property
    def unsure(self) -> bool:
        """Whether it never passed, and its failures were weighed and found too light to prove anything."""
        return self.weight is not None and not self.weight.proved

    @property
    def inherits(self) -> bool:
        """Whether it failed as another job, which was retriggered for both and failed on."""
        refused = self.claim is not None and self.claim.refusal is Refusal.SAME_CAUSE and not self.claim.dry
        return refused and self.verdict is Verdict.FAILED

    @property
    def skipped(self) -> bool:
        """Whether the CI decided not to run it: nothing is proved, and nothing was to be."""
        ended = [run for run in self.runs if run.state is State.FINISHED]
        return self.verdict is None and bool(ended) and ended[-1].result is Result.SKIPPED

    @property
    def unproved(self) -> bool:
        """Whether it was to run, and nothing is under way that could still prove anything."""
        return self.verdict is Verdict.INFRA or (self.verdict is None and not self.skipped)

    @property
    def troubles(self) -> bool:
        """Whether it failed, or met only errors of the CI: "retry failed" means these jobs."""
        return self.verdict in (Verdict.FAILED, Verdict.INFRA) and not self.hidden

    @property
    def novelty(self) -> Novelty | None:
        """Whether the push may have introduced its failure; only of an intermittent job."""
        return None if self.standing is None else self.standing.novelty

    @property
    def inherited(self) -> bool:
        """Whether it fails as it does on the base: the push is judged without it."""
        return self.verdict is Verdict.FAILED and self.base.relation is Relation.INHERITED

    @property
    def ran_fewer(self) -> tuple[int, int] | None:
        """The numbers of tests by which a run that passed may not have run what failed (`same_failure.ran_fewer`)."""
        return same_failure.ran_fewer(self.runs) if self.verdict is Verdict.INTERMITTENT else None

    @property
    def told_apart(self) -> bool:
        """Whether that is why the push is judged without it: the rule does not hide it."""
        return self.inherited and self.aside == self.base.words

    @property
    def suspected(self) -> bool:
        """Whether it is intermittent and the push is suspected to have made it so."""
        return self.novelty is not None and self.novelty.suspected

    @property
    def why(self) -> str:
        """Render the basis of the verdict in a few words; names and notes of others stand in it as they are."""
        return self.explained(None)

    def explained(self, quote: Callable[[str], str] | None) -> str:
        """Render the same where foreign text could be taken for markup: each piece of it as `quote` renders it."""
        reason = self._why(quote)
        aside = self.base.in_words(quote or str) if self.inherited and self.aside else self.aside
        if self.follows:
            return f"{reason}; {aside}, so the push is judged without it" if aside else reason
        if self.mixed and self.verdict is Verdict.FAILED:
            events = {run.event for run in self.runs if run.event is not None}
            reason = (
                f"failed, and passed only in runs of another event ({', '.join(map(quote or str, sorted(events)))})"
                if len(events) > 1
                else "failed, and its runs cannot be told from those of another job of the same name"
            )
        return f"{reason}; {aside or 'hidden'}, so the push is judged without it" if reason and self.hidden else reason

    def _why(self, quote: Callable[[str], str] | None) -> str:
        failed = self.failing_runs
        if self.follows:
            named = needs.follows(self.follows) if quote is None else needs.follows(self.follows, quote)
            return named + ("" if self.hidden else ", and has not run again since")
        match self.verdict:
            case Verdict.INTERMITTENT:
                passed = sum(run.passed for run in self.runs)
                words = "" if self.standing is None else f"; {_quoted(self.standing, quote).words}"
                words += same_failure.fewer_words(self.ran_fewer)
                return f"failed {failed} and passed {passed} of {failed + passed} at the same revision{words}"
            case Verdict.FAILED if failed > 1:
                return self._worth(failed) + self._alike() + self._at_base(quote or str)
            case Verdict.FAILED:
                return unproved.once(self.runs, self.proving) + self._at_base(quote or str) + self._not_retriggered()
            case Verdict.PENDING:
                return self._pending(quote or str)
            case Verdict.INFRA:
                return "the CI itself failed"
            case Verdict.PASSED:
                return ""
            case None if not self.runs:
                return ""
            case None if self.runs[-1].kind is Kind.WORKFLOW and self.hidden:
                return "its jobs tell how it went"
            case None:
                return "the CI skipped it" if self.skipped else "it did not finish, so it proves nothing"

    def _worth(self, failed: int) -> str:
        same = None if self.failing is None else self.failing.sameness
        several = same is not None and (same.different or same.other_tests)
        if self.weight is None or (several and self.weight.proved):
            return f"every one of {failed} runs failed"
        return self.weight.words(failed, failed)

    def _pending(self, quote: Callable[[str], str]) -> str:
        unfinished = sum(run.state is not State.FINISHED for run in self.runs)
        parts = [
            f"{unfinished} running" if unfinished else "",
            f"{self.owed} owed" if self.owed else "",
            f"{self.missing} asked for and not listed yet" if self.missing else "",
        ]
        text = ", ".join(part for part in parts if part)
        if not text and waiting.what(self.waits):
            # It is no trouble, and says all there is to say.
            return quote(self.waits)
        text = text or "a decision is due"
        return f"{text}: {quote(self.waits)}" if self.waits else text

    def _alike(self) -> str:
        if self.failing is None:
            return ""
        same = self.failing.sameness
        if same.different:
            return ", differently each time: that looks like the machine"
        if same.other_tests:
            return f", each in another test: that looks like {same.of} intermittent failures"
        if same.silent == same.of:
            return "; no line tells of what, so they are not known to be alike"
        # A single run has no failure in common with others.
        alike = f", with the same failure in {same.same} of {same.of}" if same.same > 1 else ""
        return f", in the same test each time, with other messages{alike}" if same.one_test else alike

    def _at_base(self, quote: Callable[[str], str]) -> str:
        # Of what is inherited `aside` says so; that nothing is known is said once, and not of each job.
        silent = self.inherited or self.base.relation is Relation.UNKNOWN
        return "" if silent else f"; {self.base.in_words(quote)}"

    def _not_retriggered(self) -> str:
        if self.inherits and self.claim is not None:
            return f"; {self.claim.note}"
        if self.claim is None or self.claim.refusal in (None, Refusal.ALREADY_CLAIMED, Refusal.INHERITED):
            return ""
        return f"; not retriggered: {self.claim.refusal}"


def _quoted(standing: Standing, quote: Callable[[str], str] | None) -> Standing:
    """Quote the name of the base branch, if there is one."""
    return standing if quote is None or not standing.base else replace(standing, base=quote(standing.base))


def following(job: JobVerdict, causes: Collection[str], troubled: Collection[str]) -> JobVerdict:
    """Return the verdict of a job whose only failures follow from other jobs: none of its own.

    `causes`: those that the last one follows from. `troubled`: those of them by which the push is judged and that are
    not well: as long as there is one, the push is judged without this job.
    """
    return replace(job, follows=tuple(sorted(causes)), hidden=job.hidden or bool(troubled))


def against_base(job: JobVerdict, standing: AtBase) -> JobVerdict:
    """Return a job's verdict held against the base of its push: by what fails there, too, the push is not judged."""
    held = replace(job, base=standing)
    return replace(held, hidden=True, aside=standing.words) if held.inherited and not job.hidden else held


def beside(job: JobVerdict, *, aside: str, mixed: bool) -> JobVerdict:
    """Return a job's verdict as it is beside the other jobs of its push.

    `aside`: why the push is judged without it. `mixed`: what cannot be told apart is never called intermittent.
    """
    verdict = Verdict.FAILED if mixed and job.verdict is Verdict.INTERMITTENT else job.verdict
    standing = job.standing if verdict is job.verdict else None
    return replace(job, verdict=verdict, standing=standing, hidden=job.hidden or bool(aside), aside=aside, mixed=mixed)


def of_runs(runs: Iterable[Run], *, owed: bool = False, proving: Collection[Result] = PROVING) -> Verdict | None:
    """Return the verdict on the runs of one job, given in any order; `None` if they prove nothing.

    A job that failed and passed at the same revision stays intermittent, even while other runs are unfinished.
    `owed`: further runs were decided on and are not listed yet. `proving`: the results that prove something.
    """
    unfinished = owed
    results = set()
    for run in runs:
        if run.state is not State.FINISHED:
            unfinished = True
        elif run.result in proving or run.result is Result.INFRA:
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


def of_job(
    job: str,
    runs: Sequence[Run],
    claims: Sequence[Claim],
    background: History = NO_HISTORY,
    files: Collection[str] = (),
    now: float = -math.inf,
    max_tier: float = math.inf,
    proving: frozenset[Result] = PROVING,
    derived: Collection[RunKey] = (),
) -> JobVerdict:
    """Judge one job of a push; `files`: those that the push changes, if known.

    `now`: decides which runs that the CI accepted but does not list count as lost. `max_tier`: jobs of higher tiers are
    hidden. `proving`: the results that prove something. `derived`: runs that failed because of other jobs.
    """
    # The sort is stable: runs without a time keep the order in which they were observed.
    ordered = tuple(runs) if len(runs) < 2 else tuple(sorted(runs, key=lambda run: run.age))
    hidden = bool(ordered) and all(run.tier > max_tier or run.allowed_to_fail for run in ordered)
    if not claims and len(ordered) == 1 and ordered[0].passed:
        return JobVerdict(job, Verdict.PASSED, ordered, hidden=hidden, proving=proving)
    waiting = [claim for claim in claims if not claim.state.final or now < _lost(claim)]
    missing = {claim.id: number for claim in waiting if (number := _missing(claim, ordered)) > 0}
    # Runs that are requested and not listed yet keep the verdict open.
    open_ones = [claim for claim in claims if not claim.state.final]
    own = ordered if not derived else tuple(run for run in ordered if run.key not in derived)
    verdict = of_runs(own, owed=bool(open_ones or missing), proving=proving)
    failing = same_failure.of_runs(job, [run for run in own if run.result in proving], background)
    owed = sum(claim.owed for claim in open_ones)
    return JobVerdict(
        job,
        verdict,
        ordered,
        claim=next((claim for claim in claims if not claim.manual), None),
        failing=failing,
        standing=_standing(job, own, background, files, proving) if verdict is Verdict.INTERMITTENT else None,
        awaited=_running(ordered, claims) + owed + sum(missing.values()),
        missing=sum(missing.values()),
        owed=owed,
        waits=next((claim.note for claim in open_ones if claim.note and _is_hindered(claim, now)), ""),
        until=min((_lost(claim) for claim in waiting if claim.state.final and claim.id in missing), default=None),
        hidden=hidden,
        proving=proving,
        derived=frozenset(derived),
    )


def awaits(runs: Sequence[Run], claims: Iterable[Claim], now: float) -> bool:
    """Return whether more runs of a job are decided on, or were asked for and may still be listed."""
    return any(not one.state.final or (now < _lost(one) and _missing(one, runs) > 0) for one in claims)


def _is_hindered(claim: Claim, now: float) -> bool:
    """Whether a claim's note says what it waits for; the note of a claim just decided says what that rests on."""
    return claim.state is not ClaimState.OWED or claim.tries > 0 or claim.behind != "" or claim.due > now


def _standing(
    job: str, runs: Sequence[Run], background: History, files: Collection[str], proving: Collection[Result]
) -> Standing:
    failed = [run for run in runs if run.failed and run.result in proving]
    failure = Failure(
        tuple(same_failure.evidence_of(job, run.evidence, background) for run in failed),
        min((run.time or math.inf for run in failed), default=math.inf),
        max((run.time or math.inf for run in runs if run.state is State.FINISHED), default=math.inf),
        touched(files, (line for run in failed for line in (*run.lines, *run.failures))),
    )
    return background.standing(job, failure)


def _running(runs: Sequence[Run], claims: Sequence[Claim]) -> int:
    """Count the listed, unfinished runs that claims decided on."""
    if not any(claim.wanted for claim in claims):
        return 0
    known = min(claim.known_runs for claim in claims if claim.wanted)
    return sum(run.state is not State.FINISHED for run in runs[known:])


def _missing(claim: Claim, runs: Sequence[Run]) -> int:
    """Count the runs that were requested and are not listed."""
    match claim.state:
        case ClaimState.OPEN | ClaimState.OWED | ClaimState.SENDING | ClaimState.UNKNOWN | ClaimState.DONE:
            return claim.asked - (len(runs) - claim.known_runs)
        case ClaimState.REFUSED | ClaimState.WOULD:
            return 0


def _lost(claim: Claim) -> float:
    """Return when a run that was requested and is not listed counts as lost."""
    return max(claim.created, claim.due) + _LOST
