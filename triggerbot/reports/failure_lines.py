"""Fetches the failure lines of failed runs and the files of a push, and backs off where a CI is slow for nothing."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import structlog

from triggerbot.core.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.core.model import Push, Run
from triggerbot.core.policy import backoff
from triggerbot.reports import judge
from triggerbot.store import PushRecord, Store
from triggerbot.systems import ListsFailures, ListsFiles, System

log = structlog.get_logger("triggerbot.publish")

#: Under this name is kept, beside a push, how often each of its runs was asked about, and when it may be again.
_KEPT = "asked"
#: Under this name among those: the CI itself, which gave no usable answer.
_CI = ""
#: Runs of one push that are asked about: at once, and in all. A push that breaks everything says the same all over.
_AT_ONCE, _IN_ALL = 20, 200
#: Times that a CI may not know a run's lines yet: some read logs minutes after the end.
_TRIES = 6
#: Times in a row that it may give no usable answer: in a day, about.
_IN_VAIN = 100
#: Seconds after which no further run is asked about at once: the report of the push waits for it.
_SECONDS = 30.0

#: By the names of runs: how often, and when again.
_Asked = dict[str, tuple[int, float]]


class FailureLines:
    """Completes what is known of failures. Any number of threads may use it."""

    def __init__(self, store: Store, systems: Mapping[str, System], clock: Callable[[], float]) -> None:
        self._store = store
        self._systems = systems
        self._clock = clock
        self._slowness = Slowness(clock)

    def complete(self, record: PushRecord) -> tuple[bool, float | None]:
        """Ask about some of the runs of a push.

        Tells whether anything was learned, and when to go on, if there is more. Raises `StoreUnavailable`.
        """
        system = self._systems.get(record.push.system)
        if not isinstance(system, ListsFailures):
            return False, None
        asked = _asked(self._store.metadata(record.push))
        silent = list(_silent(record, asked))
        if not silent or asked.get(_CI, (0, 0.0))[0] >= _IN_VAIN:
            return False, None
        learned = False
        left = self._left(record.push, asked)
        if not left:
            learned = self._ask_some(system, record.push, silent, asked)
            left = self._left(record.push, asked)
        now = self._clock()
        waits = [backoff.remaining(asked.get(_name(run), (0, 0.0))[1], now) for _, run in _silent(record, asked)]
        return learned, now + max(left, min(waits)) if waits else None

    def files(self, push: Push, kept: Mapping[str, str]) -> bool:
        """Ask which files a push changes, once; tells whether that is news. Raises `StoreUnavailable`."""
        system, asked = self._systems.get(push.system), _asked(self._store.metadata(push))
        if judge.FILES in kept or not isinstance(system, ListsFiles) or self._left(push, asked):
            return False
        began = self._clock()
        try:
            files: Any = list(system.files(push))
        except (CIDenied, NotKnown) as error:
            log.info("files.not_told", system=push.system, error=str(error))
            files = []
        except CIUnavailable as error:
            self._in_vain(push, asked, error, began)
            self._keep(push, asked)
            return False
        self._store.set_metadata(push, judge.FILES, json.dumps(files))
        return bool(files)

    def _ask_some(self, system: ListsFailures, push: Push, silent: Sequence[tuple[str, Run]], asked: _Asked) -> bool:
        """Ask about the runs that may be asked about now; tells whether anything was learned."""
        now = self._clock()
        ready = [(job, run) for job, run in silent if not backoff.remaining(asked.get(_name(run), (0, 0.0))[1], now)]
        learned = False
        for job, run in ready[:_AT_ONCE]:
            began = self._clock()
            if began - now > _SECONDS:
                break
            try:
                lines = system.failures(push, run)
            except CIUnavailable as error:
                self._in_vain(push, asked, error, began)
                break
            except CIDenied as error:
                log.warning("lines.denied", system=push.system, error=str(error))
                lines = ()
            except NotKnown:
                tries = asked.get(_name(run), (0, 0.0))[0] + 1
                asked[_name(run)] = tries, self._clock() + backoff.exponential(tries)
                continue
            asked[_name(run)] = _TRIES, 0.0
            asked.pop(_CI, None)
            if lines:
                self._store.add_failure_lines(push, job, run.key, lines)
                learned = True
        if ready:
            self._keep(push, asked)
        return learned

    def _left(self, push: Push, asked: _Asked) -> float:
        """Tell for how many seconds the CI should not be asked."""
        return max(backoff.remaining(asked.get(_CI, (0, 0.0))[1], self._clock()), self._slowness.left(push.system))

    def _in_vain(self, push: Push, asked: _Asked, error: CIUnavailable, began: float) -> None:
        log.info("lines.no_answer", system=push.system, error=str(error))
        self._slowness.in_vain(push.system, began)
        tries = asked.get(_CI, (0, 0.0))[0] + 1
        asked[_CI] = tries, self._clock() + backoff.delay(tries, error.after)

    def _keep(self, push: Push, asked: _Asked) -> None:
        self._store.set_metadata(push, _KEPT, json.dumps(asked))


def _asked(kept: Mapping[str, str]) -> _Asked:
    return {name: (tries, again) for name, (tries, again) in json.loads(kept.get(_KEPT, "{}")).items()}


def _name(run: Run) -> str:
    return f"{run.run_id} {run.attempt}"


def _silent(record: PushRecord, asked: _Asked) -> Iterator[tuple[str, Run]]:
    """Yield the runs worth asking about: failed ones, and those of the same jobs that passed, for generic lines."""
    room = _IN_ALL - sum(name != _CI for name in asked)
    for job in record.jobs:
        if not any(run.failed for run in job.runs):
            continue
        for run in job.runs:
            known = _name(run) in asked
            if not (run.failed or run.passed) or run.failures or asked.get(_name(run), (0, 0.0))[0] >= _TRIES:
                continue
            if known or room > 0:
                room -= not known
                yield job.job, run


#: Seconds after which no answer is worth remembering, how many times as long it is remembered, and at most.
_SLOW, _TIMES, _MOST = 5.0, 5.0, 300.0


class Slowness:
    """Remembers it by names. Safe for threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def left(self, name: str) -> float:
        """Tell for how many seconds nobody should try."""
        return backoff.remaining(self._until.get(name, 0.0), self._clock())

    def in_vain(self, name: str, began: float) -> None:
        """Remember a try that began then, and was in vain."""
        now = self._clock()
        if now - began > _SLOW:
            self._until[name] = now + min(_MOST, _TIMES * (now - began))
