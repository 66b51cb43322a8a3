"""The health of a push, from the verdicts on its jobs: is my push good, and why? Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from triggerbot.core.model import Kind, Result, Run, State
from triggerbot.core.verdict import items, same_failure
from triggerbot.core.verdict.items import Item
from triggerbot.core.verdict.same_failure import Common
from triggerbot.core.verdict.verdict import JobVerdict, Verdict


class Health(StrEnum):
    """The answer to "is my push good?"."""

    GOOD = "good"
    FAILING = "failing"
    PENDING = "pending"
    #: Nothing failed and nothing is to come, but some job never came to an end that proves anything.
    INCOMPLETE = "incomplete"


def explained(workflows: Iterable[Sequence[Run]], jobs: Iterable[Run]) -> set[str]:
    """Return the batches of `workflows`, entries of their own, that need none: their jobs tell all.

    That is so where one of them ran after the entry's end (a workflow run that somebody had to approve goes on in the
    same attempt), and, of a workflow run that was cancelled, where one of them was cancelled or failed when it last
    ran, perhaps in an earlier attempt.
    """
    last = {runs[-1].batch: runs[-1] for runs in workflows if runs}
    newest: dict[tuple[str, str], Run] = {}
    found = set()
    for run in jobs:
        entry = last.get(run.batch)
        if entry is None or run.kind is Kind.WORKFLOW:
            continue
        if (run.attempt, run.time or 0.0) > (entry.attempt, entry.time or 0.0):
            found.add(run.batch)
        known = newest.get((run.batch, run.job))
        if known is None or run.attempt >= known.attempt:
            newest[run.batch, run.job] = run
    ended = (run.batch for run in newest.values() if run.failed or run.result is Result.CANCELLED)
    return found | {batch for batch in ended if last[batch].result is Result.CANCELLED}


#: Verdicts with which a job speaks for its push.
GOOD = frozenset({Verdict.PASSED, Verdict.INTERMITTENT})


@dataclass(frozen=True, slots=True)
class PushVerdict:
    """The health of a push, with the reason in one sentence."""

    health: Health
    sentence: str
    jobs: tuple[JobVerdict, ...]
    #: Failures that several jobs share, the most frequent first.
    common: tuple[Common, ...] = ()
    #: What is left for a person: each failure once.
    to_look_at: tuple[Item, ...] = ()
    #: Estimated seconds until everything under way has finished; `None`: nothing is under way, or it is unknown.
    left: float | None = None
    #: The revision that the push is based on, if that is known, and all those that the verdict rests on.
    base: str | None = None
    rests_on: tuple[str, ...] = ()

    @property
    def final(self) -> bool:
        """Whether everything that was started or decided has ended."""
        return bool(self.jobs) and not any(
            job.verdict is Verdict.PENDING or job.awaited or any(run.state is not State.FINISHED for run in job.runs)
            for job in self.jobs
        )

    @property
    def until(self) -> float | None:
        """When the verdict changes by itself if no more events come; `None`: never."""
        return min((job.until for job in self.jobs if job.until is not None), default=None)

    @property
    def counts(self) -> dict[str, int]:
        """The number of jobs by verdict; `none` for those that prove nothing."""
        return {str(verdict or "none"): number for verdict, number in Counter(job.verdict for job in self.jobs).items()}


def of_push(jobs: Iterable[JobVerdict], now: float | None = None) -> PushVerdict:
    """Judge a push: it is good if each of its jobs passed or is intermittent, except for those that the CI skipped.

    So one of which the CI skipped everything is good: nothing was to run. Hidden jobs are counted in the sentence and
    decide nothing. What fails as on the base has come to an end that proves something, and not of this push; but where
    nothing else passed, nothing is proved that is good. `now`: to estimate the time left.
    """
    listed = tuple(jobs)
    shown = [job for job in listed if not job.hidden]
    judged = PushVerdict(Health.PENDING, "", listed)
    if any(job.verdict is Verdict.FAILED for job in shown):
        health = Health.FAILING
    elif shown and all(job.verdict in GOOD or job.skipped for job in shown) and not _is_all_inherited(listed, shown):
        health = Health.GOOD
    else:
        health = Health.INCOMPLETE if judged.final else Health.PENDING
    groups = same_failure.grouped({job.job: job.failing for job in listed if job.failing is not None})
    common, looked_at = same_failure.in_common(groups), items.to_look_at(listed, groups)
    left = None if now is None else _left(listed, now)
    judged = replace(judged, health=health, common=common, to_look_at=looked_at, left=left)
    return replace(judged, sentence=_sentence(judged, shown))


def _is_all_inherited(jobs: Iterable[JobVerdict], shown: Iterable[JobVerdict]) -> bool:
    """Return whether jobs fail as on the base, and no other job of the push proves anything."""
    return any(job.told_apart for job in jobs) and not any(job.verdict in GOOD for job in shown)


def _sentence(judged: PushVerdict, jobs: Sequence[JobVerdict]) -> str:
    if not judged.jobs:
        return "nothing is known of it yet"
    count = Counter(job.verdict for job in jobs)
    skipped = sum(job.skipped for job in jobs)
    owed = sum(job.owed for job in judged.jobs)
    suspected = sum(job.suspected for job in jobs)
    first = sum(job.verdict is Verdict.PENDING and not job.awaited for job in jobs)
    follow = sum(bool(job.follows) and job.hidden for job in judged.jobs)
    inherited = sum(job.inherited for job in judged.jobs)
    hidden = sum(
        job.hidden and not job.inherited and job.verdict in (Verdict.FAILED, Verdict.INFRA) for job in judged.jobs
    )
    parts = [
        _failing(jobs, judged.common),
        _plural(inherited, "fails on the base too", "fail on the base too"),
        _plural(follow, "follows from another", "follow from others"),
        _plural(count[Verdict.INFRA], "job met only infrastructure errors", "jobs met only infrastructure errors"),
        _plural(count[Verdict.INTERMITTENT], "is intermittent", "are intermittent")
        + (f" ({suspected} suspected new)" if suspected else ""),
        _plural(sum(job.awaited for job in judged.jobs) - owed, "retrigger running", "retriggers running"),
        _plural(owed, "retrigger owed", "retriggers owed"),
        _plural(first, "is pending", "are pending"),
        _plural(count[Verdict.PASSED], "passed", "passed"),
        "nothing else passed" if judged.health is Health.INCOMPLETE and _is_all_inherited(judged.jobs, jobs) else "",
        _plural(count[None] - skipped, "job did not finish", "jobs did not finish"),
        _plural(skipped, "was skipped", "were skipped"),
        _plural(hidden, "hidden job fails", "hidden jobs fail"),
        f"about {_minutes(judged.left)} left" if judged.left else "",
    ]
    text = ", ".join(part for part in parts if part) or "only hidden jobs are known of it"
    text += _to_look_at(judged, jobs)
    return f"{text}; nothing more is to come" if judged.health is Health.INCOMPLETE else text


def _failing(jobs: Sequence[JobVerdict], common: Sequence[Common]) -> str:
    """Render the failing jobs; those that ran only once, or not often enough, are counted apart: that proves less."""
    failed = [job for job in jobs if job.verdict is Verdict.FAILED]
    once = sum(job.failing_runs <= 1 for job in failed)
    unsure = sum(job.unsure and job.failing_runs > 1 for job in failed)
    often = len(failed) - once - unsure
    alike = _fail_alike(failed, common)
    if alike and len(failed) > max(often, once, unsure):
        less = filter(None, (f"{once} of them ran once" if once else "", f"{unsure} not proved" if unsure else ""))
        return f"{len(failed)} jobs fail with the same failure ({', '.join(less)})"
    parts = [
        (often, "fails every time", "fail every time"),
        (unsure, "failed so far, not proved", "failed so far, not proved"),
        (once, "failed once", "failed once"),
    ]
    (number, one, many), *rest = [part for part in parts if part[0]] or [(0, "", "")]
    text = ", ".join((_plural(number, f"job {one}", f"jobs {many}"), *(_plural(*part) for part in rest)))
    return f"{text} with the same failure" if alike else text


def _to_look_at(judged: PushVerdict, jobs: Sequence[JobVerdict]) -> str:
    """Render how many failures there are to look at, where the number of jobs does not tell."""
    told = sum(map(items.needs_person, jobs))
    number = len(judged.to_look_at)
    alike = number == 1 and _fail_alike([job for job in jobs if job.verdict is Verdict.FAILED], judged.common)
    return "" if number == told or alike else f"; {_plural(number, 'failure', 'failures')} to look at"


def _fail_alike(failed: Sequence[JobVerdict], common: Sequence[Common]) -> bool:
    """Return whether several jobs fail with the same failure."""
    return len(failed) > 1 and any({job.job for job in failed} <= set(one.jobs) for one in common)


def _left(jobs: Sequence[JobVerdict], now: float) -> float | None:
    """Estimate the seconds left from the finished runs of the same jobs: the left wait counts."""
    left = None
    for job in jobs:
        if job.verdict is not Verdict.PENDING and not job.awaited:
            continue
        if job.owed == job.awaited > 0 and job.waits:
            # It is unknown how long it has to wait.
            return None
        lengths = [seconds for run in job.runs if (seconds := run.seconds) is not None]
        if not lengths:
            continue
        lengths.sort()
        half = len(lengths) // 2
        length = (lengths[half] + lengths[~half]) / 2
        running = [run for run in job.runs if run.state is not State.FINISHED]
        ends = [
            max(60.0, length - (now - run.started)) if run.state is State.RUNNING and run.started else length
            for run in running
        ]
        more = length if job.awaited > len(running) else 0.0
        left = max(left or 0.0, *ends, more)
    return left or None


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 90 else f"{round(minutes / 60)} h"


def _plural(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""
