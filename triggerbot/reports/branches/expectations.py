"""Reports of branches of which nothing was heard for too long, and of those that are heard of again.

A change is noticed and stored in one transaction, and reported by whoever takes it: as with pushes, each reporter
stores what it sent before it sends it, so that neither a crash nor a replica repeats it.
"""

import math
import threading
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from triggerbot.core.model import Push
from triggerbot.core.policy import expectation
from triggerbot.core.policy.rules import Rule
from triggerbot.metrics import Metrics
from triggerbot.reports import Reporter, ReportsExpectations, delivery
from triggerbot.reports.branches.expectation_text import sentence
from triggerbot.store import Store
from triggerbot.store.expectations import BranchChange, Expectation

log = structlog.get_logger("triggerbot.publish")

#: Seconds of the lease on a branch, after which another worker takes it.
_LEASE = 180.0
#: Seconds between looks at what was heard, and by how much each overlaps with the last one: a push keeps its last event
#: to the minute.
_LOOK_EVERY, _OVERLAP = 15.0, 180.0
#: Seconds until a reporter that fails is given up.
_GIVE_UP = 86_400.0
#: Seconds after the start in which nothing counts as silent, a tenth of the shortest period at most: what came while no
#: daemon ran is heard of first.
_DEAF = 300.0


class Expectations:
    """The worker for branches of which something is expected. Thread-safe."""

    def __init__(
        self,
        store: Store,
        rules: Sequence[Rule],
        reporters: Sequence[Reporter],
        *,
        dry: bool,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._expected = expectation.expected(rules)
        self._reporters = reporters
        self._dry = dry
        self._clock = clock
        self._metrics = metrics
        #: Held by the thread that works on them: there is little to do.
        self._working = threading.Lock()
        self._started = clock()
        self._deaf = min((_DEAF, *(one.every / 10 for one in self._expected)))
        #: When it looked last, and since when what was heard is read: everything that is known, at first.
        self._looked, self._since = -math.inf, 0.0

    def step(self) -> bool:
        """Look at what was heard, and report one change; return whether there was one. Raises `StoreUnavailable`."""
        if not self._working.acquire(blocking=False):
            return False
        try:
            return self._step()
        finally:
            self._working.release()

    def _step(self) -> bool:
        now = self._clock()
        if self._looked == -math.inf or (self._expected and not 0 <= now - self._looked < _LOOK_EVERY):
            # Without any there is nothing to do but to forget, once, those of the configuration before.
            self._look()
        if not self._expected or 0 <= now - self._started < self._deaf or not self._store.expectations.is_due(now):
            return False
        # What was heard a moment ago counts.
        self._look()
        taken = self._store.expectations.take(self._clock(), _LEASE)
        if taken is None or not taken.changes:
            return taken is not None
        change = taken.changes[0]
        due = self._report(taken, change)
        names = [one.name for one in self._reporters]
        if due is None:
            self._log(taken, change)
        self._store.expectations.end(taken.project, taken.branch, change.number, due, names)
        return True

    def _look(self) -> None:
        now = self._clock()
        wanted = {one.key for one in self._expected}
        heard = self._store.expectations.heard(wanted, self._since) if wanted else {}
        self._store.expectations.follow(self._expected, heard, now)
        self._looked, self._since = now, now - _OVERLAP

    def _report(self, taken: Expectation, change: BranchChange) -> float | None:
        """Report a change everywhere; return when to try again where it failed."""
        due: list[float] = []
        push = Push("", taken.project, taken.branch, "")
        for reporter in {one.name: one for one in self._reporters}.values():
            if not isinstance(reporter, ReportsExpectations) or reporter.name in taken.told or not reporter.wants(push):
                continue
            if self._dry:
                text = sentence(taken.project, taken.branch, change)
                log.info("report", report=reporter.name, project=taken.project, branch=taken.branch, sentence=text,
                         dry_run=True)  # fmt: skip
                continue
            wait = self._update(reporter, taken, change)
            if wait is None or self._clock() - change.at > _GIVE_UP:
                self._store.expectations.told(taken.project, taken.branch, change.number, reporter.name)
            else:
                due.append(self._clock() + wait)
        return min(due, default=None)

    def _update(self, reporter: ReportsExpectations, taken: Expectation, change: BranchChange) -> float | None:
        """Have one reporter report a change; return the seconds to wait if it failed."""
        save = partial(self._store.expectations.keep, taken.project, taken.branch, reporter.name)
        stored = taken.kept.get(reporter.name, "")
        tried = delivery.attempt(
            reporter.name,
            {"project": taken.project, "branch": taken.branch},
            partial(reporter.report_expectation, taken.project, taken.branch, change, stored, save),
            self._metrics,
            waited=max(0.0, self._clock() - change.at),
        )
        return tried.wait

    def _log(self, taken: Expectation, change: BranchChange) -> None:
        name = "branch.silent" if change.silent else "branch.heard"
        log_line = log.warning if change.silent else log.info
        log_line(name, project=taken.project, branch=taken.branch, seconds=round(change.at - change.since),
                 expected_every=round(change.every))  # fmt: skip
