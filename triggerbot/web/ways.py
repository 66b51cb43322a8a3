"""Ways out of the pages of pushes and jobs: to the commit, the pull request, the workflow run, and logs of failed runs.

The section of a system knows its addresses; what none knows is not guessed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from triggerbot.config import SystemSettings
from triggerbot.core.heads import Told
from triggerbot.core.model import HeadKind, Push, Run
from triggerbot.core.ways import Subject
from triggerbot.store import PushRecord
from triggerbot.web.push_view import safe

#: Failed runs of one job whose logs are linked, the last; pull requests and batches of a push.
_LOGS_MAX, _PULLS_MAX, _BATCHES_MAX = 4, 3, 6


class Out(NamedTuple):
    """A link to another site."""

    words: str
    url: str


def of_push(systems: Mapping[str, SystemSettings], record: PushRecord) -> list[Out]:
    """Return the ways out of a push."""
    settings = systems.get(record.push.system)
    if settings is None:
        return []
    batches = dict.fromkeys(run.batch for job in record.jobs for run in job.runs if run.batch)
    sources = {batch: record.told[batch].source if batch in record.told else None for batch in batches}
    shown = dict(list(sources.items())[:_BATCHES_MAX])
    return _safe((str(way), way.url) for way in settings.ways(Subject(record.push, tuple(_pulls(record)), shown)))


def _pulls(record: PushRecord) -> list[int]:
    """Return the pull requests of a push, the newest first; a fork's branch of the same name has others."""

    def is_its_own(one: Told) -> bool:
        return record.facts.fork is None or bool(one.fork) is record.facts.fork

    opened = (HeadKind.OPENED, HeadKind.CLOSED)
    told = sorted((one for one in record.heads if one.kind in opened and is_its_own(one)), key=lambda one: -one.at)
    numbers = dict.fromkeys(int(one.detail) for one in told if one.detail.isdecimal())
    return list(numbers)[:_PULLS_MAX]


def of_run(systems: Mapping[str, SystemSettings], push: Push, run: Run) -> list[Out]:
    """Return the ways out of a run, its log first, where the CI has one for each run."""
    settings = systems.get(push.system)
    return [] if settings is None else _safe((str(way), way.url) for way in settings.ways_of_run(push, run))


def of_failed(systems: Mapping[str, SystemSettings], push: Push, runs: Sequence[Run]) -> list[Out]:
    """Return the ways to the logs of the failed runs of a job, or to what the CI shows of them."""
    return _safe(list(_of_failed(systems.get(push.system), push, runs))[-_LOGS_MAX:])


def _of_failed(settings: SystemSettings | None, push: Push, runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    for position, run in enumerate(runs, 1):
        if not run.failed:
            continue
        number = f" {position}" if len(runs) > 1 else ""
        log = None if settings is None else next(iter(settings.ways_of_run(push, run)), None)
        if log is not None:
            yield f"{log.what}{f' of run{number}' if number else ''} at {log.at}", log.url
        elif run.url is not None:
            yield f"Run{number} at the CI", run.url


def _safe(found: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> list[Out]:
    return [Out(words, url) for words, address in found if (url := safe(address)) is not None]
