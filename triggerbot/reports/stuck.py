"""What could not be triggered, and why: so that nobody has to ask an operator what became of a request."""

from typing import NamedTuple

from triggerbot.core.model import Push, Refusal
from triggerbot.reports import timeline
from triggerbot.store import Search, Store, TimelineEntry

#: Pushes that are looked through, those heard of last; and jobs that are listed.
_PUSHES_MAX, _JOBS_MAX = 50, 100
#: What ends in vain, by no rule of ours.
_IN_VAIN = frozenset({Refusal.NOT_FOUND, Refusal.REFUSED_BY_CI})


class Stuck(NamedTuple):
    """The last thing that happened to a job that somebody or something wanted to be run again."""

    push: Push
    job: str
    at: float
    text: str


def stuck(store: Store) -> list[Stuck]:
    """List the jobs that could not be retriggered, or not yet, the latest first."""
    found = []
    for summary in store.search(Search(), _PUSHES_MAX):
        for job, entries in timeline.by_job(store.timeline(summary.push)).items():
            told = [entry for entry in entries if entry.what != "verdict"]
            if told and _in_vain(told[-1]):
                found.append(Stuck(summary.push, job, told[-1].at, timeline.entry_line(told[-1]).text))
    found.sort(key=lambda one: -one.at)
    return found[:_JOBS_MAX]


def _in_vain(entry: TimelineEntry) -> bool:
    return entry.what in ("wait", "doubt") or (entry.what == "refuse" and entry.reason in _IN_VAIN)
