"""From news to reports: what changed is judged, kept, and brought to every place where it is reported.

This is the second durable queue beside the dispatcher's, with the same promise: whatever is due is dealt with after any
crash. A push is due after anything new about it; while it is being reported it is leased, so that nobody else does.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown, StoreRefused, StoreUnavailable
from triggerbot.core.model import Push
from triggerbot.core.policy import backoff
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.logs import push_fields
from triggerbot.metrics import Metrics
from triggerbot.reports import PushReport, Reporter, as_listed, judge, push_json
from triggerbot.reports.comments import CommentCommands, answers
from triggerbot.reports.failure_lines import FailureLines, Slowness
from triggerbot.reports.judge import Judge
from triggerbot.reports.push_json import Before
from triggerbot.store import PushRecord, Store

log = structlog.get_logger("triggerbot.publish")

#: Seconds that judging and reporting one push may take before somebody else takes it up.
_LEASE = 180.0
#: Of those the seconds after which no other report is begun: it is made with the next try, which is at once.
_ENOUGH = 90.0
#: Seconds between looks at the store when nothing is due.
_IDLE = 0.5
#: Seconds until a reporter that was denied is tried again, and until it is given up: somebody has to mend it meanwhile.
_DENIED, _GIVE_UP = 600.0, 86_400.0
#: Pushes of forks' branches with the same name that are passed over in search of the one before.
_PASSED_MAX = 20
#: Under this name is kept when reporters began to fail at a push, and when each may be tried again, or never.
_FAILING, _NEVER = "failing", -1.0


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """What the publisher goes by."""

    reporters: Sequence[Reporter] = ()
    #: Where people reach the page, without a slash at its end.
    address: str | None = None
    #: Nothing is sent to anybody.
    dry: bool = False
    #: A push is not judged again before so many times as long as that kept the processor busy, where that is more than
    #: a second: a large one, of which there is always news, would take all there is.
    rest: float = 20.0


class Publisher:
    """Works off what is due to be judged and reported. Any number of threads may run it."""

    def __init__(
        self,
        store: Store,
        judge: Judge,
        lines: FailureLines,
        wishes: CommentCommands,
        setting: PublishSettings,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._judge = judge
        self._lines = lines
        self._wishes = wishes
        self._setting = setting
        self._clock = clock
        self._metrics = metrics
        self._slowness = Slowness(clock)
        #: Until when pushes rest, by the clock of this machine that nobody sets.
        self._rests: Mapping[Push, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            try:
                busy = self.step()
            except (StoreUnavailable, StoreRefused) as error:
                log.error("store.unavailable", error=str(error))
                busy = False
            if not busy:
                stop.wait(_IDLE)

    def close(self) -> None:
        """Let go of the reporters' connections."""
        for reporter in self._setting.reporters:
            reporter.close()

    def step(self) -> bool:
        """Deal with one thing that is due; tells whether there was one. Raises `StoreUnavailable`."""
        push = self._store.take_report(self._clock(), _LEASE)
        if push is not None:
            left = self._rests.get(push, 0.0) - time.monotonic()
            self._store.end_report(push, self._publish(push) if left <= 0 else self._clock() + left)
        # What a person wishes for does not wait until there is nothing left to be reported.
        return self._wishes.step() or push is not None

    def _publish(self, push: Push) -> float | None:
        """Judge and report a push, whatever breaks; tells when to do so again, if it has to be without any news."""
        began = time.thread_time()
        try:
            due = self._bring(push)
        except StoreUnavailable:
            raise
        except Exception:
            # It stays due, for whatever this is may be mended by a newer program; other pushes go on.
            log.exception("publish.failed", **push_fields(push))
            self._let_rest(push, _DENIED)
            return self._clock() + _DENIED
        self._let_rest(push, self._setting.rest * (time.thread_time() - began))
        return due

    def _let_rest(self, push: Push, seconds: float) -> None:
        if seconds > 1.0:
            now = time.monotonic()
            # Made anew, for another thread may be reading it.
            self._rests = {one: until for one, until in self._rests.items() if until > now} | {push: now + seconds}

    def _bring(self, push: Push) -> float | None:
        """Judge a push, keep that, and report it; tells when to do so again, if it has to be without any news."""
        began, record = self._clock(), self._store.record(push)
        if record is None:
            return None
        learned, due = self._lines.complete(record)
        if learned:
            record = self._store.record(push) or record
        judged = self._judge.judge(record)
        kept = self._store.metadata(push)
        if any(job.verdict is Verdict.INTERMITTENT for job in judged.jobs) and self._lines.files(push, kept):
            judged = self._judge.judge(record)
        before = self._keep(record, judged, kept)
        later = self._report(record, judged, before, kept, began)
        return min((one for one in (due, later, judged.until) if one is not None), default=None)

    def _keep(self, record: PushRecord, judged: PushVerdict, kept: Mapping[str, str]) -> Before:
        """Keep how the push was judged, with what changed since it was judged last."""
        now = self._clock()
        before, changes = push_json.changes(judged, push_json.before(kept))
        summary = push_json.summary(record, judged, now)
        self._store.judged(summary, judge.failure_records(record.push, judged.jobs, now), changes, now)
        for job, _ in changes:
            self._metrics.verdicts.labels(before[job][0]).inc()
        if changes:
            self._store.set_metadata(record.push, push_json.BEFORE, json.dumps(before))
        return before

    def _report(
        self, record: PushRecord, judged: PushVerdict, before: Before, kept: Mapping[str, str], began: float
    ) -> float | None:
        push = record.push
        # Two entries for one place, each for other projects, are one place all the same.
        listed = as_listed(record)
        wanted = list({one.name: one for one in self._setting.reporters if one.wants(listed)}.values())
        if not wanted:
            return None
        if self._setting.dry:
            names = [reporter.name for reporter in wanted]
            log.info("report", **push_fields(push), reports=names, health=str(judged.health), sentence=judged.sentence,
                     dry_run=True)  # fmt: skip
            return None
        told = PushReport(
            record,
            judged,
            push_json.link(self._setting.address, push),
            push_json.push(record, judged, before, self._store.timeline(push)),
            self._fresh(record, judged),
            answers(kept),
        )
        failing: dict[str, list[float]] = json.loads(kept.get(_FAILING, "{}"))
        known = dict(failing)
        dues = [
            # One is made in any case, so that all are in the end.
            self._clock() if number and self._clock() - began > _ENOUGH
            else self._one(reporter, told, kept.get(reporter.name, ""), failing)
            for number, reporter in enumerate(wanted)
        ]  # fmt: skip
        if failing != known:
            self._store.set_metadata(push, _FAILING, json.dumps(failing))
        return min((due for due in dues if due is not None), default=None)

    def _fresh(self, this: PushRecord, judged: PushVerdict) -> frozenset[str] | None:
        """Choose the failing jobs that did not fail at the previous push of the branch."""
        failed = {job.job for job in judged.jobs if job.verdict is Verdict.FAILED and not job.hidden}
        record = self._before(this)
        if record is None:
            return None
        return frozenset(failed - {job.job for job in record.jobs if any(run.failed for run in job.runs)})

    def _before(self, this: PushRecord) -> PushRecord | None:
        """Find the previous push of a branch; a fork's branch of the same name is another one."""
        push = this.push
        for _ in range(_PASSED_MAX):
            earlier = self._store.previous(push)
            record = None if earlier is None else self._store.record(earlier)
            if record is None or _same_branch(this, record):
                return record
            push = record.push
        return None

    def _one(self, reporter: Reporter, told: PushReport, kept: str, failing: dict[str, list[float]]) -> float | None:
        """Bring one report up to date; tells when to try again, if that failed."""
        now = self._clock()
        since, again = failing.get(reporter.name, (now, 0.0))
        if again == _NEVER:
            return None
        left = max(backoff.remaining(again, now), self._slowness.left(reporter.name))
        if left:
            # News of the push does not mend whatever is wrong.
            return now + left
        try:
            due = reporter.report(told, kept, partial(self._store.set_metadata, told.push, reporter.name))
        except StoreUnavailable:
            raise
        except NotKnown as error:
            failing.pop(reporter.name, None)
            self._failed(reporter, told, "gone", str(error))
            return None
        except CIDenied as error:
            wait = _DENIED
            self._failed(reporter, told, "denied", str(error))
        except CIUnavailable as error:
            self._slowness.in_vain(reporter.name, now)
            wait = backoff.delay(0, error.after) + backoff.slower(max(0.0, now - since))
            self._failed(reporter, told, "later", str(error), calm=error.healthy)
        except Exception as error:
            log.exception("report.broken", report=reporter.name, **push_fields(told.push))
            wait = _DENIED
            self._failed(reporter, told, "broken", str(error))
        else:
            failing.pop(reporter.name, None)
            self._count(reporter, "done")
            return due
        if now - since > _GIVE_UP:
            failing[reporter.name] = [since, _NEVER]
            return None
        due = self._clock() + wait
        failing[reporter.name] = [since, due]
        return due

    def _failed(self, reporter: Reporter, told: PushReport, how: str, why: str, *, calm: bool = False) -> None:
        # To wait for one's turn is nothing that anybody has to look at.
        say = log.info if calm else log.warning
        say("report.failed", report=reporter.name, outcome=how, error=why, **push_fields(told.push))
        self._count(reporter, how)

    def _count(self, reporter: Reporter, outcome: str) -> None:
        self._metrics.reports.labels(reporter.name.partition(":")[0], outcome).inc()


def _same_branch(this: PushRecord, earlier: PushRecord) -> bool:
    """Tell whether two pushes to branches of one name are to the same one; whose fork it is, only authors tell."""
    if bool(this.facts.fork) != bool(earlier.facts.fork):
        return False
    return not this.facts.fork or this.facts.author == earlier.facts.author
