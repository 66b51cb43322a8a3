"""Finds out who broke a job: runs it at pushes of its branch that did not, until what they prove names one.

Each of those runs is a claim of its push, so breakers, caps and the budget of that push hold for it, and the dispatcher
asks the CI for it. What fails there is retriggered and judged as anywhere else. Any number of processes may do this.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from triggerbot.core import event_json
from triggerbot.core.branch import backfill
from triggerbot.core.branch.backfill import Conclusion, Place, RunAt, Tried, Wait
from triggerbot.core.branch.cells import CellKind
from triggerbot.core.claim import ClaimState
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.formatting import some
from triggerbot.core.model import PROVING, Push
from triggerbot.core.policy import rules
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.metrics import Metrics
from triggerbot.reports import worker
from triggerbot.store import AtPush, BackfillSearch, PushRecord, Store

log = structlog.get_logger("triggerbot.backfill")

#: Pushes at which a search that a person asks for may have the job run: enough for a range of a thousand.
BY_HAND = 10
#: Pushes at which it has the job run at the same time: each further one is often in vain.
_AT_ONCE = 1
#: Seconds for which a search is taken, between looks at the store, and after which what is known has to do.
_LEASE, _IDLE, _GIVE_UP = 120.0, 1.0, 3 * 86_400.0
#: Seconds until a search is looked at again: a tenth of how long it has taken, between these.
_SOON, _SLOW = 1.0, 60.0
#: Seconds after an error of triggerbot itself.
_BROKEN = 600.0

#: System, project and branch.
BranchPlace = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking who broke a job."""

    #: In words, to be quoted where they are markup: they name an author.
    words: str
    #: The search; `None`: there is nothing to run.
    search: BackfillSearch | None = None
    #: What is known without one.
    conclusion: Conclusion | None = None
    is_new: bool = False


def ask(
    store: Store, rule: Rule, place: BranchPlace, job: str, now: float, *, by: str, dry: bool, at: str = ""
) -> Asked:
    """Begin to look for who broke a job, for a person; `at`: the push at which it fails, empty for the newest."""
    listed = store.backfills.row(place, job, now, rule.proving)
    row = _places(listed)
    part = backfill.beginning(row, at)
    if not part:
        where = f"at {at[:12]}" if at else f"at the newest push of {place[2]} at which that is known"
        return Asked(f"{job} does not fail {where}, so there is nobody to look for")
    done = backfill.step(part, most=1)
    if isinstance(done, Conclusion):
        return Asked(done.words(_author(listed, done.last)), conclusion=done)
    most = max(rule.backfill_max, BY_HAND)
    search, is_new = _begin(store, place, job, part, now, most=most, by=by, dry=dry)
    return Asked(backfill.start_words(part), search, is_new=is_new)


def _begin(
    store: Store, place: BranchPlace, job: str, part: Sequence[Place], now: float, *, most: int, by: str, dry: bool
) -> tuple[BackfillSearch, bool]:
    good = part[0].revision if part[0].cell is CellKind.PASSED else ""
    return store.backfills.begin(place, job, good, part[-1].revision, now, most=most, by=by, dry=dry)


def _places(listed: Sequence[AtPush], origin: str = "") -> list[Place]:
    """Return a row for a search; `origin`: of its claims."""
    return [Place(at.push.revision, at.cell, _tried(at, origin)) for at in listed]


def _tried(at: AtPush, origin: str) -> Tried:
    claim = next((one for one in at.claims if one.origin == origin), None) if origin else None
    if claim is None:
        return Tried.NO
    return Tried.WOULD if claim.state is ClaimState.WOULD else Tried.YES


def _author(listed: Sequence[AtPush], revision: str) -> str | None:
    return next((at.author for at in listed if at.push.revision == revision), None)


def place_of(push: Push) -> BranchPlace:
    """Return the branch of a push."""
    return push.system, push.project, push.branch


def concerning(store: Store, push: Push) -> list[BackfillSearch]:
    """Return the latest searches that begin or end with a push, or have a job run there, the newest first."""
    return [one for one in store.backfills.of_branch(place_of(push)) if one.concerns(push.revision)]


def as_json(one: BackfillSearch) -> dict[str, Any]:
    """Return a search as JSON-able values."""
    done = one.conclusion
    return {
        "job": one.job,
        "since": event_json.format_time(one.since),
        "by": one.by or None,
        "dry_run": one.dry,
        "good": one.good or None,
        "bad": one.bad,
        "max": one.most,
        "asked": list(one.asked),
        "state": "open" if done is None else str(done.found),
        "sentence": one.words,
        "first": None if done is None else done.first or None,
        "last": None if done is None else done.last or None,
        "author": one.author or None,
        "ended": event_json.format_time(one.ended or None),
    }


