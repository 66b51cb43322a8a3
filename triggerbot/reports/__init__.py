"""Telling people what runs prove where they are: reports, and what people ask for there.

    publisher.py  works off what is due: judges a push, keeps that, brings each report up to date
    lines.py      asks CIs why runs failed          wishes.py        what people ask for in comments, by buttons
    github.py     check runs, statuses, comments    slack.py         one message a push, details in its thread
    webhook.py    the JSON, signed
    slack_api.py  what Slack answers                slack_blocks.py  reports as Slack's blocks
    markdown.py   reports as Markdown
    commands.py   what comments ask, read           classify.py      classifications at Treeherder
    making.py     from the config to all of it      slowness.py      who was slow and in vain
    registry.py   which kinds there are             *_settings.py    the section of each in the config

A report is brought up to date, never repeated: each reporter keeps beside the push what it made. A report is written
down before it leaves and looked for before it is made again, as retriggers are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from triggerbot.core.model import Push
from triggerbot.core.verdict.health import PushVerdict
from triggerbot.store import PushRecord
from triggerbot.systems import System


@dataclass(frozen=True, slots=True)
class PushReport:
    """What is to be reported of a push."""

    record: PushRecord
    judged: PushVerdict
    #: The push's page; empty if nobody configured where people reach it.
    link: str
    #: The same as JSON, as GET /api/v1/pushes has it.
    value: Mapping[str, Any]
    #: Failing jobs that did not fail at the previous push of the branch; `None`: no such push is known.
    fresh: frozenset[str] | None = None
    #: Answers to what people asked at the push, oldest first: pairs of a name of the wish and Markdown.
    answers: tuple[tuple[str, str], ...] = field(default=())

    @property
    def push(self) -> Push:
        """The push that it is about."""
        return self.record.push


def as_listed(record: PushRecord) -> Push:
    """Name a push as reports list projects and branches: a fork's `main` is not the project's, but `fork:main`.

    No branch of a project can be called that: git allows no colon.
    """
    push = record.push
    return push._replace(branch=f"fork:{push.branch}") if record.facts.fork else push


class Reporter(Protocol):
    """One place where pushes are reported."""

    #: Unique among the reporters of a config; under it is kept what was made.
    name: str

    def wants(self, push: Push) -> bool:
        """Tell whether this push, named `as_listed`, is reported here."""

    def report(self, told: PushReport, kept: str, keep: Callable[[str], None]) -> float | None:
        """Bring the report of a push up to date; nothing is sent that would change nothing.

        Tells when to come again (seconds since the epoch) if mere progress was held back for now.

        `kept`: what was kept last, or nothing; `keep` writes it down durably.

        Raises:
            CIUnavailable: not now; the whole will be tried again (`after`: not before so many seconds).
            CIDenied: somebody has to change a permission first.
            NotKnown: what the report belongs to is not there (any more).
        """

    def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, slots=True)
class ReportContext:
    """What a report's `build(settings, context)` is given besides its own settings; it yields its reporters."""

    systems: Mapping[str, System]
    #: Seconds since the epoch.
    clock: Callable[[], float]
