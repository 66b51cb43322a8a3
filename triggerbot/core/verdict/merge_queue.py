"""What the verdict on an entry of a merge queue comes to: may it be merged, and may it be put back? Pure.

A queue merges what its required check lets pass, so here only a proof is a success. Elsewhere a push that proves
nothing is neither good nor bad; here that is a failure.
"""

from collections.abc import Sequence
from enum import StrEnum

from triggerbot.core.verdict.health import Health, PushVerdict
from triggerbot.core.verdict.history import Novelty
from triggerbot.core.verdict.verdict import JobVerdict, Verdict


class Conclusion(StrEnum):
    """What the required check says."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


def conclude(judged: PushVerdict, *, timed_out: bool) -> tuple[Conclusion, str]:
    """Return what an entry comes to, and why in one sentence.

    It passes if every job passed, or failed in a way that proved intermittent and was known to be. What fails on the
    base too is a failure here: it proves no more for the entry, and what is before it may be another entry.
    `timed_out`: the time that it may take is over, so it is decided by what is known now.
    """
    if judged.health is Health.FAILING:
        return Conclusion.FAILURE, judged.sentence
    inherited = [job.job for job in _shown(judged) if job.inherited]
    if inherited:
        return Conclusion.FAILURE, f"fails on the base too: {_first(inherited)}"
    if not judged.final and not timed_out:
        return Conclusion.PENDING, judged.sentence
    if judged.health is not Health.GOOD:
        why = f"not proved in the time that a merge may wait: {judged.sentence}" if timed_out else judged.sentence
        return Conclusion.FAILURE, why
    new = [job.job for job in _shown(judged) if job.verdict is Verdict.INTERMITTENT and job.novelty != Novelty.KNOWN]
    if new:
        return Conclusion.FAILURE, f"intermittent, and not known to be before this change: {_first(new)}"
    return Conclusion.SUCCESS, judged.sentence


def has_failed(judged: PushVerdict) -> bool:
    """Return whether anything is known to have failed: the news of an eviction may come before that of its cause."""
    return bool(_failed(judged))


def may_return(judged: PushVerdict) -> bool:
    """Return whether an evicted entry may be put back: something failed, and all of it proved intermittent or infra.

    What fails on the base too would fail again.
    """
    failed = _failed(judged)
    return bool(failed) and all(job.verdict in (Verdict.INTERMITTENT, Verdict.INFRA) for job in failed)


def _failed(judged: PushVerdict) -> list[JobVerdict]:
    return [job for job in _shown(judged) if any(run.failed for run in job.runs)]


def _shown(judged: PushVerdict) -> list[JobVerdict]:
    """Return the jobs that count: those, too, by which a push is not judged since they fail on its base."""
    return [job for job in judged.jobs if not job.hidden or job.told_apart]


def _first(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]
