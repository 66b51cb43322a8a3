"""Publishes pushes that have news: judges them, stores the verdicts, and updates every report.

This is the second durable queue, beside the dispatcher's, with the same guarantee: what is due is processed after any
crash. A push is due after any news of it; while it is being published it is leased, so that no other worker does so.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import structlog

from triggerbot.core.decision import Refusal
from triggerbot.core.errors import StoreUnavailable
from triggerbot.core.model import Push
from triggerbot.core.policy import backoff
from triggerbot.core.policy.rules import Rule
from triggerbot.core.verdict.base import OWN, Relation
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.logs import push_fields
from triggerbot.metrics import Metrics
from triggerbot.reports import PushReport, Reporter, Warns, as_listed, branches, delivery, judge, push_json, worker
from triggerbot.reports.branches.backfills import AutomaticBackfills
from triggerbot.reports.branches.expectations import Expectations
from triggerbot.reports.branches.publisher import BranchReports
from triggerbot.reports.calibration import Sampler
from triggerbot.reports.comments import CommentCommands, answers
from triggerbot.reports.controls import Controls
from triggerbot.reports.delivery import Outcome
from triggerbot.reports.failure_lines import FailureLines, Slowness
from triggerbot.reports.judge import Judge
from triggerbot.reports.novelty import stored as newly
from triggerbot.reports.push_json import Before
from triggerbot.store import PushRecord, Store

log = structlog.get_logger("triggerbot.publish")

#: Seconds of the lease on a push, after which another worker takes it.
_LEASE = 180.0
#: Seconds of a lease after which no further report is started: the push is due again at once for the rest.
_ENOUGH = 90.0
#: What a failure turns out to be that was refused as inherited, and is decided about anew. Where less is known than
#: before, it would be refused again.
_NOT_INHERITED = OWN | {Relation.UNTOLD}
#: Seconds until a reporter that fails is given up, if nobody has fixed it.
_GIVE_UP = 86_400.0
#: Metadata of a push: since when each reporter has failed, and when it may be tried again, or never.
_FAILING, _NEVER = "failing", -1.0


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """The settings of the publisher."""

    reporters: Sequence[Reporter] = ()
    #: The URL of the pages, without a trailing slash; `None`: not configured.
    address: str | None = None
    #: Dry run: nothing is sent.
    dry: bool = False
    #: A push rests for this many times the processor time that publishing it took, if that is more than a second:
    #: a large push with constant news would take all of the processor.
    rest: float = 20.0
    #: By them control runs are asked for.
    rules: Sequence[Rule] = ()


class Publisher:
    """The worker that judges and reports pushes that are due. Any number of threads may run it."""

    def __init__(
        self,
        store: Store,
        judge: Judge,
        lines: FailureLines,
        commands: CommentCommands,
        settings: PublishSettings,
        sampler: Sampler | None = None,
        along: BranchReports | None = None,
        expected: Expectations | None = None,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._judge = judge
        self._lines = lines
        self._commands = commands
        self._controls = Controls(store, settings.rules, clock)
        self._backfills = AutomaticBackfills(store, settings.rules, dry=settings.dry, clock=clock)
        self._settings = settings
        self._sampler = sampler
        self._along = along
        self._expected = expected
        self._clock = clock
        self._metrics = metrics
        self._slowness = Slowness(clock)
        #: Until when pushes rest, by the monotonic clock.
        self._rests: Mapping[Push, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        worker.run(self.step, stop)

    def close(self) -> None:
        """Close the reporters' connections."""
        for reporter in self._settings.reporters:
            reporter.close()
        if self._along is not None:
            self._along.close()

    def troubles(self) -> Mapping[str, str]:
        """Return what a person has to do about each reporter that can tell, by its name; empty: nothing now."""
        return {one.name: one.trouble() for one in self._settings.reporters if isinstance(one, Warns)}

    def step(self) -> bool:
        """Process a push, a comment command and a branch, if due; return whether any was. Raises `StoreUnavailable`."""
        push = self._store.reports.take(self._clock(), _LEASE)
        if push is not None:
            left = self._rests.get(push, 0.0) - time.monotonic()
            self._store.reports.end(push, self._publish(push) if left <= 0 else self._clock() + left)
        # Neither a person's command nor a branch waits until no report is due.
        others = (self._commands, *(one for one in (self._along, self._expected) if one is not None))
        return sum(one.step() for one in others) > 0 or push is not None

    def _publish(self, push: Push) -> float | None:
        """Judge and report a push, whatever fails; return when to do so again without any news, if ever."""
        began = time.thread_time()
        try:
            due = self._judge_and_report(push)
        except StoreUnavailable:
            raise
        except Exception:
            # It stays due, since a newer version may fix the error; other pushes go on.
            log.exception("publish.failed", **push_fields(push))
            self._let_rest(push, delivery.DENIED)
            return self._clock() + delivery.DENIED
        self._let_rest(push, self._settings.rest * (time.thread_time() - began))
        return due

    def _let_rest(self, push: Push, seconds: float) -> None:
        if seconds > 1.0:
            now = time.monotonic()
            # Replaced, not changed: another thread may be reading it.
            self._rests = {one: until for one, until in self._rests.items() if until > now} | {push: now + seconds}

    def _judge_and_report(self, push: Push) -> float | None:
        """Judge a push, store the verdict, and report it; return when to do so again without any news, if ever."""
        began, record = self._clock(), self._store.pushes.record(push)
        if record is None:
            return None
        new_lines, due = self._lines.complete(record)
        if new_lines:
            record = self._store.pushes.record(push) or record
        judged = self._judge.judge(record)
        metadata = self._store.facts.metadata(push)
        if any(job.verdict is Verdict.INTERMITTENT for job in judged.jobs) and self._lines.files(push, metadata):
            judged = self._judge.judge(record)
        before = self._save(record, judged, metadata)
        if new_lines:
            self._store.bases.tell(push, self._clock())
        self._follow(record, judged)
        self._controls.ask(record, judged)
        self._backfills.consider(record, judged)
        later = self._report(record, judged, before, metadata, began)
        sampled = None if self._sampler is None else self._sampler.sample(record, judged)
        return min((one for one in (due, later, judged.until, sampled) if one is not None), default=None)

    def _follow(self, record: PushRecord, judged: PushVerdict) -> None:
        """Let news of the base have the push judged again, and claim anew what is not inherited after all.

        That is so, too, where the job passed after all that decided for others.
        """
        if judged.rests_on:
            self._store.bases.follow(record.push, judged.rests_on, self._clock())
        against = {job.job: job.base.relation for job in judged.jobs}
        passed = {claim.id for job in record.jobs if any(run.passed for run in job.runs) for claim in job.claims}
        for job in record.jobs:
            for claim in job.claims:
                if claim.refusal is Refusal.SAME_CAUSE and claim.like in passed and not claim.dry:
                    self._store.bases.renew(claim, self._clock())
                if claim.refusal is Refusal.INHERITED and against[job.job] in _NOT_INHERITED:
                    self._store.bases.renew(claim, self._clock())

    def _save(self, record: PushRecord, judged: PushVerdict, metadata: Mapping[str, str]) -> Before:
        """Store the verdict of a push, with what has changed since the last one."""
        now = self._clock()
        before, changes = push_json.changes(judged, push_json.before(metadata), record.keys)
        summary = push_json.summary(record, judged, now)
        failed = any(run.failed for job in record.jobs for run in job.runs)
        ill = judge.ill_places(self._store) if failed else {}
        records = judge.failure_records(
            record.push, judged.jobs, now, record.keys, author=record.facts.author, fork=bool(record.facts.fork),
            ill=ill,
        )  # fmt: skip
        self._store.reports.judged(
            summary, records, changes, now,
            unsettled=judge.unsettled(judged, record.keys), outage=judge.is_outage(judged.jobs),
            shown=branches.shown(record, judged),
        )  # fmt: skip
        for job, _ in changes:
            self._metrics.verdicts.labels(before[job][0]).inc()
        if changes:
            self._store.facts.set_metadata(record.push, push_json.BEFORE, json.dumps(before))
        # A branch of a fork is none of the project's, whatever its name.
        if self._along is not None and not record.facts.fork:
            self._along.news(record.push.along)
        return before

    def _report(
        self, record: PushRecord, judged: PushVerdict, before: Before, metadata: Mapping[str, str], began: float
    ) -> float | None:
        push = record.push
        # Two configured reports to one place, for different projects, are one reporter.
        listed = as_listed(record)
        wanted = list({one.name: one for one in self._settings.reporters if one.wants(listed)}.values())
        if not wanted:
            return None
        if self._settings.dry:
            names = [reporter.name for reporter in wanted]
            log.info("report", **push_fields(push), reports=names, health=str(judged.health), sentence=judged.sentence,
                     dry_run=True)  # fmt: skip
            return None
        report = PushReport(
            record,
            judged,
            push_json.link(self._settings.address, push),
            push_json.push(record, judged, before, self._store.pushes.timeline(push)),
            answers(metadata),
            self._judge.telling,
            cache(partial(newly.of_push, self._store, self._judge, self._settings.rules, record)),
        )
        failing: dict[str, list[float]] = json.loads(metadata.get(_FAILING, "{}"))
        known = dict(failing)
        dues = [
            # The first is made in any case, so that all are made eventually.
            self._clock() if number and self._clock() - began > _ENOUGH
            else self._update(reporter, report, metadata.get(reporter.name, ""), failing)
            for number, reporter in enumerate(wanted)
        ]  # fmt: skip
        if failing != known:
            self._store.facts.set_metadata(push, _FAILING, json.dumps(failing))
        return min((due for due in dues if due is not None), default=None)

    def _update(
        self, reporter: Reporter, report: PushReport, stored: str, failing: dict[str, list[float]]
    ) -> float | None:
        """Update one report; return when to do so again, if it failed or was held back."""
        now = self._clock()
        since, again = failing.get(reporter.name, (now, 0.0))
        if again == _NEVER:
            return None
        left = max(backoff.remaining(again, now), self._slowness.left(reporter.name))
        if left:
            # News of the push does not fix what is wrong with the reporter.
            return now + left
        save = partial(self._store.facts.set_metadata, report.push, reporter.name)
        tried = delivery.attempt(
            reporter.name, push_fields(report.push), partial(reporter.report, report, stored, save), self._metrics,
            waited=max(0.0, now - since),
        )  # fmt: skip
        if tried.outcome is Outcome.LATER:
            self._slowness.record_failure(reporter.name, now)
        if tried.wait is None:
            failing.pop(reporter.name, None)
            return tried.due
        if now - since > _GIVE_UP:
            failing[reporter.name] = [since, _NEVER]
            return None
        due = self._clock() + tried.wait
        failing[reporter.name] = [since, due]
        return due
