"""Fetches the failure lines of runs and the files that pushes change; backs off where a CI is slow and fails."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import structlog

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.model import Event, Kind, Push, Result, Run, RunKey, State
from triggerbot.core.policy import backoff
from triggerbot.core.policy.rules import Triage
from triggerbot.core.run_tests import RunTests
from triggerbot.logs import push_fields
from triggerbot.reports import judge
from triggerbot.store import Observation, PushRecord, Store
from triggerbot.systems import (
    FAILURES_MAX,
    KnowsInfra,
    ListsFailures,
    ListsFiles,
    ListsManyFailures,
    ReadsTests,
    System,
)

log = structlog.get_logger("triggerbot.publish")

#: Metadata of a push: how often the CI was asked about each of its runs, and when it may be asked again.
_METADATA = "asked"
#: The key for the CI itself among those: how often it gave no usable answer.
_CI = ""
#: Runs of one push to ask about: in one step, and in all. A push that breaks everything has the same lines everywhere.
_AT_ONCE, _IN_ALL = 20, 200
#: Tries while a CI does not know a run's lines yet: some parse logs minutes after the end.
_TRIES_MAX = 6
#: Tries in a row without a usable answer: about a day's.
_UNANSWERED_MAX = 100
#: Seconds after which a step asks about no further run: the report of the push waits for it.
_SECONDS = 30.0

#: Seconds after which those of a batch that still goes on are asked about all the same.
_TOGETHER_WITHIN = 600.0
#: Seconds that a cancelled run may have been cut off after, and within which runs end together.
_CUT_OFF, _TOGETHER = 60.0, 5.0
#: Seconds from the end of a run until what it left behind is listed.
_LISTED_WITHIN = 60.0
#: A correction makes no claim, and is no refusal.
_NOT_TRIAGED = Triage()
#: By the names of runs: tries, and when the next may be (seconds since the epoch).
_Tries = dict[str, tuple[int, float]]


class FailureLines:
    """Adds failure lines and changed files to the store. Thread-safe."""

    def __init__(self, store: Store, systems: Mapping[str, System], clock: Callable[[], float]) -> None:
        self._store = store
        self._systems = systems
        self._clock = clock
        self._slowness = Slowness(clock)

    def complete(self, record: PushRecord) -> tuple[bool, float | None]:
        """Ask the CI about some of the runs of a push.

        Returns whether there are new lines, and when to go on, if there is more to ask. Raises `StoreUnavailable`.
        """
        system = self._systems.get(record.push.system)
        if not isinstance(system, ListsFailures):
            return False, None
        tries = _tries(self._store.facts.metadata(record.push))
        cancelled = isinstance(system, KnowsInfra)
        by_test = _reads_tests(system)
        missing = list(_without_lines(record, tries, cancelled=cancelled, by_test=by_test))
        if not missing or tries.get(_CI, (0, 0.0))[0] >= _UNANSWERED_MAX:
            return False, None
        # Where many can be asked about with one request, all but the first of a batch wait for each other.
        later = _asked_later(record, tries) if isinstance(system, ListsManyFailures) else {}
        found = False
        wait = self._wait(record.push, tries)
        if not wait:
            found = self._ask_some(system, record.push, missing, tries, later)
            wait = self._wait(record.push, tries)
        now = self._clock()
        left = _without_lines(record, tries, cancelled=cancelled, by_test=by_test)
        waits = [_remaining(run, tries, later, now) for _, run in left]
        return found, now + max(wait, min(waits)) if waits else None

    def files(self, push: Push, metadata: Mapping[str, str]) -> bool:
        """Ask the CI once which files a push changes; return whether any are new. Raises `StoreUnavailable`."""
        system, tries = self._systems.get(push.system), _tries(self._store.facts.metadata(push))
        if judge.FILES in metadata or not isinstance(system, ListsFiles) or self._wait(push, tries):
            return False
        began = self._clock()
        try:
            files: Any = list(system.files(push))
        except (CIDenied, NotKnown) as error:
            log.info("files.not_told", system=push.system, error=str(error))
            files = []
        except CIUnavailable as error:
            self._record_unanswered(push, tries, error, began)
            self._save(push, tries)
            return False
        self._store.facts.set_metadata(push, judge.FILES, json.dumps(files))
        return bool(files)

    def _ask_some(
        self,
        system: ListsFailures,
        push: Push,
        missing: Sequence[tuple[str, Run]],
        tries: _Tries,
        later: Mapping[str, float],
    ) -> bool:
        """Ask about the runs that are due; return whether there are new lines."""
        now = self._clock()
        ready = [(job, run) for job, run in missing if not _remaining(run, tries, later, now)]
        told: Mapping[RunKey, Sequence[str]] = {}
        if isinstance(system, ListsManyFailures) and len(ready) > 1:
            told = system.failures_of(push, [run for _, run in ready])
        found, room = False, _AT_ONCE
        for job, run in ready:
            began = self._clock()
            room -= run.key not in told
            if began - now > _SECONDS or room < 0:
                break
            try:
                lines = told[run.key] if run.key in told else _lines(system, push, run)
                tests = _tests(system, push, run)
            except CIUnavailable as error:
                self._record_unanswered(push, tries, error, began)
                break
            except NotKnown:
                count = tries.get(_name(run), (0, 0.0))[0] + 1
                tries[_name(run)] = count, self._clock() + backoff.exponential(count)
                continue
            listed = (run.time or 0.0) + _LISTED_WITHIN
            is_early = _reads_tests(system) and tests is None and run.tests is None and self._clock() < listed
            tries[_name(run)] = (1, listed) if is_early else (_TRIES_MAX, self._clock())
            tries.pop(_CI, None)
            if lines:
                self._store.facts.add_failure_lines(push, job, run.key, lines)
            self._correct(system, push, job, run, lines, tests)
            found |= bool(lines) or tests is not None
        if ready:
            self._save(push, tries)
        return found

    def _correct(
        self, system: ListsFailures, push: Push, job: str, run: Run, lines: Sequence[str], tests: RunTests | None
    ) -> None:
        """Record the tests of a run, and that it ended otherwise than its result says, if its lines tell so."""
        result = run.result
        if lines and result is not None and isinstance(system, KnowsInfra):
            result = system.result_of(result, lines)
        if result is run.result and tests is None:
            return
        failures = () if tests is None else tuple(map(str, tests.failing[:FAILURES_MAX]))
        event = Event(
            push, job, run.run_id, run.state, result, run.attempt, run.kind, run.tier, failures=failures,
            batch=run.batch, tests=tests,
        )  # fmt: skip
        self._store.observe([Observation(event, _NOT_TRIAGED)], self._clock(), dry=False)

    def _wait(self, push: Push, tries: _Tries) -> float:
        """Return the seconds for which the CI should not be asked."""
        return max(backoff.remaining(tries.get(_CI, (0, 0.0))[1], self._clock()), self._slowness.left(push.system))

    def _record_unanswered(self, push: Push, tries: _Tries, error: CIUnavailable, began: float) -> None:
        log.info("lines.no_answer", system=push.system, error=str(error))
        self._slowness.record_failure(push.system, began)
        count = tries.get(_CI, (0, 0.0))[0] + 1
        tries[_CI] = count, self._clock() + backoff.delay(count, error.after)

    def _save(self, push: Push, tries: _Tries) -> None:
        self._store.facts.set_metadata(push, _METADATA, json.dumps(tries))


def _lines(system: ListsFailures, push: Push, run: Run) -> Sequence[str]:
    """Ask for the failure lines of a run; raises `CIUnavailable` and `NotKnown`."""
    try:
        return system.failures(push, run)
    except CIDenied as error:
        log.warning("lines.denied", system=push.system, error=str(error))
        return ()


def _reads_tests(system: System | ListsFailures) -> bool:
    return isinstance(system, ReadsTests) and system.reads_tests


def _tests(system: System | ListsFailures, push: Push, run: Run) -> RunTests | None:
    """Read the tests of a run, where the system finds reports of them; raises `CIUnavailable`."""
    if not isinstance(system, ReadsTests) or not system.reads_tests or run.tests is not None:
        return None
    try:
        return system.tests(push, run)
    except (CIDenied, NotKnown) as error:
        log.warning("tests.not_read", **push_fields(push), run=run.run_id, error=str(error))
        return None


def _tries(metadata: Mapping[str, str]) -> _Tries:
    return {name: (count, again) for name, (count, again) in json.loads(metadata.get(_METADATA, "{}")).items()}


def _name(run: Run) -> str:
    return f"{run.run_id} {run.attempt}"


def _asked_later(record: PushRecord, tries: _Tries) -> dict[str, float]:
    """Return until when the runs of a batch that goes on wait for each other; it is over by its last event."""
    runs = [run for job in record.jobs for run in job.runs if run.batch]
    open_batches = {run.batch for run in runs if run.state is not State.FINISHED}
    until: dict[str, float] = {}
    for run in runs:
        count, at = tries.get(_name(run), (0, 0.0))
        if run.batch in open_batches and count >= _TRIES_MAX:
            until[run.batch] = max(until.get(run.batch, 0.0), at + _TOGETHER_WITHIN)
    return until


def _remaining(run: Run, tries: _Tries, later: Mapping[str, float], now: float) -> float:
    """Return the seconds until a run may be asked about."""
    again = max(tries.get(_name(run), (0, 0.0))[1], later.get(run.batch, 0.0))
    return backoff.remaining(again, now)


def _without_lines(record: PushRecord, tries: _Tries, *, cancelled: bool, by_test: bool) -> Iterator[tuple[str, Run]]:
    """Yield the runs to ask about: failed ones, and passed ones of the same jobs, whose lines are generic.

    Where nothing passed in a job that failed, one run of another job is asked what passing jobs show as well.
    `cancelled`: of cancelled runs, too, the lines may tell how they ended. Those that ended together ended alike, so
    one of them is enough as long as it was cancelled and no more. `by_test`: lines are known, and tests may be, too.
    """
    room = _IN_ALL - sum(name != _CI for name in tries)
    asked: list[float] = []
    if cancelled:
        runs = (run for job in record.jobs for run in job.runs if _is_cut_off(run))
        asked = [run.time or 0.0 for run in runs if tries.get(_name(run), (0, 0.0))[0] >= _TRIES_MAX]
    passed = _passed_elsewhere(record, tries)
    for job in record.jobs:
        failed = any(run.failed for run in job.runs)
        for run in (*job.runs, *job.measuring):
            known, at = _name(run) in tries, run.time or 0.0
            cut_off = cancelled and _is_cut_off(run) and all(abs(at - other) > _TOGETHER for other in asked)
            if not (cut_off or run is passed or (failed and (run.failed or run.passed))):
                continue
            told = run.tests is not None if by_test else bool(run.evidence)
            if told or tries.get(_name(run), (0, 0.0))[0] >= _TRIES_MAX:
                continue
            if known or room > 0:
                room -= not known
                if cut_off:
                    asked.append(at)
                yield job.key, run


def _passed_elsewhere(record: PushRecord, tries: _Tries) -> Run | None:
    """Return a run that passed of a job that did not fail, if jobs failed and none of those passed."""
    failing = [job for job in record.jobs if any(run.failed for run in job.runs)]
    if not failing or any(run.passed for job in failing for run in job.runs):
        return None
    passed = [run for job in record.jobs for run in job.runs if run.passed and run.kind is not Kind.WORKFLOW]
    return next((run for run in passed if _name(run) in tries), passed[0] if passed else None)


def _is_cut_off(run: Run) -> bool:
    return run.result is Result.CANCELLED and (run.seconds or 0.0) >= _CUT_OFF


#: Seconds from which a failed try counts as slow, by what factor longer it is then avoided, and at most.
_SLOW, _TIMES, _MOST = 5.0, 5.0, 300.0


class Slowness:
    """Records which services were slow and failed, so that others need not wait for them. Thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def left(self, name: str) -> float:
        """Return the seconds for which a service should not be tried."""
        return backoff.remaining(self._until.get(name, 0.0), self._clock())

    def record_failure(self, name: str, began: float) -> None:
        """Record a failed try that began at `began` (seconds since the epoch)."""
        now = self._clock()
        if now - began > _SLOW:
            self._until[name] = now + min(_MOST, _TIMES * (now - began))
