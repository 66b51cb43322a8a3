"""Builds push reports from jobs and the letters of their runs."""

from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import structlog
from structlog.testing import capture_logs

from tests.fakes.push_report import standing
from tests.fakes.world import push as some_push
from triggerbot.core.model import Push, PushFacts, Result, Run, State
from triggerbot.core.verdict.health import of_push
from triggerbot.core.verdict.same_failure import NO_HISTORY, History
from triggerbot.core.verdict.verdict import against_base, of_job
from triggerbot.reports import PushReport, push_json
from triggerbot.store import JobRecord, PushRecord

PUSH = some_push("abcdef1234567890")
LINK = "https://triggerbot.example.org/pushes/try/abcdef1234567890?system=ci&branch=try"
#: The results that the letters of runs stand for.
_ENDS = {"G": Result.SUCCESS, "O": Result.FAILURE, "X": Result.INFRA, "-": Result.CANCELLED, ".": None}


def plainly() -> httpx.BaseTransport:
    """Return a transport for plain HTTP that loads no certificates, to save time."""
    return httpx.HTTPTransport(verify=False, limits=httpx.Limits(max_keepalive_connections=0))


@contextmanager
def logged() -> Iterator[Sequence[MutableMapping[str, Any]]]:
    """Capture the log, independently of how other tests configured logging."""
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines


def told(
    jobs: Mapping[str, str],
    *,
    lines: Mapping[str, str] | None = None,
    fresh: Collection[str] | None = None,
    link: str = LINK,
    message: str = "Mend the login",
    author: str | None = "dev@example.org",
    push: Push = PUSH,
    background: History = NO_HISTORY,
    url: str = "https://ci.example.org/runs/{job}/{number}",
) -> PushReport:
    """Return the report of a push whose jobs ended as their letters say, oldest run first."""
    records = [_record(job, letters, (lines or {}).get(job, ""), url) for job, letters in jobs.items()]
    record = PushRecord(push, PushFacts(push, message, author, 1000.0), None, tuple(records), 0, 0, 2000.0)
    held = (against_base(of_job(one.job, one.runs, (), background), standing(one.job, fresh)) for one in records)
    judged = of_push(held, 2000.0)
    value: dict[str, Any] = push_json.push(record, judged)
    return PushReport(record, judged, link, value)


def _record(job: str, letters: Sequence[str], line: str, url: str) -> JobRecord:
    runs = [
        Run(
            job, f"{job}-{number}", 1, State.RUNNING if _ENDS[letter] is None else State.FINISHED, _ENDS[letter],
            url=url.format(job=job, number=number), time=1000.0 + number, started=900.0,
            failures=(line,) if line and letter == "O" else (),
        )
        for number, letter in enumerate(letters)
    ]  # fmt: skip
    return JobRecord(job, tuple(runs), ())
