"""Jobs that could not be retriggered, and why, so that nobody has to ask an operator what became of a request."""

from typing import NamedTuple

from triggerbot.core.decision import Refusal
from triggerbot.core.model import Push
from triggerbot.reports import timeline
from triggerbot.store import Search, Store, TimelineEntry

#: Pushes searched, at most, the most recently observed; and jobs listed.
_PUSHES_MAX, _JOBS_MAX = 50, 100
#: Refusals that come from the CI, not from a rule.
_BY_CI = frozenset({Refusal.NOT_FOUND, Refusal.REFUSED_BY_CI})


class Stuck(NamedTuple):
    """A job that could not be retriggered, and the last entry of its timeline."""

    push: Push
    job: str
    at: float
    text: str


def stuck(store: Store) -> list[Stuck]:
    """List the jobs that could not be retriggered, or not yet, the latest first; raises `StoreUnavailable`."""
    found = []
    for summary in store.search(Search(), _PUSHES_MAX):
        for job, entries in timeline.by_job(store.timeline(summary.push)).items():
            last = next((entry for entry in reversed(entries) if entry.what != "verdict"), None)
            if last is not None and _is_stuck(last):
                found.append(Stuck(summary.push, job, last.at, timeline.entry_line(last).text))
    found.sort(key=lambda one: -one.at)
    return found[:_JOBS_MAX]


def _is_stuck(entry: TimelineEntry) -> bool:
    return entry.what in ("wait", "doubt") or (entry.what == "refuse" and entry.reason in _BY_CI)
