"""What a text is found in besides pushes: names of jobs, failures, tests and pull requests, as far as indexes go."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from triggerbot.core.model import Branch
from triggerbot.core.verdict.lines import likeness
from triggerbot.store import Store

#: Projects that are searched, and what is listed of each kind.
_PROJECTS_MAX, FOUND_MAX = 20, 10
#: Failure records of a project that are searched, the newest.
_RECORDS_MAX = 500
#: Fewer letters are in everything.
_LEAST = 3
_PULL = re.compile(r"(?:#|pull/)?([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Found:
    """What a text is found in, each kind with its project."""

    jobs: tuple[tuple[str, str], ...] = ()
    #: The shapes of lines: what varies in them is masked.
    lines: tuple[tuple[str, str], ...] = ()
    tests: tuple[tuple[str, str], ...] = ()
    pulls: tuple[Branch, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether it is found in anything."""
        return bool(self.jobs or self.lines or self.tests or self.pulls)


def look(store: Store, text: str, project: str, now: float) -> Found:
    """Search for a text in a project, or in all; reads what is kept of the last days. Raises `StoreUnavailable`."""
    text = text.strip()
    projects = [one for one in store.pushes.projects() if project.lower() in ("", one.lower())][:_PROJECTS_MAX]
    pull = _PULL.fullmatch(text)
    pulls = [one for known in projects for one in store.pushes.of_pull(known, pull[1])] if pull else []
    if len(text) < _LEAST:
        return Found(pulls=tuple(pulls))
    jobs = [(known, job) for known in projects for job in store.jobs.named_like(known, text, now)]
    shapes = [(known, shape) for known in projects for shape in _shapes(store, known, text)]
    split = [(known, shape, likeness.split(shape)[0]) for known, shape in shapes]
    return Found(
        tuple(jobs[:FOUND_MAX]),
        _some((known, shape) for known, shape, test in split if not test),
        _some((known, test) for known, _, test in split if test),
        tuple(pulls),
    )


def _some(found: Iterator[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys(found))[:FOUND_MAX]


def _shapes(store: Store, project: str, text: str) -> Sequence[str]:
    """Return the shapes of the newest failures that have a text in them, in whatever case."""
    lowered = text.lower()
    records = store.reports.failure_records(project, _RECORDS_MAX)
    return list(dict.fromkeys(shape for one in records for shape in one.shapes if lowered in shape.lower()))
