"""A failure line, or a test, over time: which pushes and jobs show it, since when, and how often a retrigger passed."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triggerbot.core import event_json
from triggerbot.core.formatting import moment, plural
from triggerbot.core.model import Push
from triggerbot.core.run_tests import FailingTest
from triggerbot.core.verdict import fingerprint
from triggerbot.core.verdict.lines import likeness, test_ids
from triggerbot.reports import flakiness, push_json
from triggerbot.reports.branches import Branches
from triggerbot.reports.seen_failures import Failure, Sighting
from triggerbot.store import FAILURE_RECORDS_MAX, FailureRecord, Store

#: Sightings that are listed, the newest; pushes of which it is read which further jobs fail alike.
SEEN_MAX, _JOBS_OF_MAX = 100, 50
#: Where a line may part the id of a test from what is said of it.
_SAID, _PARTS_MAX = ": ", 4


@dataclass(frozen=True, slots=True)
class OnBase:
    """What is kept of a failure on the base branch; `branch`: empty if that is not known."""

    branch: str
    #: Pushes there at which it is seen, those at which every run failed, and when it was seen last.
    pushes: int = 0
    broken: int = 0
    last: float | None = None

    @property
    def says(self) -> str:
        """The same in words."""
        if not self.branch:
            return "the base branch is not known"
        if not self.pushes:
            return f"not seen on the base branch {self.branch}"
        every = f", at {self.broken} of them every run failed" if self.broken else ", and another run passed each time"
        return (
            f"seen on the base branch {self.branch}, too, at {plural(self.pushes, 'push', 'pushes')}{every}; "
            f"last {moment(self.last)}"
        )


@dataclass(frozen=True, slots=True)
class FailureHistory:
    """A failure over time; `test`: it is that of a test, whatever is said of it, else that of a line."""

    project: str
    line: str
    test: str
    failure: Failure
    #: Pushes at which it was seen, by job and by branch, the most first.
    jobs: tuple[tuple[str, int], ...]
    branches: tuple[tuple[str, int], ...]
    #: Jobs at pushes where it failed and ran once more, and those of them where a run passed.
    again: int
    passed: int
    base: OnBase
    #: What failed before is not kept (seconds since the epoch); `None`: nothing that is too old was deleted early.
    since: float | None

    @property
    def rate(self) -> str:
        """How often it passed on a retrigger, in words; empty if it never ran again."""
        if not self.again:
            return ""
        low, high = flakiness.interval(self.passed, self.again)
        share = f"{flakiness.percent(self.passed / self.again)} ({flakiness.percent(low)} to {flakiness.percent(high)})"
        return f"{share}: {self.passed} of {self.again}"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        low, high = flakiness.interval(self.passed, self.again)
        counts = self.failure.as_json()
        return {
            "project": self.project,
            "line": self.line or None,
            "test": self.test or None,
            **{name: value for name, value in counts.items() if name != "line"},
            "jobs": [{"job": job, "pushes": number} for job, number in self.jobs],
            "branches": [{"branch": branch, "pushes": number} for branch, number in self.branches],
            "ran_again": {
                "times": self.again,
                "passed": self.passed,
                "low": round(low, 4),
                "high": round(high, 4),
            },
            "base": {
                "branch": self.base.branch or None,
                "pushes": self.base.pushes,
                "every_run_failed": self.base.broken,
                "last_seen": event_json.format_time(self.base.last),
                "says": self.base.says,
            },
            "complete_since": event_json.format_time(self.since),
            "seen": [
                {
                    **push_json.place(one.push),
                    "job": one.job,
                    "first_seen": event_json.format_time(one.first),
                    "last_seen": event_json.format_time(one.last),
                    "failed": one.failed,
                    "passed": one.passed,
                }
                for one in self.failure.seen[:SEEN_MAX]
            ],
        }


def tells(line: str) -> bool:
    """Return whether a line says what failed: what any failure may show belongs to none."""
    return bool(fingerprint.shapes((line,)))


def look(store: Store, branches: Branches, project: str, *, line: str = "", test: str = "") -> FailureHistory | None:
    """Look at the failure of a line, or of a test; `None` if no push that is kept shows it.

    Raises `StoreUnavailable`.
    """
    known = next((one for one in store.pushes.projects() if one.lower() == project.lower()), None)
    if known is None or not (line or test):
        return None
    records = store.reports.failure_records(known)
    shapes = _shapes_of(line) if line else frozenset[str]()
    shows = _of_test(test) if test else lambda own: not shapes.isdisjoint(own)
    found = [one for one in records if shows(one.shapes)]
    seen = [_sighting(one) for one in found]
    seen += _alike(store, found, lambda cell_shapes, tests: test in tests or shows(cell_shapes))
    if not seen:
        return None
    seen.sort(key=lambda one: (-one.last, one.push, one.job))
    again = [one for one in seen if one.passed or one.failed > 1]
    return FailureHistory(
        known, line, test, Failure(line or test, tuple(sorted(shapes)), tuple(seen)),
        _counted((one.job, one.push) for one in seen), _counted((one.push.branch, one.push) for one in seen),
        len(again), sum(bool(one.passed) for one in again),
        _on_base(branches.base(known), found),
        records[-1].at if len(records) >= FAILURE_RECORDS_MAX else None,
    )  # fmt: skip


def _shapes_of(line: str) -> frozenset[str]:
    """Return the shapes that a line may have: people may read the id of a test in it, and what is said of that."""
    found = {*fingerprint.shapes((line,)), line}
    parts = line.split(_SAID, _PARTS_MAX)
    for place in range(1, len(parts)):
        test = FailingTest(_SAID.join(parts[:place]), _SAID.join(parts[place:]))
        found.update(fingerprint.shapes((test.named,)))
    return frozenset(found)


def _of_test(test: str) -> Callable[[Collection[str]], bool]:
    """Return what tells shapes that name a test from others."""
    named = next(iter(fingerprint.shapes((FailingTest(test).named,))), "")
    name = likeness.split(named)[0]
    own = test_ids.parts(name)

    def shows(shapes: Collection[str]) -> bool:
        return any(name in one and test_ids.parts(likeness.split(one)[0]) == own for one in shapes)

    return shows if name else lambda _: False


def _sighting(one: FailureRecord) -> Sighting:
    return Sighting(one.push, one.job, one.began, one.at, one.failed, one.passed, one.shapes)


def _alike(
    store: Store, records: Sequence[FailureRecord], shows: Callable[[Collection[str], Collection[str]], bool]
) -> Iterator[Sighting]:
    """Yield the further jobs that fail alike at pushes of which one record stands for several."""
    several = {one.push: one for one in records if one.others}
    pushes = list(several)[:_JOBS_OF_MAX]
    told = {(one.push, one.job) for one in records}
    for push, shown in zip(pushes, store.pushes.shown(pushes), strict=True):
        for one in shown or ():
            if (push, one.name) not in told and one.cell.shapes and shows(one.cell.shapes, one.cell.tests):
                told.add((push, one.name))
                record = several[push]
                yield Sighting(push, one.name, record.began, record.at, 0, 0, one.cell.shapes)


def _counted(seen: Iterable[tuple[str, Push]]) -> tuple[tuple[str, int], ...]:
    """Count the pushes of each name, the most first."""
    counted: Mapping[str, int] = Counter(name for name, _ in set(seen))
    return tuple(sorted(counted.items(), key=lambda one: (-one[1], one[0])))


def _on_base(branch: str, records: Sequence[FailureRecord]) -> OnBase:
    there = [one for one in records if one.push.branch == branch and not one.fork]
    broken = {one.push for one in there if not one.passed}
    return OnBase(branch, len({one.push for one in there}), len(broken), max((one.at for one in there), default=None))
