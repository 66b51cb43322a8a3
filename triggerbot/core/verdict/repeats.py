"""Failed runs that nobody has to look at again: retriggers that fail as their original did, jobs of one cause. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from triggerbot.core import identity
from triggerbot.core.claim import Claim
from triggerbot.core.model import Run, RunKey
from triggerbot.core.policy.causes import inherits_from
from triggerbot.core.verdict import fingerprint
from triggerbot.core.verdict.same_failure import TellingOf, told_alone


def repeats(
    job: str, runs: Sequence[Run], claims: Sequence[Claim], telling: TellingOf = told_alone
) -> Iterator[tuple[Run, Run]]:
    """Yield pairs of a failed run and a retrigger of it that failed alike.

    `runs`: all of a job, by its key, at a push, oldest first. `telling`: what of their lines tells; a failure of
    which nothing does is like no other.
    """
    originals: dict[RunKey, Run] = {}
    for claim in claims:
        original = _original(claim, runs)
        if original is None or claim.dry:
            continue
        # What repeats a repetition repeats what that does.
        original = originals.get(original.key, original)
        shapes = telling(claim.push, job, original.evidence)
        for run in runs[claim.known_runs : claim.known_runs + claim.asked]:
            if not run.failed or run.key == original.key or run.key in originals:
                continue
            # What fails in a further test besides is a failure of its own.
            if fingerprint.shown(telling(claim.push, job, run.evidence), [shapes]):
                originals[run.key] = original
                yield original, run


class Judged(NamedTuple):
    """A job of a push, by its key, with all its runs and claims."""

    job: str
    runs: Sequence[Run]
    claims: Sequence[Claim]


def of_one_cause(jobs: Sequence[Judged], telling: TellingOf = told_alone) -> Iterator[tuple[Run, Run]]:
    """Yield pairs of a failed run that was retriggered for several jobs, and one of a job that inherits what it proved.

    A pass of either proves something else.
    """
    firsts: dict[str, tuple[Claim, Run]] = {}
    for job in jobs:
        for claim in job.claims:
            original = _original(claim, job.runs)
            if claim.asked and not claim.dry and original and not any(run.passed for run in job.runs):
                firsts.setdefault(identity.label(claim.job, claim.run.event), (claim, original))
    for job in jobs:
        labels = [label for claim in job.claims if (label := inherits_from(claim)) is not None]
        if not labels or labels[0] not in firsts or any(run.passed for run in job.runs):
            continue
        claim, original = firsts[labels[0]]
        shapes = telling(claim.push, claim.job, original.failures)
        for run in job.runs:
            if run.failed and fingerprint.same(shapes, telling(claim.push, job.job, run.failures)):
                yield original, run


def _original(claim: Claim, runs: Sequence[Run]) -> Run | None:
    """Return the failed run that a claim's retriggers repeat: its own, or else the newest before the decision."""
    known = [run for run in runs[: claim.known_runs] if run.failed]
    return next((run for run in known if run.key == claim.run.key), known[-1] if known else None)