class Backfiller:
    """Carries searches on. Any number of threads may run it."""

    def __init__(self, store: Store, rules: Sequence[Rule], *, clock: Callable[[], float], metrics: Metrics) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._metrics = metrics

    def run(self, stop: threading.Event) -> None:
        """Carry on what is due until stopped; no failure of the store ends it."""
        worker.run(self.step, stop, idle=_IDLE)

    def step(self) -> bool:
        """Carry on one search that is due; return whether there was one. Raises `StoreUnavailable`."""
        one = self._store.backfills.take(self._clock(), _LEASE)
        if one is None:
            return False
        try:
            self._carry_on(one)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("backfill.failed", **_fields(one))
            why = f"an error of triggerbot itself: {type(error).__name__}"
            self._store.backfills.wait(one.id, why, self._clock() + _BROKEN)
        return True

    def _carry_on(self, one: BackfillSearch) -> None:
        now, rule = self._clock(), rules.rule_for(self._rules, one.push(one.bad))
        proving = PROVING if rule is None else rule.proving
        place = (one.system, one.project, one.branch)
        listed = self._store.backfills.row(place, one.job, now, proving, one.asked)
        part = backfill.between(_places(listed, one.origin), one.good, one.bad)
        age = now - one.since
        due = now + min(_SLOW, max(_SOON, age / 10))
        over = age > _GIVE_UP or rule is None
        match backfill.step(part, one.most - len(one.asked), _AT_ONCE, over=over):
            case RunAt(revisions):
                note = f"has it run at {_short(revisions)}"
                new = self._store.backfills.run_at(one.id, revisions, note, now, due)
                log.info("backfill.run", **_fields(one), revisions=list(new))
            case Wait(revisions):
                self._store.backfills.wait(one.id, f"waits for what comes of it at {_short(revisions)}", due)
            case Conclusion() as done:
                author = _author(listed, done.last)
                if self._store.backfills.conclude(one.id, done, author, now):
                    self._metrics.backfills.labels(done.found).inc()
                    log.info("backfill.ended", **_fields(one), found=str(done.found), sentence=done.words(author))


class AutomaticBackfills:
    """Begins searches where a rule wants them without being asked. Any number of threads may use it."""

    def __init__(self, store: Store, rules: Sequence[Rule], *, dry: bool, clock: Callable[[], float]) -> None:
        self._store = store
        self._rules = rules
        self._dry = dry
        self._clock = clock

    def consider(self, record: PushRecord, judged: PushVerdict) -> None:
        """Begin to look for who broke what fails at a push, where its rule wants that and pushes did not run it."""
        rule = rules.rule_for(self._rules, record.push)
        if rule is None or not rule.backfill_max or record.facts.fork:
            return
        names = {job.job: job.name for job in record.jobs}
        for job in judged.jobs:
            if job.verdict is Verdict.FAILED and not job.awaited and not job.hidden:
                self._consider(place_of(record.push), names[job.job], rule)

    def _consider(self, place: BranchPlace, job: str, rule: Rule) -> None:
        now = self._clock()
        row = _places(self._store.backfills.row(place, job, now, rule.proving))
        part = backfill.beginning(row)
        if not part or not backfill.gaps(part) or part[0].cell is not CellKind.PASSED:
            return
        begun = next(number for number, one in enumerate(row) if one.revision == part[-1].revision)
        failing = {one.revision for one in row[begun:] if one.cell is CellKind.FAILED}
        latest = self._store.backfills.latest(place, job)
        # As a search narrows down who broke it, the streak comes to begin earlier. A dry one has narrowed down nothing.
        told = latest is not None and latest.bad in failing and (self._dry or not latest.dry)
        if len(failing) < rule.alerts.pushes or told or (latest is not None and latest.is_open):
            return
        one, _ = _begin(self._store, place, job, part, now, most=rule.backfill_max, by="", dry=self._dry)
        log.info("backfill.begun", **_fields(one))


def _fields(one: BackfillSearch) -> dict[str, str]:
    return {
        "system": one.system, "project": one.project, "branch": one.branch, "job": one.job, "good": one.good,
        "bad": one.bad, "by": one.by,
    }  # fmt: skip


def _short(revisions: Sequence[str]) -> str:
    return some([revision[:12] for revision in revisions])
