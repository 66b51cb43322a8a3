"""What the verdict on an entry of a merge queue comes to: may it be merged, and may it be put back? Pure.

A queue merges what its required check lets pass, so here only a proof is a success. Elsewhere a push that proves
nothing is neither good nor bad; here that is a failure.
"""

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
    base too is not of this entry and does not keep it out, but something else has to pass.
    `timed_out`: the time that it may take is over, so it is decided by what is known now.
    """
    if judged.health is Health.FAILING:
        return Conclusion.FAILURE, judged.sentence
    if not judged.final and not timed_out:
        return Conclusion.PENDING, judged.sentence
    if judged.health is not Health.GOOD:
        why = f"not proved in the time that a merge may wait: {judged.sentence}" if timed_out else judged.sentence
        return Conclusion.FAILURE, why
    new = [job.job for job in _shown(judged) if job.verdict is Verdict.INTERMITTENT and job.novelty != Novelty.KNOWN]
    if new:
        others = f" and {len(new) - 1} more" if len(new) > 1 else ""
        return Conclusion.FAILURE, f"intermittent, and not known to be before this change: {new[0]}{others}"
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
    mattering = (job for job in judged.jobs if not job.hidden or job.told_apart)
    return [job for job in mattering if any(run.failed for run in job.runs)]


def _shown(judged: PushVerdict) -> list[JobVerdict]:
    return [job for job in judged.jobs if not job.hidden]
