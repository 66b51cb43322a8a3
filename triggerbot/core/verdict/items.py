"""Failures to look at: what a push leaves for a person, a failure once whatever number of runs and jobs show it. Pure.

Retriggers that fail as their original did are one with it, and so are the jobs of a push that fail alike. What fails
otherwise is a failure of its own. Nobody has to look at what is inherited, follows from another job or proved
intermittent and is not suspected to be new; nor, yet, at what is being retriggered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from triggerbot.core.verdict.same_failure import Alike
from triggerbot.core.verdict.verdict import JobVerdict, Verdict


@dataclass(frozen=True, slots=True)
class Item:
    """A failure to look at, and the jobs that show it; `line`: empty if nothing telling is known of it."""

    line: str
    jobs: tuple[str, ...]


def needs_person(job: JobVerdict) -> bool:
    """Return whether somebody has to look at a job: it failed, or may be intermittent since this push."""
    return not job.hidden and (job.verdict is Verdict.FAILED or job.suspected)


def to_look_at(jobs: Iterable[JobVerdict], groups: Iterable[Alike]) -> tuple[Item, ...]:
    """Return the failures of a push to look at, those of the most jobs first; `groups`: its failures, by job.

    Several runs of one job of which no line tells are one: whoever looks at the job looks at them.
    """
    wanted = {job.job: job for job in jobs if needs_person(job)}
    found = [Item(one.line, names) for one in groups if (names := _among(wanted, (*one.jobs, *one.also)))]
    silent = (name for name, job in wanted.items() if job.failing is None or not job.failing.shapes)
    found += [Item("", (name,)) for name in silent]
    return tuple(sorted(found, key=lambda one: (-len(one.jobs), one.jobs)))


def _among(wanted: Iterable[str], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names).intersection(wanted)))
