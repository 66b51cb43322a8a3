"""Jobs that could not be retriggered, and why, so that nobody has to ask an operator what became of a request.

What is only waited for is no error; and what one outage does to many jobs is one row.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from triggerbot.core import event_json
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Push
from triggerbot.core.policy import waiting
from triggerbot.core.policy.circuit_breaker import BreakerScope
from triggerbot.reports import push_json, timeline
from triggerbot.store import Search, Store, TimelineEntry

#: Pushes searched, at most, the most recently observed; and rows listed.
_PUSHES_MAX, _ROWS_MAX = 50, 100
#: Refusals that come from the CI, not from a rule.
_BY_CI = frozenset({Refusal.NOT_FOUND, Refusal.REFUSED_BY_CI})
_WORD = re.compile(r"\w+")
#: Characters of the longest number that means the same of all jobs, such as 503.
_CODE = 3


@dataclass(frozen=True, slots=True)
class Stuck:
    """Jobs that could not be retriggered for the same reason, by the one that met it last."""

    push: Push
    job: str
    at: float
    text: str
    #: When the first of them met it, and how many jobs of how many pushes did.
    first: float
    jobs: int = 1
    pushes: int = 1

    def as_json(self) -> dict[str, Any]:
        """Return the row as JSON-able values."""
        return {
            "at": event_json.format_time(self.at),
            **push_json.place(self.push),
            "job": self.job,
            "why": self.text,
            "first": event_json.format_time(self.first),
            "jobs": self.jobs,
            "pushes": self.pushes,
        }


@dataclass(frozen=True, slots=True)
class _Met:
    """One job in trouble."""

    push: Push
    job: str
    first: float
    last: TimelineEntry


def stuck(store: Store, since: float = 0.0) -> list[Stuck]:
    """List why jobs could not be retriggered, or not yet, since then, the latest first; raises `StoreUnavailable`."""
    down = {one.place.system for one in store.limits.breakers() if one.open and one.place.scope is BreakerScope.SYSTEM}
    rows: dict[tuple[str, ...], list[_Met]] = {}
    for summary in store.pushes.search(Search(), _PUSHES_MAX):
        for job, entries in timeline.by_job(store.pushes.timeline(summary.push)).items():
            met = _met(summary.push, job, [entry for entry in entries if entry.what != "verdict"])
            if met is not None and met.last.at >= since:
                rows.setdefault(_cause(met, down), []).append(met)
    found = sorted(map(_row, rows.values()), key=lambda one: -one.at)
    return found[:_ROWS_MAX]


def _met(push: Push, job: str, entries: Sequence[TimelineEntry]) -> _Met | None:
    """Return the trouble that a job is in by its last entry, and since when."""
    if not entries or not _is_trouble(entries[-1]):
        return None
    first = entries[-1].at
    for entry in reversed(entries):
        if entry.what != "send" and not _is_trouble(entry):
            break
        first = entry.at
    return _Met(push, job, first, entries[-1])


def _is_trouble(entry: TimelineEntry) -> bool:
    if entry.what in ("refuse", "unmeasured"):
        return entry.reason in _BY_CI
    return entry.what == "doubt" or (entry.what == "wait" and not waiting.what(entry.text))


def _cause(met: _Met, down: Collection[str]) -> tuple[str, ...]:
    """Return what jobs in the same trouble have in common; while a system's breaker is open, its outage is that."""
    push, last = met.push, met.last
    if last.what != "refuse" and push.system in down:
        return (push.system,)
    text = last.text.replace(push.project, "").replace(push.branch, "").replace(met.job, "")
    return push.system, last.what, last.reason, _WORD.sub(_without_ids, text)


def _without_ids(word: re.Match[str]) -> str:
    """Leave out what the same answer says differently of different jobs: ids, revisions, counts."""
    found = word[0]
    return "" if len(found) > _CODE and any(map(str.isdigit, found)) else found


def _row(jobs: Iterable[_Met]) -> Stuck:
    listed = sorted(jobs, key=lambda one: one.last.at)
    newest = listed[-1]
    return Stuck(
        newest.push,
        newest.job,
        newest.last.at,
        timeline.entry_line(newest.last).text,
        min(one.first for one in listed),
        len(listed),
        len({one.push for one in listed}),
    )
