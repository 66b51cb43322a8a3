"""Reports of pushes to people, where they work, and the comment commands that they give there.

    publisher.py     judges pushes that are due, and updates their reports
    delivery.py      one try of a reporter, and when the next is      worker.py   the loop of their threads
    branches/        a branch as a whole: looking at it, its reports, silencing, backfills, expectations
    reporters/       one module or package per kind of report: GitHub, Slack, webhook, Treeherder; Markdown
    comments.py      carries out comment commands       comment_syntax.py  parses them
    requeue.py       puts back what a merge queue evicted
    judge.py         verdicts by the failure history    failure_lines.py   fetches failure lines and changed files
    controls.py      asks for control runs at the base
    crashes.py       the root cause of crashes in a sentence
    push_json.py     a push as JSON                     timeline.py        a job's story in sentences
    glossary.py      what our words mean                rule_text.py       a rule in sentences
    statistics.py    sums since some time               costs.py, flakiness.py, stuck.py   parts of them
    factory.py       builds all of it from the config   registry.py        which kinds of reports there are

A report is updated, never repeated: each reporter stores beside the push what it created. As with retriggers, a report
is recorded before it is sent, and looked for before it is sent again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from triggerbot.core.branch.streaks import Along, Streak
from triggerbot.core.model import Branch, Push
from triggerbot.core.verdict.base import NEW
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.core.verdict.same_failure import TellingOf, told_alone
from triggerbot.core.verdict.verdict import Verdict
from triggerbot.reports.novelty import NoveltyReport
from triggerbot.store import PushRecord
from triggerbot.store.expectations import BranchChange
from triggerbot.systems import System


def _nothing_to_compare() -> NoveltyReport:
    return NoveltyReport(())


@dataclass(frozen=True, slots=True)
class PushReport:
    """The content of a report about a push."""

    record: PushRecord
    judged: PushVerdict
    #: The URL of the push's page; empty if the page's address is not configured.
    link: str
    #: The same as JSON, as GET /api/v1/pushes returns it.
    value: Mapping[str, Any]
    #: Answers to comment commands at the push, oldest first: pairs of the command's id and Markdown.
    answers: tuple[tuple[str, str], ...] = field(default=())
    #: Returns what of the failure lines of a job proves something.
    telling: TellingOf = told_alone
    #: Holds the push against earlier ones. A function, since that reads those from the store.
    compare: Callable[[], NoveltyReport] = _nothing_to_compare

    def novelty(self) -> NoveltyReport | None:
        """Return what newly fails; `None` before the verdicts are final, and where no tests are known.

        Raises `StoreUnavailable`.
        """
        known = any(run.tests is not None for job in self.record.jobs for run in job.runs)
        return self.compare() if known and self.judged.final else None

    @property
    def fresh(self) -> frozenset[str]:
        """The failing jobs that do not fail so at what the push is based on."""
        failed = (job for job in self.judged.jobs if job.verdict is Verdict.FAILED and not job.hidden)
        return frozenset(job.job for job in failed if job.base.relation in NEW)

    @property
    def push(self) -> Push:
        """The push that it is about."""
        return self.record.push


def as_listed(record: PushRecord) -> Push:
    """Return a push with its branch as reports list it: a fork's `main` is not the project's, but `fork:main`.

    No branch of a project can have that name: git allows no colon.
    """
    push = record.push
    return push._replace(branch=f"fork:{push.branch}") if record.facts.fork else push


@runtime_checkable
class Reporter(Protocol):
    """One place to which pushes are reported."""

    #: Unique among the reporters of a config; also the key of what it stores beside a push.
    name: str

    def wants(self, push: Push) -> bool:
        """Return whether this push, named `as_listed`, is reported here."""

    def report(self, report: PushReport, stored: str, save: Callable[[str], None]) -> float | None:
        """Update the report of a push; nothing is sent that would change nothing.

        Returns when to call again (seconds since the epoch) if mere progress was held back for now.

        `stored`: what was saved last, or empty; `save` stores it durably.

        Raises:
            CIUnavailable: not now; the whole report will be retried (after `after` seconds at the earliest).
            CIDenied: somebody has to change a permission first.
            NotKnown: what the report belongs to does not exist (any more).
        """

    def close(self) -> None:
        """Close the connections."""


@dataclass(frozen=True, slots=True)
class BranchReport:
    """The content of a report about a branch as a whole."""

    branch: Branch
    #: What keeps failing on it, without what is silenced.
    along: Along
    silenced: tuple[Streak, ...] = ()
    #: The authors of its pushes, by revision, as far as they are known.
    authors: Mapping[str, str] = field(default_factory=dict)
    #: The URL of the branch's page; empty if the page's address is not configured.
    link: str = ""
    #: The same as JSON, as GET /api/v1/branches returns it.
    value: Mapping[str, Any] = field(default_factory=dict)

    @property
    def jobs(self) -> frozenset[str]:
        """The jobs that keep failing."""
        return frozenset(one.job for one in self.along.failing)


@runtime_checkable
class BranchReporter(Protocol):
    """One place to which branches are reported as a whole: what keeps failing there."""

    #: Unique among all reporters of a config; also the key of what it stores beside a branch.
    name: str

    def covers(self, branch: Branch) -> bool:
        """Return whether this branch is reported here."""

    def report_branch(self, report: BranchReport, stored: str, save: Callable[[str], None]) -> None:
        """Update the report of a branch; nothing is sent that would change nothing. Stores and raises as `Reporter`."""

    def close(self) -> None:
        """Close the connections."""


@runtime_checkable
class ReportsExpectations(Protocol):
    """A reporter that says, too, that a branch has become silent, or is heard of again."""

    name: str

    def wants(self, push: Push) -> bool:
        """Return whether it reports a branch, as that of a push without system and revision."""

    def report_expectation(
        self, project: str, branch: str, change: BranchChange, stored: str, save: Callable[[str], None]
    ) -> None:
        """Report a change once; `stored`, `save` and errors as in `Reporter.report`."""


@runtime_checkable
class Warns(Protocol):
    """A reporter that says before it fails that a person has to do something about it."""

    name: str

    def trouble(self) -> str:
        """Return what has to be done; empty: nothing now."""


@dataclass(frozen=True, slots=True)
class ReportContext:
    """What a report's `build(settings, context)` is given besides its own settings; it yields its reporters."""

    systems: Mapping[str, System]
    #: Seconds since the epoch.
    clock: Callable[[], float]
