"""Builds push reports from letters: `told(push, job("CI / test", "OG"))` failed once and then passed."""

from collections.abc import Collection, Sequence

from triggerbot.core.claim import Claim, ClaimState
from triggerbot.core.decision import Refusal
from triggerbot.core.model import Push, PushFacts, Result, Run, State
from triggerbot.core.policy.evidence import Past
from triggerbot.core.verdict import health, verdict
from triggerbot.core.verdict.base import NOTHING_KNOWN, Relation
from triggerbot.core.verdict.base import Standing as AtBase
from triggerbot.core.verdict.health import Health
from triggerbot.core.verdict.history import Failure, Novelty, Standing
from triggerbot.core.verdict.same_failure import NO_HISTORY, History
from triggerbot.reports import PushReport
from triggerbot.store import JobRecord, PushRecord

_RESULTS = {
    "G": Result.SUCCESS,
    "O": Result.FAILURE,
    "R": Result.BUSTED,
    "X": Result.INFRA,
    "-": Result.SKIPPED,
}
LINK = "https://triggerbot.example/pushes/octo/app/0123?branch=main"


def standing(job: str, fresh: Collection[str] | None) -> AtBase:
    """Return how the failure of a job stands to the base: those of `fresh` pass there, of others nothing is known."""
    return AtBase(Relation.PASSES, "ba5e" * 10) if job in (fresh or ()) else NOTHING_KNOWN


class Clean:
    """All jobs ran elsewhere often and were never intermittent (a `History`)."""

    def generic(self, job: str, shape: str) -> bool:
        """Treat every line as evidence."""
        return False

    def standing(self, job: str, failure: Failure) -> Standing:
        """Suspect every intermittent failure."""
        return Standing(Novelty.NEW, "main", Past(0, 80), Past(0, 80))


def job(
    name: str,
    letters: str,
    *,
    lines: Sequence[str] = (),
    refusal: Refusal | None = None,
    note: str = "",
    url: str | None = "https://ci.example/{}",
) -> JobRecord:
    """Make a job with a run for each letter (`.`: one that runs), whose failed runs have these failure lines."""
    runs = tuple(_run(name, number, letter, lines, url) for number, letter in enumerate(letters))
    claims: tuple[Claim, ...] = ()
    if refusal is not None:
        push = Push("", "", "", "")
        claims = (
            Claim(1, push, name, ClaimState.REFUSED, runs[0], dry=False, created=0, due=0, refusal=refusal, note=note),
        )
    return JobRecord(name, runs, claims)


def _run(name: str, number: int, letter: str, lines: Sequence[str], url: str | None) -> Run:
    result = _RESULTS.get(letter)
    return Run(
        name,
        f"{name}-{number}",
        1,
        State.RUNNING if result is None else State.FINISHED,
        result,
        url=None if url is None else url.format(number),
        time=float(number),
        failures=tuple(lines) if result is not None and result.failed else (),
    )


def told(
    push: Push,
    *jobs: JobRecord,
    fresh: frozenset[str] | None = None,
    answers: Sequence[tuple[str, str]] = (),
    link: str = LINK,
    fork: bool | None = None,
    background: History = NO_HISTORY,
) -> PushReport:
    """Judge jobs as the daemon does, and return the report."""
    record = PushRecord(push, PushFacts(push, fork=fork), None, jobs, 0, 0, 0.0)
    judged = health.of_push(
        verdict.against_base(verdict.of_job(one.job, one.runs, one.claims, background), standing(one.job, fresh))
        for one in jobs
    )
    return PushReport(record, judged, link, {}, tuple(answers))


def of_health(push: Push, wanted: Health, *, fork: bool | None = None) -> PushReport:
    """Return the report of a push with one job that gives it this health."""
    letters = {Health.GOOD: "G", Health.FAILING: "O", Health.PENDING: "."}
    return told(push, job("CI / test", letters[wanted]), fork=fork)
