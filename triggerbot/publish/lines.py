"""Asking a CI what its failed runs say is wrong, where its messages do not tell; and which files a push changes."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import structlog

from triggerbot import judging, patience
from triggerbot.errors import CIDenied, CIUnavailable, NotKnown
from triggerbot.model import Push, Run
from triggerbot.store import PushRecord, Store
from triggerbot.systems import Explains, ListsFiles, System

log = structlog.get_logger("triggerbot.publish")

#: Under this name is kept, beside a push, which of its runs gave nothing, and how often that was tried.
_KEPT = "lines"
#: Runs of one push that are asked about: at once, and in all. A push that breaks everything says the same all over.
_AT_ONCE, _IN_ALL = 20, 200
#: Times that a CI may not know a run's lines yet: some read logs minutes after the end.
_TRIES = 6


class Lines:
    """Completes what is known of failures. Any number of threads may use it."""

    def __init__(self, store: Store, systems: Mapping[str, System], clock: Callable[[], float]) -> None:
        self._store = store
        self._systems = systems
        self._clock = clock

    def complete(self, record: PushRecord) -> tuple[bool, float | None]:
        """Ask about some of the runs of a push.

        Tells whether anything was learned, and when to go on, if there is more. Raises `StoreUnavailable`.
        """
        system = self._systems.get(record.push.system)
        if not isinstance(system, Explains):
            return False, None
        tries: dict[str, int] = json.loads(self._store.kept(record.push).get(_KEPT, "{}"))
        silent = list(_silent(record, tries))[: max(0, _IN_ALL - len(tries))]
        if not silent:
            return False, None
        learned, due = False, None
        for job, run in silent[:_AT_ONCE]:
            name = f"{run.run_id} {run.attempt}"
            try:
                lines = system.failures(record.push, run)
            except CIUnavailable as error:
                due = self._clock() + patience.wait(2, error.after)
                log.info("lines.no_answer", system=record.push.system, error=str(error))
                break
            except CIDenied as error:
                log.warning("lines.denied", system=record.push.system, error=str(error))
                tries[name] = _TRIES
                continue
            except NotKnown:
                tries[name] = tries.get(name, 0) + 1
                continue
            tries[name] = _TRIES
            if lines:
                self._store.keep_failures(record.push, job, run.key, lines)
                learned = True
        self._store.keep(record.push, _KEPT, json.dumps(tries))
        if due is None and any(number < _TRIES for number in tries.values()):
            due = self._clock() + patience.growing(max(number for number in tries.values() if number < _TRIES) + 1)
        elif due is None and len(silent) > _AT_ONCE:
            due = self._clock()
        return learned, due

    def files(self, push: Push, kept: Mapping[str, str]) -> bool:
        """Ask which files a push changes, once; tells whether that is news. Raises `StoreUnavailable`."""
        system = self._systems.get(push.system)
        if judging.FILES in kept or not isinstance(system, ListsFiles):
            return False
        try:
            files: Any = list(system.files(push))
        except (CIDenied, NotKnown) as error:
            log.info("files.not_told", system=push.system, error=str(error))
            files = []
        except CIUnavailable:
            return False
        self._store.keep(push, judging.FILES, json.dumps(files))
        return bool(files)


def _silent(record: PushRecord, tries: Mapping[str, int]) -> Iterator[tuple[str, Run]]:
    """Yield the runs worth asking about: failed ones, and those of the same jobs that passed, for generic lines."""
    for job in record.jobs:
        if not any(run.failed for run in job.runs):
            continue
        for run in job.runs:
            asked = tries.get(f"{run.run_id} {run.attempt}", 0) >= _TRIES
            if (run.failed or run.passed) and not run.failures and not asked:
                yield job.job, run
